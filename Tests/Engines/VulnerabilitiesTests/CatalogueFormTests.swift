import Foundation
import Images
import Testing
import Vulnerabilities

/// Fixtures: an rpm database that rpm 4.18 wrote (`rpmdb.sqlite`, its index tables dropped), the same headers in hashes
/// that Berkeley DB 5.3 wrote in either byte order and in rpm's own form, archives by Python's zipfile, programs by
/// gcc and objcopy with the blocks that Go's linker and cargo-auditable add.
func fixture(_ name: String) throws -> [UInt8] {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: nil))
    return Array(try Data(contentsOf: url))
}

private func image(_ path: String, _ bytes: [UInt8], mode: UInt16 = 0o644) -> ImageCatalogue {
    ImageCatalogue(layers: [layer([(path, bytes)], mode: mode)])
}

/// What the lock file at `path` asks for.
private func declared(_ path: String, _ text: String) -> [String] {
    ImageCatalogue(layers: [layer([path: text])], includesDeclared: true).packages.map { item in
        "\(item.package.name) \(item.package.version)" + (item.isDevelopment ? " dev" : "")
    }
}

@Suite struct CatalogueFormTests {
    private static let rpms = [
        "rpm bind-libs 32:9.16.23-18.el9", "rpm curl 7.76.1-29.el9_4.1", "rpm empty-meta 2024a-1.fc40",
        "rpm libcurl 7.76.1-29.el9_4.1", "rpm nodejs 1:18.19.0-1.module+el9+21193+a4f2b4e7", "rpm python3-big 1.0-1",
    ]

