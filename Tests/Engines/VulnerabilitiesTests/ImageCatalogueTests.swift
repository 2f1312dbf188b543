import Images
import Testing
import Vulnerabilities

private let status = """
    Package: curl
    Status: install ok installed
    Architecture: amd64
    Source: curl-src (7.88.1-10)
    Version: 7.88.1-10+deb12u5
    Depends: libc6 (>= 2.34), libcurl4 (= 7.88.1) | libcurl3:any
    Conffiles:
     /etc/curlrc 0123456789abcdef

    Package: gone
    Status: deinstall ok config-files
    Version: 1.0

    Package: bash
    Status: install ok installed
    Architecture: amd64
    Version: 5.2.15-2+b2
    """

@Suite struct ImageCatalogueTests {
    @Test func `dpkg's status names installed packages, their source and architecture`() {
        let image = ImageCatalogue(layers: [
            layer(["var/lib/dpkg/status": status, "etc/os-release": "ID=debian\nVERSION_ID=\"12\"\n"])
        ])
        #expect(image.lines == ["deb bash 5.2.15-2+b2", "deb curl 7.88.1-10+deb12u5"])
        let curl = image.package("curl")
        #expect(curl?.package.sources == [.init(name: "curl-src", version: "7.88.1-10")])
        #expect(
            curl?.package.purl
                == "pkg:deb/debian/curl@7.88.1-10%2Bdeb12u5?arch=amd64&distro=debian-12&upstream=curl-src%407.88.1-10")
        #expect(curl?.requires == ["libc6", "libcurl4"])
        #expect(image.distribution == Distribution(id: "debian", version: "12"))
        #expect(image.owner(of: "/etc/curlrc") == "curl")
    }

    @Test(arguments: [
        ("https://dl-cdn.alpinelinux.org/alpine/edge/main\n", "alpine:edge"),
        (
            "https://dl-cdn.alpinelinux.org/alpine/v3.16/main\nhttps://mirror.example/alpine/v3.18/community\n",
            "alpine:3.18"
        ),
        (
            "https://dl-cdn.alpinelinux.org/alpine/v3.16/main\n@testing https://dl-cdn.alpinelinux.org/alpine/edge/testing\n",
            "alpine:3.16"
        ),
        ("# https://dl-cdn.alpinelinux.org/alpine/edge/main\n", "alpine:3.16"),
        ("https://packages.wolfi.dev/os\nalpine/edge/main\n\u{0}://alpine/\n", "alpine:3.16"),
    ])
    func `Alpine's packages are of the release that apk takes them from`(repositories: String, key: String) {
        let image = ImageCatalogue(layers: [
            layer(["etc/os-release": "ID=alpine\nVERSION_ID=3.16.2\n", "etc/apk/repositories": repositories])
        ])
        #expect(image.distribution?.keys.map(\.text) == [key])
    }

    @Test func `support streams of Red Hat are read from the sets that packages are from, of every layer`() {
        let release = "ID=\"rhel\"\nVERSION_ID=\"8.6\"\n"
        func streams(_ sets: [String: String], _ release: String) -> Set<String>? {
            let files = sets.merging(["etc/os-release": release]) { first, _ in first }
            return ImageCatalogue(layers: [layer(files)]).distribution?.streams
        }
        let usual = #"{"content_sets": ["rhel-8-for-x86_64-baseos-rpms", "rhel-8-museum-rpms"]}"#
        let extended = #"{"content_sets": ["rhel-8-for-x86_64-baseos-eus-rpms__8_DOT_6"]}"#
        #expect(streams(["root/buildinfo/content_manifests/ubi8-1.json": usual], release) == [])
        #expect(
            streams(
                [
                    "root/buildinfo/content_manifests/ubi8-1.json": usual,
                    "usr/share/buildinfo/content-sets.json": extended,
                ], release) == ["eus"])
        #expect(streams(["root/buildinfo/content_manifests/a.json": extended], "ID=fedora\nVERSION_ID=40\n") == [])
        #expect(streams(["root/buildinfo/content_manifests/a.json": "[]"], release) == [])
    }

    @Test func `parts of a distroless image are packages, their sums tell what they own`() {
        let image = ImageCatalogue(layers: [
            layer([
                "var/lib/dpkg/status.d/tzdata": "Package: tzdata\nVersion: 2024a-0\nArchitecture: all\n",
                "var/lib/dpkg/status.d/tzdata.md5sums": "0123  usr/share/zoneinfo/UTC\n",
            ])
        ])
        #expect(image.lines == ["deb tzdata 2024a-0"])
        #expect(image.owner(of: "usr/share/zoneinfo/UTC") == "tzdata")
    }

    @Test func `apk's list names packages with origin and files`() {
        let image = ImageCatalogue(layers: [
            layer([
                "lib/apk/db/installed": """
                C:Q1abc=
                P:libcrypto3
                V:3.1.4-r5
                A:x86_64
                L:Apache-2.0
                o:openssl
                D:so:libc.musl-x86_64.so.1 !conflict musl>=1.2
                F:lib
                R:libcrypto.so.3
                a:0:0:755
                """, "etc/alpine-release": "3.19.1\n",
            ])
        ])
        #expect(image.lines == ["apk libcrypto3 3.1.4-r5"])
        #expect(image.package("libcrypto3")?.licences == ["Apache-2.0"])
        #expect(image.package("libcrypto3")?.package.sources == [.init(name: "openssl")])
        #expect(
            image.package("libcrypto3")?.package.purl
                == "pkg:apk/alpine/libcrypto3@3.1.4-r5?arch=x86_64&distro=alpine-3.19.1&upstream=openssl")
        #expect(image.owner(of: "/usr/lib/libcrypto.so.3") == "libcrypto3")
    }

    @Test func `a later list of packages replaces the earlier and tells what its layer added`() {
        let image = ImageCatalogue(
            layers: [
                layer(["var/lib/dpkg/status": status]), layer(["tmp/x": "y"]),
                layer(["var/lib/dpkg/status": status + "\n\nPackage: vim\nStatus: install ok installed\nVersion: 9\n"]),
            ], configuration: ImageConfiguration(layers: ["sha256:a", "sha256:b", "sha256:c"]))
        #expect(image.package("curl")?.layer == 0)
        #expect(image.package("vim")?.layer == 2)
        #expect(image.package("vim")?.package.layer == "sha256:c")
    }

    @Test(arguments: [
        (["var/lib/dpkg/.wh.status"], 0), (["var/lib/.wh.dpkg"], 0), (["var/lib/dpkg/.wh..wh..opq"], 0),
        (["var/lib/dpkg/info/.wh.status"], 2), (["var/.wh.lib2"], 2), ([".wh..wh..opq"], 0),
    ])
    func `whiteouts hide what lies below them`(_ removed: [String], _ left: Int) {
        let image = ImageCatalogue(layers: [
            layer(["var/lib/dpkg/status": status]), layer(removed.map { ($0, []) }),
        ])
        #expect(image.packages.count == left)
    }

    @Test func `a whiteout says nothing of its own layer, in whatever order they stand`() {
        for order in [
            ["var/lib/dpkg/.wh..wh..opq", "var/lib/dpkg/status"], ["var/lib/dpkg/status", "var/lib/.wh.dpkg"],
        ] {
            let own = layer(order.map { ($0, $0.hasSuffix("status") ? Array(status.utf8) : []) })
            #expect(ImageCatalogue(layers: [layer(["var/lib/dpkg/status": "x"]), own]).packages.count == 2)
        }
    }

    @Test func `a file in the place of a folder hides what the folder held`() {
        let image = ImageCatalogue(layers: [layer(["var/lib/dpkg/status": status]), layer(["var/lib/dpkg": "file"])])
        #expect(image.packages.isEmpty)
    }

    @Test func `programs are known by path, with what they may do`() {
        var builder = LayerFactsBuilder()
        builder.take(LayerMember(path: "usr/bin/su", kind: .file, mode: 0o4755, size: 9), contents: nil)
        builder.take(LayerMember(path: "usr/bin/su2", kind: .hardLink(to: "usr/bin/su")), contents: nil)
        builder.take(LayerMember(path: "etc/passwd", kind: .file, size: 9), contents: nil)
        let image = ImageCatalogue(layers: [builder.finish()])
        #expect(image.executables.map(\.path) == ["usr/bin/su", "usr/bin/su2"])
        #expect(image.executable(at: "/usr/bin/su2")?.isSetUser == true)
        #expect(image.executable(at: "/etc/passwd") == nil)
    }

    @Test func `what was too large is a problem, never silence`() {
        var builder = LayerFactsBuilder()
        builder.noteTooLarge(LayerMember(path: "var/lib/dpkg/status", kind: .file, size: 1 << 40))
        let image = ImageCatalogue(layers: [builder.finish()])
        #expect(image.problems.map(\.path) == ["/var/lib/dpkg/status"])
    }

    @Test func `facts survive being stored`() throws {
        let facts = layer([
            "var/lib/dpkg/status": status, "etc/os-release": "ID=debian\n", "opt/.wh.old": "", "a/.wh..wh..opq": "",
            "var/lib/dpkg/info/curl.list": "/.\n/usr/bin/curl\n",
        ])
        let bytes = facts.encoded()
        #expect(try LayerFacts(decoding: bytes) == facts)
        #expect(try LayerFacts(decoding: bytes).encoded() == bytes)
    }

    @Test func `damaged facts are refused or read, never trapped on`() throws {
        let bytes = layer(["var/lib/dpkg/status": status, "etc/os-release": "ID=debian\n"]).encoded()
        var refused = 0
        for cut in 0..<bytes.count {
            do { _ = try LayerFacts(decoding: Array(bytes[..<cut])) } catch { refused += 1 }
        }
        #expect(refused == bytes.count)
        var random = SystemRandomNumberGenerator.seeded(7)
        for _ in 0..<2_000 {
            var bad = bytes
            bad[Int.random(in: 0..<bad.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            _ = try? LayerFacts(decoding: bad)
        }
    }

    @Test(arguments: [
        (["etc/os-release": "NAME=\"Alpine\"\nID=alpine\nVERSION_ID=3.19.1\n"], "alpine 3.19.1"),
        (["etc/os-release": "ID=debian\nVERSION_CODENAME=sid\n", "etc/debian_version": "trixie/sid\n"], "debian sid"),
        (["etc/debian_version": "12.5\n"], "debian 12.5"),
        (["etc/redhat-release": "CentOS Linux release 7.6.1810 (Core)\n"], "centos 7.6.1810"),
        (
            ["etc/os-release": "ID=\"centos\"\nVERSION_ID=\"7\"\n", "etc/redhat-release": "CentOS release 7.6.1810\n"],
            "centos 7.6.1810"
        ),
        (
            ["usr/lib/os-release": "ID='ubuntu'\nVERSION_ID='22.04'\n", "etc/debian_version": "bookworm/sid"],
            "ubuntu 22.04"
        ),
        (["etc/lsb-release": "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=18.04\n"], "ubuntu 18.04"),
    ])
    func `the distribution is told by what is there`(_ files: [String: String], _ expected: String) {
        #expect(ImageCatalogue(layers: [layer(files)]).distribution?.title == expected)
    }
}

/// The same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension SystemRandomNumberGenerator {
    static func seeded(_ seed: UInt64) -> SeededGenerator { SeededGenerator(state: seed) }
}
