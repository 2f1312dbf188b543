import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// Prints one line for each figure: `load <name>: <figure> <unit>, goal <goal>`.
let wanted = Array(CommandLine.arguments.dropFirst())
var isFailure = false
for load in Load.all where wanted.isEmpty || wanted.contains(load.name) {
    do {
        for line in try await load.run() { print(line) }
        fflush(nil)
    } catch {
        isFailure = true
        print("load \(load.name): failed: \(error)")
    }
}
exit(isFailure ? 1 : 0)