    @Test(arguments: [
        ("rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite"), ("Packages.little", "var/lib/rpm/Packages"),
        ("Packages.big", "var/lib/rpm/Packages"), ("Packages.db", "usr/lib/sysimage/rpm/Packages.db"),
    ])
    func `rpm's database tells the same packages in each of its forms`(_ file: String, _ path: String) throws {
        let image = image(path, try fixture(file))
        #expect(image.problems == [])
        #expect(image.lines == Self.rpms)
        let node = image.package("nodejs")
        #expect(node?.package.module == "nodejs:18:9030020240112:rhel9")
        #expect(node?.package.architecture == "noarch")
        #expect(node?.licences == ["MIT"])
        #expect(image.package("curl")?.package.module == "")
        #expect(node?.package.sources.first?.name == "nodejs")
        #expect(image.owner(of: "/usr/lib/python3/site-packages/big/module_0059.py") == "python3-big")
        #expect(image.owner(of: "/usr/lib/node_modules/npm/package.json") == "nodejs")
        #expect(
            image.package("bind-libs")?.package.purl
                == "pkg:rpm/bind-libs@9.16.23-18.el9?arch=noarch&epoch=32&upstream=bind-libs-9.16.23-18.el9.src.rpm")
    }

    @Test(arguments: ["rpmdb.sqlite", "Packages.little", "Packages.db"])
    func `a damaged rpm database is a problem, not an empty list`(_ file: String) throws {
        let whole = try fixture(file)
        for cut in [0, 1, 20, 100, 4096, whole.count / 2] {
            let image = image("var/lib/rpm/Packages", Array(whole.prefix(cut)))
            #expect(cut == 0 || !image.problems.isEmpty || image.packages.count == 6)
        }
    }

    @Test(arguments: [
        "rpmdb.sqlite", "Packages.little", "Packages.big", "Packages.db", "app.jar", "demo-1.0-py3-none-any.whl",
        "auditable.elf", "go-inline.elf", "go-pointer.elf",
    ])
    func `bytes changed at random never trap a reader`(_ file: String) throws {
        let whole = try fixture(file)
        let isRPM = file.contains("ackages") || file.hasPrefix("rpm")
        let path = isRPM ? "var/lib/rpm/Packages" : "opt/" + file
        var random = SystemRandomNumberGenerator.seeded(UInt64(file.utf8.count))
        for round in 0..<60 {
            var bad = whole
            // The first bytes steer most: half of the changes fall there.
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                let end = round % 2 == 0 ? min(512, bad.count) : bad.count
                bad[Int.random(in: 0..<end, using: &random)] =
                    [0, 1, 0x7F, 0xFF, UInt8.random(in: 0...255, using: &random)]
                    .randomElement(using: &random) ?? 0
            }
            if round % 5 == 0 { bad.removeLast(Int.random(in: 0..<bad.count, using: &random)) }
            _ = image(path, bad, mode: 0o755).lines
        }
    }

    @Test func `jars inside jars are found by what Maven left, by the manifest, and by their names`() throws {
        let image = image("opt/app.jar", try fixture("app.jar"))
        #expect(image.problems == [])
        #expect(
            image.lines == [
                "maven com.example:app 1.0.0", "maven com.example:shaded-all 9",
                "maven com.google.guava:guava 30.0-jre", "maven commons-io:commons-io 2.6",
                "maven org.apache.logging.log4j:log4j-core 2.14.1",
                "maven org.example.tools:named-library 1.2.3", "maven org.parent:child 5.1",
            ])
        #expect(
            image.package("org.apache.logging.log4j:log4j-core")?.paths
                == ["/opt/app.jar!/BOOT-INF/lib/log4j-core-2.14.1.jar"])
        #expect(image.package("org.parent:child")?.licences == ["Apache-2.0"])
        #expect(
            image.package("commons-io:commons-io")?.package.purl == "pkg:maven/commons-io/commons-io@2.6")
    }

    @Test func `a wheel tells what its metadata says`() throws {
        let image = image("wheels/demo-1.0-py3-none-any.whl", try fixture("demo-1.0-py3-none-any.whl"))
        #expect(image.lines == ["pypi Demo_Pkg 1.0"])
        #expect(image.packages.first?.package.purl == "pkg:pypi/demo-pkg@1.0")
        #expect(image.packages.first?.requires == ["requests"])
    }

    @Test(arguments: [("go-inline.elf", "go1.21.4"), ("go-pointer.elf", "go1.16.5")])
    func `a Go program tells its modules, in the old form and the new`(_ file: String, _ version: String) throws {
        let image = image("usr/local/bin/app", try fixture(file), mode: 0o755)
        #expect(
            image.lines == [
                "golang example.com/app (devel)", "golang github.com/a/b v1.2.3",
                "golang github.com/fork/d v0.2.0", "golang local.example/z (devel)", "golang stdlib \(version)",
            ])
    }

    @Test func `a Rust program tells its crates but not what only the build ran`() throws {
        let image = image("usr/bin/app", try fixture("auditable.elf"), mode: 0o755)
        #expect(image.lines == ["cargo app 0.1.0", "cargo smallvec 1.6.0"])
        #expect(image.package("app")?.requires == ["smallvec"])
    }

    @Test(arguments: [
        ("usr/lib/python3/dist-packages/a-1.dist-info/METADATA", "Name: a\nVersion: 1\n\nVersion: 2\n", "pypi a 1"),
        ("usr/lib/python3/dist-packages/b-1.egg-info", "Name: b\nVersion: 1\n", "pypi b 1"),
        ("x/b.egg-info/PKG-INFO", "Name: b\nVersion: 1\n", "pypi b 1"),
        ("app/node_modules/@s/x/package.json", "{\"name\":\"@s/x\",\"version\":\"1.0.0\"}", "npm @s/x 1.0.0"),
        (
            "usr/lib/ruby/gems/3.1.0/specifications/default/abbrev-0.1.0.gemspec",
            "# -*- encoding: utf-8 -*-\n# stub: abbrev 0.1.0 ruby lib\n", "gem abbrev 0.1.0"
        ),
        (
            "usr/lib/ruby/gems/3.1.0/specifications/net-protocol-0.1.2.gemspec",
            "Gem::Specification.new do |s|\n  s.name = \"net-protocol\".freeze\n  s.version = \"0.1.2\"\n",
            "gem net-protocol 0.1.2"
        ),
        ("a/specifications/odd-1.2.gemspec", "Gem::Specification.new do |s|\n  s.name = NAME\n", "gem odd 1.2"),
        (
            "app/vendor/composer/installed.json", "{\"packages\":[{\"name\":\"a/b\",\"version\":\"v1.0\"}]}",
            "composer a/b v1.0"
        ),
        (
            "app/x.deps.json",
            "{\"libraries\":{\"App/1.0\":{\"type\":\"project\"},\"Json/9.0.1\":{\"type\":\"package\"}}}",
            "nuget Json 9.0.1"
        ),
        (
            "opt/conda/conda-meta/zlib-1.2-h1.json", "{\"name\":\"zlib\",\"version\":\"1.2\",\"build\":\"h1\"}",
            "conda zlib 1.2"
        ),
        (
            "var/lib/rpmmanifest/container-manifest-2",
            "bash\t5.1.8-4.cm2\t1\t1\tM\t(none)\t10\tx86_64\t0\tbash-5.1.8-4.cm2.src.rpm\n", "rpm bash 5.1.8-4.cm2"
        ),
        ("src/Cargo.lock", "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n", "cargo a 1.0.0"),
    ])
    func `an installed package is told by its own file`(_ path: String, _ text: String, _ line: String) {
        #expect(ImageCatalogue(layers: [layer([path: text])]).lines == [line])
    }

    @Test(arguments: [
        (
            "package-lock.json",
            """
            {"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","dependencies":{"b":{"version":"2.0.0"}}},
            "c":{"version":"3.0.0","dev":true},"d":{"version":"git+ssh://x"}}}
            """, ["a 1.0.0", "b 2.0.0", "c 3.0.0 dev"]
        ),
        (
            "package-lock.json",
            """
            {"lockfileVersion":3,"packages":{"":{"name":"root","version":"1.0.0"},"node_modules/@s/a":{"version":"1.0.0"},
            "node_modules/a/node_modules/b":{"version":"2.0.0","dev":true},"w":{"version":"9.0.0"},
            "node_modules/w":{"link":true}}}
            """, ["@s/a 1.0.0", "b 2.0.0 dev"]
        ),
        (
            "yarn.lock",
            "# yarn lockfile v1\n\n\"@s/a@^1.0.0\", \"@s/a@^1.1.0\":\n  version \"1.2.0\"\n  dependencies:\n    b \"^2\"\n\nb@^2:\n  version \"2.0.0\"\n",
            ["@s/a 1.2.0", "b 2.0.0"]
        ),
        (
            "yarn.lock",
            """
            __metadata:
              version: 6

            "a@npm:^1.0.0":
              version: 1.2.0
              resolution: "a@npm:1.2.0"
              linkType: hard

            "root@workspace:.":
              version: 0.0.0-use.local
              linkType: soft
            """, ["a 1.2.0"]
        ),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: 5.4\npackages:\n  /@s/a/1.0.0:\n    dev: true\n  /b/2.0.0_react@17.0.0:\n    dev: false\n",
            ["@s/a 1.0.0 dev", "b 2.0.0"]
        ),
        (
            "pnpm-lock.yaml", "lockfileVersion: '6.0'\npackages:\n  /@s/a@1.0.0(b@2.0.0):\n    dev: false\n",
            ["@s/a 1.0.0"]
        ),
        (
            "pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages:\n  '@s/a@1.0.0':\n    resolution: {integrity: x}\n",
            ["@s/a 1.0.0"]
        ),
        (
            "requirements.txt", "# x\na==1.0 ; python_version > '3'\nb>=2\nc[x]==2.0 --hash=sha256:1\n",
            ["a 1.0", "c 2.0"]
        ),
        (
            "Pipfile.lock", "{\"default\":{\"a\":{\"version\":\"==1.0\"}},\"develop\":{\"b\":{\"version\":\"==2\"}}}",
            ["a 1.0", "b 2 dev"]
        ),
        (
            "poetry.lock",
            "[[package]]\nname = \"a\"\nversion = \"1.0\"\n\n[package.dependencies]\nb = \">=1\"\n\n[metadata]\nversion = \"2\"\n",
            ["a 1.0"]
        ),
        (
            "uv.lock",
            "version = 1\n[[package]]\nname = \"me\"\nversion = \"0\"\nsource = { editable = \".\" }\n[[package]]\nname = \"a\"\nversion = \"1\"\n",
            ["a 1"]
        ),
        (
            "Gemfile.lock",
            "GEM\n  remote: https://rubygems.org/\n  specs:\n    rails (7.0.1)\n      nokogiri (>= 1)\n    nokogiri (1.13.0-x86_64-linux)\n\nPLATFORMS\n  ruby\n",
            ["nokogiri 1.13.0", "rails 7.0.1"]
        ),
        (
            "go.mod",
            "module m\n\ngo 1.20\n\nrequire (\n\tgithub.com/a/b v1.0.0\n\tgithub.com/c/d v2.0.0 // indirect\n)\nreplace github.com/c/d => github.com/x/d v3.0.0\n",
            ["github.com/a/b v1.0.0", "github.com/x/d v3.0.0"]
        ),
        (
            "composer.lock",
            "{\"packages\":[{\"name\":\"a/b\",\"version\":\"1.0\"}],\"packages-dev\":[{\"name\":\"c/d\",\"version\":\"2\"}]}",
            ["a/b 1.0", "c/d 2 dev"]
        ),
        (
            "packages.lock.json",
            "{\"dependencies\":{\"net6.0\":{\"A\":{\"type\":\"Direct\",\"resolved\":\"1.0.0\"},\"P\":{\"type\":\"Project\"}}}}",
            ["A 1.0.0"]
        ),
        ("gradle.lockfile", "# x\na.b:c:1.0=compileClasspath\nempty=annotationProcessor\n", ["a.b:c 1.0"]),
        (
            "pom.xml",
            "<project><groupId>g</groupId><artifactId>a</artifactId><version>1</version><properties><v>2.5</v></properties><dependencies><dependency><groupId>x</groupId><artifactId>y</artifactId><version>${v}</version></dependency><dependency><groupId>x</groupId><artifactId>z</artifactId></dependency></dependencies></project>",
            ["g:a 1", "x:y 2.5"]
        ),
    ])
    func `a lock file tells what is asked for`(_ path: String, _ text: String, _ expected: [String]) {
        #expect(declared(path, text) == expected)
        // In an image it shows nothing to be there.
        #expect(ImageCatalogue(layers: [layer([path: text])]).packages.isEmpty)
    }

    @Test func `a library of the distribution is the distribution's, a newer copy is not`() {
        let status = "Package: python3-pip\nStatus: install ok installed\nVersion: 23.0.1\n"
        let metadata = "Name: pip\nVersion: 23.0.1\n"
        let path = "usr/lib/python3/dist-packages/pip-23.0.1.dist-info/METADATA"
        let base = layer([
            "var/lib/dpkg/status": status, "var/lib/dpkg/info/python3-pip.list": "/usr\n/\(path)\n", path: metadata,
        ])
        #expect(ImageCatalogue(layers: [base]).package("pip")?.package.owner == "python3-pip")
        let own = layer([path: "Name: pip\nVersion: 24.0\n"])
        #expect(ImageCatalogue(layers: [base, own]).package("pip")?.package.owner == nil)
        let gone = layer(["var/lib/dpkg/status": "Package: x\nStatus: install ok installed\nVersion: 1\n"])
        #expect(ImageCatalogue(layers: [base, gone]).package("pip")?.package.owner == nil)
    }

    @Test func `a jar that unpacks without end is a problem`() throws {
        var bomb = try fixture("app.jar")
        // The directory says that an entry is of four gigabytes.
        let mark = Array("BOOT-INF/lib/named-library-1.2.3.jar".utf8)
        let place = try #require(bomb.indices.last { bomb[$0...].starts(with: mark) })
        for offset in 24..<28 { bomb[place - 46 + offset] = 0xFE }
        #expect(!image("opt/app.jar", bomb).problems.isEmpty)
    }
}
