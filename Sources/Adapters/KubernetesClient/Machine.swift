import FoundationEssentials

/// What the client takes from the machine it runs on, given from outside so that tests have none.
package struct Machine: Sendable {
    package var environment: [String: String]
    package var homeDirectory: String
    package var isTerminal: Bool
    /// The bytes of a file, nil when there is none; throws when it is there and cannot be read.
    package var read: @Sendable (_ path: String) throws -> [UInt8]?

    package init(
        environment: [String: String], homeDirectory: String, isTerminal: Bool = false,
        read: @escaping @Sendable (_ path: String) throws -> [UInt8]? = Machine.readFile
    ) {
        self.environment = environment
        self.homeDirectory = homeDirectory
        self.isTerminal = isTerminal
        self.read = read
    }

    /// This machine, now.
    package static func current(isTerminal: Bool) -> Machine {
        let environment = ProcessInfo.processInfo.environment
        return Machine(
            environment: environment,
            homeDirectory: environment["HOME"] ?? FileManager.default.homeDirectoryForCurrentUser.path(),
            isTerminal: isTerminal)
    }

    /// Reads a file whole.
    package static let readFile: @Sendable (String) throws -> [UInt8]? = { path in
        var isDirectory = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else { return nil }
        guard !isDirectory else { throw ClientError(.badConfiguration, "\(path) is a folder, not a file") }
        return try [UInt8](Data(contentsOf: URL(filePath: path)))
    }
}
