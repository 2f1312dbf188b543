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
        var visible: [Place] = []
        var programs: [Place] = []
        for (number, layer) in layers.enumerated() {
            let above = layers[(number + 1)...]
            for (index, file) in layer.files.enumerated() where !Self.isHidden(file.path, by: above) {
                visible.append(Place(path: file.path, layer: number, index: index))
            }
            for (index, file) in layer.executables.enumerated() where !Self.isHidden(file.path, by: above) {
                programs.append(Place(path: file.path, layer: number, index: index))
            }
            problems += layer.problems.map { CatalogueProblem(path: $0.path, message: $0.message, layer: number) }
        }
        files = Self.ordered(visible).map { Item(facts: layers[$0.layer].files[$0.index], layer: $0.layer) }
        executables = Self.ordered(programs).map { layers[$0.layer].executables[$0.index] }
        for item in files {
            guard let problem = item.facts.problem else { continue }
            problems.append(CatalogueProblem(path: "/" + item.facts.path, message: problem, layer: item.layer))
        }
    }

    /// What is sorted in place of the large values themselves.
    private struct Place {
        var path: String
        var layer: Int
        var index: Int
    }

    /// By path; of one path the highest layer's.
    private static func ordered(_ places: [Place]) -> [Place] {
        var out: [Place] = []
        out.reserveCapacity(places.count)
        for place in places.sorted(by: { ($0.path, $0.layer) < ($1.path, $1.layer) }) {
            if out.last?.path == place.path { out.removeLast() }
            out.append(place)
        }
        return out
    }

    private static func isHidden(_ path: String, by layers: ArraySlice<LayerFacts>) -> Bool {
        guard !layers.isEmpty else { return false }
        let hashes = PathHashes(path)
        return layers.contains { $0.hides(path, hashes) }
    }

    /// The layer since which a file has told of this package without a gap: a later layer that installs one package
    /// writes the list of all of them anew. Asked for all packages of a file at once, since a distribution's file
    /// tells of hundreds.
    func firstLayers(of facts: [PackageFact], in item: Item) -> [Int] {
        var first = [Int](repeating: item.layer, count: facts.count)
        var open = Array(facts.indices)
        guard item.layer > 0 else { return first }
        let hashes = PathHashes(item.facts.path)
        for number in stride(from: item.layer - 1, through: 0, by: -1) where !open.isEmpty {
            guard let older = layers[number].file(at: item.facts.path) else {
                if layers[number].hides(item.facts.path, hashes) { break }
                continue
            }
            let known = Set(older.packages.map(\.identity))
            open = open.filter { known.contains(facts[$0].identity) }
            for index in open { first[index] = number }
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
