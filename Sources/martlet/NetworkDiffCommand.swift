import ArgumentParser
import Documents
import Findings
import Kubernetes
import NetworkPolicies

struct NetworkDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Say what a change opens and what it cuts, and which flows that were seen.",
        discussion: """
            martlet network diff before/ after/
            martlet network diff --cluster --patch policy.yaml --flows hubble.json
            martlet network diff deploy/ --patch review.json

            A patch is a file of objects to be put in place, with `$patch: delete` for one to be taken away, or an
            AdmissionReview. Exit codes: 0 nothing changes, 1 something does, 2 bad usage, 3 not observable.
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument { case text, json }

    @OptionGroup var target: TargetOptions
    @OptionGroup var plugin: PluginOptions
    @OptionGroup var flows: FlowOptions
    @Option(
        name: .customLong("patch"), parsing: .upToNextOption,
        help: ArgumentHelp("What is put on top: files of objects, or an AdmissionReview.", valueName: "file"),
        completion: .file())
    var patches: [String] = []
    @Option(name: [.short, .long], help: "text or json.") var output: Format = .text

    func validate() throws {
        let isPair = target.paths.count == 2 && patches.isEmpty && !target.cluster
        guard isPair || !patches.isEmpty else {
            throw ValidationError("name BEFORE and AFTER, or what a --patch is put on: paths or --cluster")
        }
    }

    func run() async throws {
        let before: Target
        let after: Inventory
        var unread: Target?
        if patches.isEmpty {
            before = try await TargetOptions.parse([target.paths[0]]).readNetwork()
            let read = try await TargetOptions.parse([target.paths[1]]).readNetwork()
            after = read.inventory
            unread = read
        } else {
            before = try await target.readNetwork()
            var change = InventoryChange(before.inventory)
            for path in patches {
                let read = try await files(path)
                if let problem = read.problems.first(where: { $0.kind == .invalid || $0.kind == .unreadable }) {
                    throw Failure(message: "\(problem.location.map { "\($0): " } ?? "")\(problem.message)")
                }
                for key in read.inventory.keys { if let object = read.inventory[key] { change.apply(object) } }
            }
            if let problem = change.problems.first { throw Failure(message: problem) }
            after = change.inventory
        }
        let old = plugin.state(before)
        plugin.note(old, before.problems)
        // The plugin does not change with the policies that are tried.
        var new = NetworkState(after, plugin: old.plugin)
        new.note(unlisted: old.unlistedKinds)
        for problem in new.problems where !old.problems.contains(problem) {
            Console.note("martlet: \(problem.location.map { "\($0): " } ?? "")\(problem.message)")
        }
        let table = try flows.table(old, before.inventory)
        let effect = WhatIf(from: old, to: new, flows: table)
        let others = PodNetworks(before.inventory, old).changes(to: PodNetworks(after, new))
        switch output {
        case .text: Console.print(NetworkDiffText.text(effect, others, now: FlowOptions.now))
        case .json: Console.print(NetworkDiffText.json(effect, others))
        }
        try before.failIfUnreadable()
        try unread?.reportHoles()
        let changes = [effect.change] + others.map(\.change)
        if changes.contains(where: { !$0.added.isEmpty || !$0.removed.isEmpty }) { throw ExitCode(1) }
        if changes.contains(where: { !$0.unclear.isEmpty }) { throw ExitCode(3) }
    }

    private func files(_ path: String) async throws -> Target {
        let options = try TargetOptions.parse([path])
        return try await options.read()
    }
}

/// A change and its effect in words and as JSON.
enum NetworkDiffText {
    static func text(_ effect: WhatIf, _ others: [PodNetworks.Change], now: Int64) -> String {
        let change = effect.change
        var out = lines(change)
        for other in others {
            out.append("over network \(other.network):")
            out += lines(other.change).map { "  \($0)" }
        }
        let all = [change] + others.map(\.change)
        let cut = all.reduce(0) { $0 + $1.removed.count }
        let opened = all.reduce(0) { $0 + $1.added.count }
        let unclear = all.reduce(0) { $0 + $1.unclear.count }
        out.append("\(cut) cut, \(opened) opened, \(unclear) not observable")
        if change.undecided > 0 {
            out.append("\(change.undecided.of("connection")) not observable before and after: nothing is said of them")
        }
        guard effect.flows > 0 else { return out.joined(separator: "\n") }
        out.append("")
        out += flows("cuts", "seen", effect.cut, now)
        out += flows("opens", "refused", effect.opened, now)
        if effect.gone > 0 { out.append("\(effect.gone) flows are of workloads that go away with the change") }
        if effect.unknownEnds > 0 {
            out.append("\(effect.unknownEnds) flows have an end that is not in the inventory and are not judged")
        }
        return out.joined(separator: "\n")
    }

    private static func lines(_ change: ConnectivityChange) -> [String] {
        change.removed.map { "- \(NetworkText.line($0))" } + change.added.map { "+ \(NetworkText.line($0))" }
            + change.unclear.map { "? \(NetworkText.line($0))" }
    }

    /// `cuts 3 flows seen 1,204 times, last 2 minutes ago`, and each of them.
    private static func flows(_ verb: String, _ seen: String, _ effects: [FlowEffect], _ now: Int64) -> [String] {
        guard !effects.isEmpty else { return ["\(verb) no flow that was \(seen)"] }
        let count = effects.reduce(0) { $0 + $1.count }
        let last = effects.reduce(0) { max($0, $1.last) }
        let age = last > 0 ? ", last \(FlowTime.age(last, now: now))" : ""
        var out = ["\(verb) \(effects.count.of("flow")) \(seen) \(count.of("time"))\(age):"]
        for effect in effects {
            let age = effect.last > 0 ? ", last \(FlowTime.age(effect.last, now: now))" : ""
            let doubt = effect.isUnknown ? " (not observable)" : ""
            out.append(
                "  \(effect.source) → \(effect.target), \(effect.traffic): \(effect.count.of("time"))\(age)\(doubt)")
        }
        return out
    }

    private static func write(_ change: ConnectivityChange, _ writer: inout JSONWriter) {
        for (key, list) in [("removed", change.removed), ("added", change.added), ("unclear", change.unclear)] {
            writer.key(key)
            NetworkText.write(list, &writer)
        }
    }

    static func json(_ effect: WhatIf, _ others: [PodNetworks.Change]) -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            write(effect.change, &writer)
            writer.key("networks")
            writer.array { writer in
                for other in others {
                    writer.object { writer in
                        writer.member("network", other.network)
                        write(other.change, &writer)
                    }
                }
            }
            writer.member("undecided", effect.change.undecided)
            for (key, list) in [("cutFlows", effect.cut), ("openedFlows", effect.opened)] {
                writer.key(key)
                writer.array { writer in
                    for flow in list {
                        writer.object { writer in
                            writer.member("from", flow.source)
                            writer.member("to", flow.target)
                            writer.member("traffic", "\(flow.traffic)")
                            writer.member("count", flow.count)
                            if flow.last > 0 { writer.member("last", FlowTime.text(flow.last)) }
                            if flow.isUnknown { writer.member("notObservable", true) }
                        }
                    }
                }
            }
            writer.member("flows", effect.flows)
            writer.member("flowsOfUnknownEnds", effect.unknownEnds)
        }
        return writer.string
    }
}
