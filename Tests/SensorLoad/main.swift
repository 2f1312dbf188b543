import Foundation

// What the sensor costs and what it can take, on this machine's kernel.
//
// `load sensor-<name>: <figure> <unit>, goal <goal>`. Names choose figures; SENSOR_SECONDS (60), SENSOR_CONTAINERS
// (100000) and SENSOR_RATE (200000) change sizes. Costs are times of the processor, which neighbours do not change; rates
// and latencies are those of a machine that does nothing else, so that `nice -n -20` helps on one that does.
//
// The program starts itself: `make KIND …` does what is to be observed, `watch` observes in a process of its own, whose
// memory can be measured.

let given = Array(CommandLine.arguments.dropFirst())
switch given.first {
case "make": Maker.run(Array(given.dropFirst()))
case "watch": try Watcher.run()
case "check": Watcher.check()
default:
    guard let refusal = Figures.refusal else {
        for figure in Figures.all where given.isEmpty || given.contains(figure.name) {
            try figure.measure()
            // Lines come out as they are known, wherever they go.
            fflush(nil)
        }
        exit(0)
    }
    print("load sensor: skipped, \(refusal)")
}
