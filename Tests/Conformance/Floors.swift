import Foundation

/// How many cases of each file have to agree: `suite/file N`, a line each, that only ever rises.
struct Floors {
    /// Beside this file, wherever the program was started.
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "floors.txt").path
    private var floors: [String: Int] = [:]

    init() {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return }
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, let number = Int(words[1]) { floors[String(words[0])] = number }
        }
    }

    func broken(by agreed: Int, _ name: String) -> String? {
        guard let floor = floors[name], agreed < floor else { return nil }
        return "below its floor of \(floor)"
    }

    mutating func raise(_ name: String, to agreed: Int) { floors[name] = max(floors[name] ?? 0, agreed) }

    func write() -> Bool {
        let text = floors.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }.joined()
        return (try? text.write(toFile: path, atomically: true, encoding: .utf8)) != nil
    }
}
