import Testing
import Vulnerabilities

@Suite struct VersionOrderTests {
    /// Each list is in ascending order.
    @Test(arguments: [
        (VersionScheme.deb, ["1.0~rc1", "1.0", "1.0-0ubuntu1", "1.0-1", "1.0-1+b1", "1.0a", "1.0+dfsg", "1:0.1"]),
        (.rpm, ["1.0~rc1-1", "1.0-1", "1.0-1.el8", "1.0^git1-1", "1.0.1-1", "1:0.5-1"]),
        (.apk, ["1.0_alpha1", "1.0_rc1", "1.0", "1.0-r1", "1.0_p1", "1.0.1", "1.10"]),
        (.semver, ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-rc.1", "1.0.0", "1.0.1"]),
        (.pypi, ["1.0.dev1", "1.0a1", "1.0rc1", "1.0", "1.0+local", "1.0.post1", "1!0.1"]),
        (.gem, ["1.0.a", "1.0.b1", "1.0", "1.0.1", "1.10"]),
        (.maven, ["1.0-alpha-1", "1.0-beta", "1.0-rc1", "1.0-SNAPSHOT", "1.0", "1.0-sp", "1.0-1", "1.0.1"]),
        (.golang, ["not one", "v1.0.0-pre", "v1.0.0", "v1.1"]),
        (.composer, ["1.0-dev", "1.0a1", "1.0RC1", "1.0", "1.0pl1", "1.0.1"]),
        (.nuget, ["1.0.0-Alpha", "1.0.0-beta", "1.0", "1.0.0.1"]),
        (.bitnami, ["3.2.4-rc1", "3.2.4", "3.2.4-7", "3.2.4-11", "3.2.5"]),
        (.generic, ["1.0-rc1", "1.0", "1.0.1", "1.0.1f", "1.0.1h", "1.0.2"]),
        (.openssl, ["0.9.8y", "0.9.8za", "1.0.1", "1.0.1a", "3.0.0"]),
    ])
    func `orders as the ecosystem does`(_ scheme: VersionScheme, _ ascending: [String]) {
        for (i, one) in ascending.enumerated() {
            for (j, other) in ascending.enumerated() {
                let expected = i < j ? -1 : i > j ? 1 : 0
                #expect(scheme.order(one, other) == expected, "\(one) and \(other)")
            }
        }
    }

    /// Whatever bytes come, an order is an order: it never traps, and turned round it is the opposite.
    @Test(arguments: VersionScheme.allCases)
    func `is antisymmetric on any text`(_ scheme: VersionScheme) {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func random(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        let letters = Array("0123456789.-_~^+:abrcv é%*#".unicodeScalars)
        func text() -> String {
            var out = String.UnicodeScalarView()
            for _ in 0..<random(12) { out.append(letters[random(letters.count)]) }
            return String(out)
        }
        for _ in 0..<2_000 {
            let one = text()
            let other = text()
            #expect(scheme.order(one, other) == -scheme.order(other, one), "\(one) and \(other)")
            #expect(scheme.order(one, one) == 0, "\(one)")
        }
    }

    @Test(arguments: [
        ("vers:npm/>=1.0.0|<2.0.0", "1.5.0", true), ("vers:npm/>=1.0.0|<2.0.0", "2.0.0", false),
        ("vers:pypi/<1|>=2|!=2.1", "2.1", false), ("vers:pypi/<1|>=2|!=2.1", "2.2", true),
        ("vers:pypi/<1|>=2|!=2.1", "1.5", false), ("vers:deb/*", "anything", true),
        ("vers:deb/1.0|2.0", "2.0", true), ("vers:deb/1.0|2.0", "1.5", false),
    ])
    func `finds versions in a vers range`(_ range: String, _ version: String, _ expected: Bool) throws {
        #expect(try VersRange(range).contains(version) == expected)
    }
}
