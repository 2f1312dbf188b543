import Documents
import Findings
import Foundation
import Hub
import Store
import Testing

@Suite struct DashboardTests {
    private static let report = #"""
        {"SchemaVersion":2,"ArtifactName":"shop/cart:1","Results":[{"Target":"shop/cart:1","Class":"os-pkgs",
        "Vulnerabilities":[
        {"VulnerabilityID":"CVE-2026-1","PkgName":"zlib","InstalledVersion":"1.2","FixedVersion":"1.3","Severity":"CRITICAL"},
        {"VulnerabilityID":"CVE-2026-2","PkgName":"curl","InstalledVersion":"8.0","Severity":"HIGH"}]}]}
        """#

    private static func sendReport(_ hub: HubFixture, as admin: HubFixture.Caller) async throws {
        let answer = try await hub.send(
            "POST", "/api/v1/ingest/reports?cluster=demo&image=shop/cart:1", report, as: admin)
        #expect(answer.status == 202, "\(answer.text)")
    }

    @Test func everyTableIsAFileUnderTheSameFilter() async throws {
        try await HubFixture.with { hub in
            let admin = try await hub.logIn()
            try await Self.sendReport(hub, as: admin)
            let page = try await hub.send("GET", "/vulnerabilities?severity=critical", as: admin)
            #expect(page.text.contains("as=csv&amp;table=Advisories"), "\(page.text)")
            let csv = try await hub.send("GET", "/vulnerabilities?severity=critical&as=csv&table=Advisories", as: admin)
            #expect(csv.headers["content-type"] == "text/csv; charset=utf-8")
            let lines = csv.text.split(separator: "\r\n").map(String.init)
            #expect(lines.first == "Worst,Advisory,Open findings,Fixed in,Known,To be mended,State")
            #expect(lines.count == 2)
            #expect(lines.last?.hasPrefix("critical,CVE-2026-1 zlib,1 critical") == true, "\(lines)")
            let json = try await hub.send("GET", "/findings?as=json&table=Findings", as: admin).json
            #expect(json["rows"].elements.map { $0["Severity"].string } == ["critical", "high"])
            #expect(json["rows"][0]["Finding"].string == "CVE-2026-1 in zlib zlib 1.2 has CVE-2026-1; fixed in 1.3")
            let none = try await hub.send("GET", "/findings?as=csv&table=Nothing", as: admin)
            #expect(none.status == 404)
        }
    }

    @Test func anAdvisoryLeadsToItsImagesAndBack() async throws {
        try await HubFixture.with { hub in
            let admin = try await hub.logIn()
            try await Self.sendReport(hub, as: admin)
            let advisory = try await hub.send("GET", "/vulnerabilities/advisory?id=CVE-2026-1", as: admin)
            #expect(advisory.status == 200)
            #expect(advisory.text.contains("/vulnerabilities/image?name=shop%2Fcart%3A1"))
            #expect(advisory.text.contains("fixed in 1.3"))
            let image = try await hub.send("GET", "/vulnerabilities/image?name=shop%2Fcart%3A1", as: admin)
            #expect(image.text.contains("/vulnerabilities/advisory?id=CVE-2026-2"))
            #expect(try await hub.send("GET", "/vulnerabilities/advisory?id=CVE-0", as: admin).status == 404)
            let unfixed = try await hub.send("GET", "/vulnerabilities?fix=no", as: admin)
            #expect(unfixed.text.contains("CVE-2026-2") && !unfixed.text.contains("CVE-2026-1"))
            let home = try await hub.send("GET", "/", as: admin)
            #expect(home.text.contains("removes 1 critical, 1 high in 0 workloads"), "\(home.text)")
        }
    }

    @Test func oneWaiverHoldsForAllThatReportsFindAndEndsWithItsDay() async throws {
        try await HubFixture.with { hub in
            let admin = try await hub.logIn()
            let bob = try await hub.user("bob", #"[{"role":"editor","cluster":"*"}]"#, as: admin)
            try await Self.sendReport(hub, as: admin)
            let day = "\(CalendarDate.of(TimeText.system() + 86_400_000))"
            let body = #"{"rule":"CVE-2026-1","kind":"Image","owner":"bob","reason":"not called","expires":"\#(day)"}"#
            let asked = try await hub.send("POST", "/api/v1/waivers", body, as: bob)
            #expect(asked.status == 201, "\(asked.text)")
            let id = try #require(try asked.json["id"].string)
            #expect(try await hub.send("POST", "/api/v1/waivers/\(id)/approve", "{}", as: admin).status == 200)
            func open() async throws -> [String] {
                try await hub.send("GET", "/api/v1/findings", as: admin).json["items"].elements.compactMap {
                    $0["rule"].string
                }
            }
            #expect(try await open() == ["CVE-2026-2"])
            try await Self.sendReport(hub, as: admin)
            #expect(try await open() == ["CVE-2026-2"], "a report that comes again does not open it again")
            #expect(try await hub.send("POST", "/api/v1/waivers/\(id)/revoke", "{}", as: admin).status == 200)
            #expect(try await open() == ["CVE-2026-1", "CVE-2026-2"])
        }
    }

    @Test func theNetworkAnswersWhyAndWhatIf() async throws {
        try await ExampleTests.withManifests { hub, admin, _ in
            let cut = try await hub.send("GET", "/network/deny?as=json", as: admin).json
            #expect(cut["table"].string == "Connections that would be cut")
            #expect(
                cut["rows"].elements.contains { $0["From"].string == "shop/cart (Deployment)" }, "\(cut.json())")
            let one = try await hub.send("GET", "/network/deny?namespace=nowhere", as: admin)
            #expect(one.text.contains("Nothing that is allowed today would be cut"))
            let why = try await hub.send("GET", "/network/why?from=internet&to=shop/cart&port=80", as: admin)
            #expect(why.text.contains("no policy decides over it"), "\(why.text)")
            let nothing = try await hub.send("GET", "/network/why?from=internet&to=shop/nothing", as: admin)
            #expect(nothing.text.contains("There is nothing here by the name shop/nothing"))
        }
    }

    @Test func aControlIsProvedFromWhatTheHubWatched() async throws {
        try await ExampleTests.withManifests { hub, admin, _ in
            let control = try await hub.send("GET", "/compliance/soc2/CC6.1", as: admin)
            #expect(control.status == 200)
            for part in ["State over time", "no scan", "martlet scan", "The newest look is"] {
                #expect(control.text.contains(part), "\(part)")
            }
            let before = try await hub.send("GET", "/compliance/soc2?from=2020-01-01&to=2020-02-01", as: admin)
            #expect(before.text.contains("ends before the first scan"), "\(before.text)")
            #expect(try await hub.send("GET", "/compliance/soc2?from=yesterday&to=today", as: admin).status == 400)
            #expect(try await hub.send("GET", "/compliance/soc2/CC99", as: admin).status == 404)
            let paper = try await hub.send("GET", "/compliance/soc2/report?format=summary", as: admin)
            #expect(paper.headers["content-type"] == "application/pdf")
            let oscal = try await hub.send("GET", "/compliance/soc2/report?format=oscal", as: admin).json
            #expect(oscal["assessment-results"]["uuid"].exists)
        }
    }

    @Test func aNotifierIsTestedFromItsRow() async throws {
        let notifier = NotifierSettings(name: "chat", kind: .slack, url: "http://127.0.0.1:1/")
        try await HubFixture.with({ $0.notifiers = [notifier] }) { hub in
            let admin = try await hub.logIn()
            let page = try await hub.send("GET", "/settings", as: admin)
            #expect(page.text.contains("/settings/notifiers/chat/test"))
            #expect(page.text.contains("Keys for programs"))
            // Nobody listens there: the screen says what went wrong.
            let test = try await hub.send("POST", "/settings/notifiers/chat/test", "", as: admin)
            #expect(test.status == 502, "\(test.text)")
        }
    }
}
