import Foundation

/// The command line: which suites to run, what to print, and the floors to hold.
struct ConformanceRun {
    private var suite: String?
    private var file: String?
    private var verbose = false
    private var checksFloors = false
    private var raisesFloors = false
    private var badArgument: String?

    init(arguments: [String]) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--suite": suite = rest.popFirst()
            case "--file": file = rest.popFirst()
            case "--verbose": verbose = true
            case "--check-floors": checksFloors = true
            case "--raise-floors": raisesFloors = true
            default: badArgument = argument
            }
        }
    }

    /// Gives the exit status: 0, 1 where a floor is broken or a suite cannot be read, 2 for wrong arguments.
    func run(_ suites: [ConformanceSuite]) -> Int32 {
        if let badArgument {
            print(
                "unknown argument \(badArgument); known are --suite, --file, --verbose, --check-floors, --raise-floors")
            return 2
        }
        let root = ProcessInfo.processInfo.environment["MARTLET_CONFORMANCE"] ?? "../shared"
        guard FileManager.default.fileExists(atPath: root) else {
            print("conformance: skipped, no folder \(root); set MARTLET_CONFORMANCE")
            return 0
        }
        var floors = Floors()
        var status: Int32 = 0
        for suite in suites where self.suite == nil || self.suite == suite.name {
            for file in suite.files where self.file == nil || self.file == file.name {
                let name = "\(suite.name)/\(file.name)"
                do {
                    let agreement = try file.run(ConformanceFolder(path: "\(root)/\(suite.name)"))
                    print("conformance \(name): agree \(agreement.agreed) of \(agreement.total)")
                    if verbose { for difference in agreement.differences { print("  \(difference)") } }
                    if checksFloors, let broken = floors.broken(by: agreement.agreed, name) {
                        print("conformance \(name): \(broken)")
                        status = 1
                    }
                    if raisesFloors { floors.raise(name, to: agreement.agreed) }
                } catch {
                    print("conformance \(name): \(error)")
                    status = 1
                }
            }
        }
        if raisesFloors, !floors.write() {
            print("conformance: cannot write \(floors.path)")
            status = 1
        }
        return status
    }
}
