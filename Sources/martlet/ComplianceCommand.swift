import ArgumentParser
import Compliance
import Documents
import Evidence
import Findings
import FoundationEssentials
import Hub
import Kubernetes
import Manifests
import Posture
import SecretSearch
import Workloads

struct ComplianceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compliance", abstract: "What a framework's controls come to, and the proof an auditor accepts.",
        discussion: """
            martlet compliance frameworks
            martlet compliance controls soc2
            martlet compliance report --framework soc2 --cluster
            martlet compliance report --framework pci-dss deploy/ --format pdf --output-file pci.pdf
            martlet compliance report --framework hipaa --cluster --format pack --output-file hipaa-pack --key key.pem
            martlet compliance prove --framework soc2 --control CC6.1 --from 2026-01-01 --to 2026-03-31 \\
              --history history.yaml --cluster
            martlet compliance prove --framework soc2 --control CC6.1 --from 2026-01-01 --to 2026-03-31 \\
              --hub ~/.local/share/martlet --cluster
            martlet compliance verify hipaa-pack --key public.pem
            """,
        subcommands: [
            ComplianceFrameworksCommand.self, ComplianceControlsCommand.self, ComplianceReportCommand.self,
            ComplianceProveCommand.self, ComplianceVerifyCommand.self,
        ])
}

/// Frameworks, one's own among them.
struct FrameworkOptions: ParsableArguments {
    @Option(
        name: .customLong("frameworks"), help: "A file with frameworks, families or mappings; may be repeated.",
        completion: .file(extensions: ["yaml", "yml", "json"]))
    var files: [String] = []

    func catalogue() throws -> ComplianceCatalogue {
        let (catalogue, problems) = ComplianceCatalogue.reading(try files.map(Self.source), rules: PostureScan.allRules)
        try Self.refuse(problems)
        return catalogue
    }

    static func source(_ file: String) throws -> SourceText {
        SourceText(name: file, bytes: try InputFile.read(file))
    }

    /// Says everything that is wrong with a file, and ends.
    static func refuse(_ problems: [Problem]) throws {
        guard !problems.isEmpty else { return }
        for problem in problems {
            Console.note("martlet: \(problem.location.map { "\($0): " } ?? "")\(problem.message)")
        }
        throw ExitCode(RunStatus.unreadable.rawValue)
    }

    static func framework(_ id: String, in catalogue: ComplianceCatalogue) throws -> ComplianceFramework {
        guard let found = catalogue.framework(id) else {
            let known = catalogue.frameworks.map(\.id).joined(separator: ", ")
            throw Failure(message: "there is no framework \"\(id)\"; there are \(known)")
        }
        return found
    }
}

struct ComplianceFrameworksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "frameworks", abstract: "The frameworks there are.")
    @OptionGroup var frameworks: FrameworkOptions

    func run() throws {
        for framework in try frameworks.catalogue().frameworks {
            let technical = framework.controls.count { $0.reach != .none }
            Console.print(
                "\(framework.id)\(String(repeating: " ", count: max(1, 14 - framework.id.count)))\(framework.name): "
                    + "\(framework.controls.count) controls, \(technical) that a tool can speak to")
        }
    }
}

struct ComplianceControlsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "controls", abstract: "The controls of a framework, with the evidence and checks behind them.")
    @OptionGroup var frameworks: FrameworkOptions
    @Argument(help: "The framework.") var framework: String
    @Argument(help: "Only these controls.") var ids: [String] = []

    func run() throws {
        let catalogue = try frameworks.catalogue()
        let framework = try FrameworkOptions.framework(framework, in: catalogue)
        let wanted = framework.controls.filter { ids.isEmpty || ids.contains($0.id) }
        if let missing = ids.first(where: { framework.control($0) == nil }) {
            throw Failure(message: "\(framework.id) has no control \"\(missing)\"")
        }
        for control in wanted {
            Console.print("\(control.id)  \(control.title)  [\(control.reach.rawValue)]")
            guard !ids.isEmpty else { continue }
            Console.print("  \(control.reach.words)")
            for family in control.evidence.compactMap(catalogue.family) {
                Console.print("  \(family.id): \(family.title)")
                let rules = PostureScan.allRules.filter { rule in family.patterns.contains { $0.matches(rule) } }
                if !rules.isEmpty { Console.print("    checks: \(rules.map(\.id).joined(separator: ", "))") }
                if let needs = family.needs { Console.print("    needs: \(needs)") }
                if let people = family.people { Console.print("    people: \(people)") }
            }
        }
    }
}

