/// The files of an image that can be seen, each from the highest layer that has it.
///
/// Standard: OCI Image Layer Specification, "Applying Changesets": whiteouts and opaque directories hide only what
/// lies in lower layers.
struct LayerView {
    struct Item {
        var facts: FileFacts
        var layer: Int
    }

    /// Sorted by path.
    private(set) var files: [Item] = []
    private(set) var executables: [ImageExecutable] = []
    private(set) var problems: [CatalogueProblem] = []
    private let layers: [LayerFacts]

    init(_ layers: [LayerFacts]) {
        self.layers = layers
        var visible: [String: Item] = [:]
        var programs: [String: ImageExecutable] = [:]
        for (number, layer) in layers.enumerated() {
            if number > 0 {
                for path in visible.keys where layer.hides(path) { visible[path] = nil }
                for path in programs.keys where layer.hides(path) { programs[path] = nil }
            }
            for file in layer.files { visible[file.path] = Item(facts: file, layer: number) }
            for file in layer.executables { programs[file.path] = file }
            problems += layer.problems.map { CatalogueProblem(path: $0.path, message: $0.message, layer: number) }
        }
        files = visible.values.sorted { $0.facts.path < $1.facts.path }
        executables = programs.values.sorted { $0.path < $1.path }
        for item in files {
            guard let problem = item.facts.problem else { continue }
            problems.append(CatalogueProblem(path: "/" + item.facts.path, message: problem, layer: item.layer))
        }
    }

    /// The layer since which a file has told of this package without a gap: a later layer that installs one package
    /// writes the list of all of them anew.
    func firstLayer(of fact: PackageFact, in item: Item) -> Int {
        var first = item.layer
        for number in stride(from: item.layer - 1, through: 0, by: -1) {
            guard let older = layers[number].file(at: item.facts.path) else {
                if layers[number].hides(item.facts.path) { break }
                continue
            }
            guard older.packages.contains(where: { $0.identity == fact.identity }) else { break }
            first = number
        }
        return first
    }

    /// Whether a lower layer tells the very same at the path: then only its mode or owner was changed.
    func isUnchanged(_ item: Item, since layer: Int) -> Bool {
        layers[layer].file(at: item.facts.path)?.packages == item.facts.packages
    }
}

extension LayerFacts {
    /// The facts of one path.
    func file(at path: String) -> FileFacts? {
        var low = 0
        var high = files.count
        while low < high {
            let middle = (low + high) / 2
            if files[middle].path < path { low = middle + 1 } else { high = middle }
        }
        return low < files.count && files[low].path == path ? files[low] : nil
    }
}
