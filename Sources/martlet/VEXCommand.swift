import AdvisoryStore
import ArgumentParser
import Vulnerabilities

struct VEXCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vex", abstract: "Statements on which vulnerabilities matter.", subcommands: [VEXLintCommand.self])
}

enum VEXFile {
    static func read(_ path: String) throws -> VEXDocument {
        do {
            return try VEXDocument(try AdvisoryStore.unpacked(BillFile.bytes(path)), name: path)
        } catch let error as BillError {
            throw Failure(message: "\(path): \(error.message)")
        }
    }
}

struct VEXLintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint", abstract: "Say what is wrong with VEX documents, and which statements mean nothing.")

    @Argument(help: "OpenVEX, CSAF or CycloneDX documents.")
    var documents: [String]

    @Option(help: "A bill of materials that the statements should speak of.")
    var bill: String?

    @Option(name: .customLong("db"), help: "The advisory database.")
    var database: String?

    func run() throws {
        let read = try documents.map { try VEXFile.read($0) }
        var problems = read.flatMap(\.problems)
        if let bill {
            let materials = try BillFile.read(bill)
            let matcher = PackageMatcher(try DatabasePlace.open(database), distribution: materials.distribution)
            let report = matcher.match(materials.packages)
            problems += VEXFilter(read).apply(to: report.findings, of: materials.packages).strays.map {
                "\($0.statement.place): \($0.message)"
            }
        }
        for problem in problems { Console.error(problem) }
        let count = read.reduce(0) { $0 + $1.statements.count }
        Console.print("\(count) statements, \(problems.count) problems")
        if !problems.isEmpty { throw ExitCode(1) }
    }
}