/// What a compliance report is made from.
struct ComplianceInput: ParsableArguments {
    @OptionGroup var target: TargetOptions
    @OptionGroup var frameworks: FrameworkOptions

    @Option(help: "The framework: soc2, hipaa, pci-dss, cis, nsa-cisa, nist-800-190, nist-800-53, iso-27001, attack.")
    var framework: String

    @Option(help: "A file of waivers; may be repeated.", completion: .file(extensions: ["yaml", "yml"]))
    var waivers: [String] = []

    @Option(help: "A file of attestations; may be repeated.", completion: .file(extensions: ["yaml", "yml"]))
    var attestations: [String] = []

    @Option(
        help: "A file with what was seen elsewhere, such as scans of images; may be repeated.",
        completion: .file(extensions: ["yaml", "yml"]))
    var observations: [String] = []

    @Option(
        help: "A file with the scans and changes of the past.", completion: .file(extensions: ["yaml", "yml", "json"]))
    var history: String?

    @Option(
        help: ArgumentHelp("A hub's data folder: what it remembers is the past.", valueName: "folder"),
        completion: .directory)
    var hub: String?

    @Option(name: .customLong("hub-cluster"), help: "Which of the hub's clusters, where it knows several.")
    var hubCluster: String?

    @Option(name: .customLong("from"), help: "First day of a period, such as 2026-01-01.")
    var start: String?

    @Option(name: .customLong("to"), help: "Last day of the period.")
    var end: String?

    func validate() throws {
        guard (start == nil) == (end == nil) else { throw ValidationError("--from and --to go together") }
        if start != nil, history == nil, hub == nil {
            throw ValidationError("a period needs --history or --hub: the scans and changes of that time")
        }
        if history != nil, hub != nil { throw ValidationError("--history and --hub: one of them") }
        if let start, let end {
            guard let first = CalendarDate(start), let last = CalendarDate(end), first <= last else {
                throw ValidationError("--from and --to are days such as 2026-01-31, in their order")
            }
        }
    }

    /// The last day counts whole.
    var period: Period? {
        guard let first = start.flatMap({ CalendarDate($0) }), let last = end.flatMap({ CalendarDate($0) }) else {
            return nil
        }
        return Period(from: Moment(first), to: Moment(seconds: Moment(last).seconds + 86_400))
    }

    func report() async throws -> (ComplianceReport, ComplianceCatalogue) {
        let catalogue = try frameworks.catalogue()
        let wanted = try FrameworkOptions.framework(framework, in: catalogue)
        var people: [Attestation] = []
        for file in attestations {
            let (found, problems) = AttestationFile.read(try FrameworkOptions.source(file), catalogue: catalogue)
            try FrameworkOptions.refuse(problems)
            people += found
        }
        var seen: [FamilyObservation] = []
        for file in observations {
            let (found, problems) = ObservationFile.read(try FrameworkOptions.source(file), catalogue: catalogue)
            try FrameworkOptions.refuse(problems)
            seen += found
        }
        var past: EvidenceHistory?
        if let history {
            let (found, problems) = EvidenceHistory.read(try FrameworkOptions.source(history))
            try FrameworkOptions.refuse(problems)
            past = found
        }
        if let hub {
            let settings = try HubOptions.settings(config: nil, data: hub, host: nil, port: nil)
            past = try await Failure.telling { try await HubHistory.read(settings, cluster: hubCluster) }
        }
        let read = try await target.read()
        let today = Clock.today()
        let workloads = WorkloadOptions(
            target: read.version.flatMap(TargetVersion.init) ?? .newest, includesReliability: true,
            unlistedKinds: read.unlistedKinds)
        let scan = try await ScanCommand.evaluate(
            read,
            options: ScanOptions(
                workloads: workloads, cluster: read.isCluster ? read.name : "", archives: .bounded),
            waiverFiles: waivers, today: today, quiet: target.quiet)
        read.tellHoles()
        guard let now = Moment(scan.generatedAt) else {
            throw Failure(message: "the clock of this machine gives no time: \(scan.generatedAt)")
        }
        let facts = ComplianceFacts(
            scan, inventory: read.inventory, unlistedKinds: read.unlistedKinds, attestations: people,
            observations: seen, history: past, at: now)
        do {
            return (try ComplianceEvaluation(facts, catalogue: catalogue).report(wanted, over: period), catalogue)
        } catch {
            throw Failure(message: error.message)
        }
    }
}

