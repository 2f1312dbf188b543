import Foundation
import Vulnerabilities

/// A file that the system maps into memory: opening costs nothing, and only what is read is loaded.
///
/// The file is replaced by renaming, never written in place, so that what is mapped does not change.
package final class MappedFile: ByteSource {
    private let data: Data
    package let count: Int

    package init(path: String) throws {
        data = try Data(contentsOf: URL(filePath: path), options: .alwaysMapped)
        count = data.count
    }

    package func read<Result>(_ body: (Span<UInt8>) throws -> Result) rethrows -> Result { try body(data.span) }
}