struct ComplianceReportCommand: AsyncParsableCommand {
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case text, json, csv, html, pdf, summary, oscal, poam, pack
    }

    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Every control of a framework, with what was seen and what was not.",
        discussion: """
            Formats: text, json, csv, html, pdf, summary (one page), oscal (assessment results), poam (plan of action),
            pack (all of them in a folder, hashed, chained and signed).

            Exit codes: 0 nothing fails, 1 a control fails, 2 bad usage or unreadable input.
            """)

    @OptionGroup var input: ComplianceInput

    @Option(name: [.customShort("o"), .customLong("format")], help: "How to write it.")
    var format: Format = .text

    @Option(name: .customLong("output-file"), help: "Write it there; for a pack, a new folder.", completion: .file())
    var outputFile: String?

    @Option(help: "The Ed25519 key that signs a pack (PEM); made when the file is not there.", completion: .file())
    var key: String?

    @Option(help: "The pack before this one: its last link is the first of this one's chain.", completion: .directory)
    var previous: String?

    @Option(help: "In a pack, prove this control over the period; may be repeated.")
    var prove: [String] = []

    @Flag(help: "Every check, note and reach (text).")
    var details = false

    mutating func validate() throws {
        if format == .pack, outputFile == nil || key == nil {
            throw ValidationError("a pack needs --output-file FOLDER and --key FILE")
        }
        if format == .pdf || format == .summary, outputFile == nil {
            throw ValidationError("a PDF needs --output-file")
        }
        if !prove.isEmpty, format != .pack || input.start == nil {
            throw ValidationError("--prove goes with --format pack, --from and --to")
        }
    }

    func run() async throws {
        let (report, catalogue) = try await input.report()
        switch format {
        case .text: try write(Array(ComplianceText(report).render(details: details).utf8))
        case .json: try write(Array(ComplianceJSON(report).render().utf8))
        case .csv: try write(Array(ComplianceTable(report).csv().utf8))
        case .html: try write(Array(ComplianceHTML(report).render().utf8))
        case .pdf: try write(CompliancePaper(report).full())
        case .summary: try write(CompliancePaper(report).executive())
        case .oscal: try write(Array(OSCAL(report).assessmentResults().utf8))
        case .poam: try write(Array(OSCAL(report).planOfAction().utf8))
        case .pack: try pack(report, catalogue)
        }
        if report.count(.fail) > 0 { throw ExitCode(RunStatus.findings.rawValue) }
    }

    private func write(_ bytes: [UInt8]) throws {
        guard let outputFile else { return Console.print(String(decoding: bytes, as: UTF8.self)) }
        try OutputFile.replace(outputFile, with: bytes)
        Console.note("martlet: wrote \(outputFile)")
    }

    private func pack(_ report: ComplianceReport, _ catalogue: ComplianceCatalogue) throws {
        guard let folder = outputFile, let key, let now = Moment(report.facts.report.generatedAt) else { return }
        do {
            var proofs: [ControlProof] = []
            for id in prove {
                guard let period = input.period,
                    let proof = try report.proof(of: id, over: period, catalogue: catalogue)
                else { throw Failure(message: "\(report.framework.id) has no control \"\(id)\"") }
                proofs.append(proof)
            }
            var link: String?
            if let previous {
                let found = try EvidencePack.verify(previous)
                guard found.isWhole else {
                    throw Failure(message: "\(previous): \(found.problems.joined(separator: "; "))")
                }
                link = found.chain
            }
            let signing = try Self.key(at: key)
            let files = try EvidencePack.files(
                EvidencePack.artefacts(of: report, proofs: proofs), key: signing, created: now.description,
                tool: "martlet \(MartletVersion.current)", previous: link)
            try EvidencePack.write(files, to: folder)
            Console.note("martlet: wrote \(files.count) files to \(folder), signed with \(key)")
        } catch let error as EvidenceError {
            throw Failure(message: error.description)
        } catch let error as PeriodError {
            throw Failure(message: error.message)
        }
    }

    /// Reads a key, or makes one that only its owner can read; the public half lies beside it.
    private static func key(at path: String) throws -> SigningKey {
        if FileManager.default.fileExists(atPath: path) {
            return try SigningKey(pem: String(decoding: try InputFile.read(path), as: UTF8.self), file: path)
        }
        let key = SigningKey()
        try OutputFile.replace(path, with: Array(key.pem.utf8), mode: 0o600)
        try OutputFile.replace("\(path).pub", with: Array(key.publicPEM.utf8))
        Console.note("martlet: made the key \(path); give \(path).pub to whoever verifies")
        return key
    }
}

struct ComplianceProveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "One control over a period: populations, states, changes, exceptions, samples to look at again.")

    @OptionGroup var input: ComplianceInput
    @Option(help: "The control, such as CC6.1.") var control: String
    @Option(help: "Members drawn of each population.") var samples = 5
    @Option(name: .customLong("output-file"), help: "Write a PDF there.", completion: .file()) var outputFile: String?

    mutating func validate() throws {
        guard input.start != nil else { throw ValidationError("a proof needs --from, --to, and --history or --hub") }
        guard samples > 0 else { throw ValidationError("--samples takes a number above 0") }
    }

    func run() async throws {
        let (report, catalogue) = try await input.report()
        guard let period = input.period else { return }
        do {
            guard
                let proof = try report.proof(of: control, over: period, catalogue: catalogue, sampleSize: samples)
            else { throw Failure(message: "\(report.framework.id) has no control \"\(control)\"") }
            Console.print("\(report.framework.name) \(control), \(period.description)\n" + ProofText(proof).render())
            if let outputFile {
                try OutputFile.replace(outputFile, with: CompliancePaper.proof(proof, of: report))
                Console.note("martlet: wrote \(outputFile)")
            }
        } catch let error as PeriodError {
            throw Failure(message: error.message)
        }
    }
}

struct ComplianceVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Whether a pack is what was signed. Exit code 1 when anything was changed.")

    @Argument(help: "The folder of the pack.", completion: .directory) var pack: String

    @Option(help: "The public key that must have signed (PEM); without it anybody may have.", completion: .file())
    var key: String?

    func run() throws {
        do {
            let pem = try key.map { String(decoding: try InputFile.read($0), as: UTF8.self) }
            let found = try EvidencePack.verify(pack, publicKey: pem)
            for problem in found.problems { Console.print("✖ \(PrintableText.of(problem))") }
            if found.isWhole {
                Console.print("✔ \(found.files) files are what was signed; key \(found.key)")
                if !found.isKeyPinned {
                    Console.print("  no --key was given: this shows that one hand signed all, not whose hand it was")
                }
            } else {
                throw ExitCode(1)
            }
        } catch let error as EvidenceError {
            Console.print("✖ \(PrintableText.of(error.description))")
            throw ExitCode(1)
        }
    }
}
