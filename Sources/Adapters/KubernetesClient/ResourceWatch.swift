import Documents
import Encodings
package import Kubernetes
import NIOCore

/// What happens to the objects of a resource, from now on.
///
/// Begins with a list; goes on where it was when a connection ends; lists again when the server no longer knows that
/// moment. The server is read from only as fast as events are taken.
package struct ResourceWatch: AsyncSequence, Sendable {
    package enum Event: Sendable {
        /// All objects there are: the first event, and again after the server has forgotten where we were. What is not
        /// among them is gone.
        case listed([KubernetesObject])
        case changed(Inventory.Event)
        /// Nothing changed up to this moment.
        case bookmark(resourceVersion: String)
    }

    package typealias Element = Event

    let client: APIClient
    let resource: APIResource
    let namespace: String?
    let form: ObjectForm
    /// How long the server is asked to keep one watch up, before chance makes it up to twice as long.
    let period: Duration

    package func makeAsyncIterator() -> Iterator { Iterator(watch: self) }

    package struct Iterator: AsyncIteratorProtocol {
        let watch: ResourceWatch
        private var resourceVersion = ""
        private var answer: Transport.Answer?
        private var buffer = ByteBuffer()
        private var failures = 0
        private var hasListed = false

        init(watch: ResourceWatch) { self.watch = watch }

        /// The next event. After the first list it throws only what trying again does not mend; the first one tells who
        /// asks that there is no server. There is no end but cancellation.
        package mutating func next() async throws -> Event? {
            while true {
                try Task.checkCancellation()
                do {
                    if resourceVersion.isEmpty {
                        let event = try await relist()
                        hasListed = true
                        failures = 0
                        return event
                    }
                    if let event = try await nextOfStream() {
                        failures = 0
                        return event
                    }
                } catch let error as ClientError where error.code == .expired && !resourceVersion.isEmpty {
                    hangUp()
                    resourceVersion = ""
                } catch let error as ClientError where hasListed && Self.mayPass(error) {
                    hangUp()
                    let random = watch.client.options.time.random()
                    let delay = Backoff().delay(after: failures, asked: error.retryAfter, random: random)
                    failures += 1
                    try await watch.client.options.time.sleep(delay)
                }
            }
        }

        /// A server that restarts refuses connections for a while; a watch outlives that.
        private static func mayPass(_ error: ClientError) -> Bool {
            error.isTransient || [.connectionRefused, .unreachable].contains(error.code)
        }

        private mutating func hangUp() {
            answer?.abandon()
            answer = nil
            buffer.clear()
        }

        private mutating func relist() async throws -> Event {
            let watch = watch
            var objects: [KubernetesObject] = []
            let outcome = try await watch.client.list(watch.resource, in: watch.namespace, form: watch.form) { event in
                switch event {
                case .restart: objects = []
                case .page(let page): objects += try ObjectCondenser(watch.resource).objects(page.items)
                }
            }
            resourceVersion = outcome.resourceVersion
            return .listed(objects)
        }

        /// The next event of the connection; nil when the server has ended it, as it does after its period.
        private mutating func nextOfStream() async throws -> Event? {
            let answer = try await stream()
            while true {
                if let event = try nextOfBuffer() { return event }
                guard var chunk = try await answer.next() else {
                    self.answer = nil
                    buffer.clear()
                    return nil
                }
                buffer.discardReadBytes()
                buffer.writeBuffer(&chunk)
                guard buffer.readableBytes <= watch.client.options.bodyLimit else {
                    throw ClientError(.tooLarge, "one watch event of \(watch.resource) is too large; it was dropped")
                }
            }
        }

        private mutating func stream() async throws -> Transport.Answer {
            if let answer { return answer }
            let time = watch.client.options.time
            let seconds = Int(Double(watch.period.components.seconds) * (1 + time.random()))
            let path =
                watch.resource.path(in: watch.namespace)
                + "?watch=true&allowWatchBookmarks=true&resourceVersion=\(PercentEncoding.encoded(resourceVersion))"
                + "&timeoutSeconds=\(seconds)"
            var request = Transport.Request(path: path)
            request.accept =
                watch.form == .full
                ? "application/json"
                : "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
            // Nothing may happen for the whole period.
            request.patience = .seconds(seconds + 30)
            try await watch.client.pace.take()
            let opened = try await watch.client.transport.send(request)
            guard opened.status == 200 else {
                let body = try await opened.body(limit: 1 << 20)
                throw watch.client.failure(opened.status, opened.headers, body, path)
            }
            answer = opened
            buffer.clear()
            return opened
        }

        /// The next line that is whole.
        private mutating func nextOfBuffer() throws -> Event? {
            while let length = buffer.readableBytesView.firstIndex(of: 0x0A).map({ $0 - buffer.readerIndex }) {
                let line = buffer.readBytes(length: length) ?? []
                buffer.moveReaderIndex(forwardBy: 1)
                if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D }) { continue }
                if let event = try read(try watch.client.parse(line, watch.resource.path())) { return event }
            }
            return nil
        }

        private mutating func read(_ node: Node) throws -> Event? {
            let object = node["object"]
            if let version = object["metadata"]["resourceVersion"].string, !version.isEmpty,
                !node["type"].equals("ERROR")
            {
                resourceVersion = version
            }
            switch node["type"].string {
            case "BOOKMARK": return .bookmark(resourceVersion: resourceVersion)
            case "ADDED": return try condensed(object).map { .changed(.added($0)) }
            case "MODIFIED": return try condensed(object).map { .changed(.modified($0)) }
            case "DELETED": return try condensed(object).map { .changed(.deleted($0)) }
            case "ERROR":
                let code = object["code"].int ?? 500
                let message = APIClient.oneLine(object["message"].string ?? "the watch failed")
                if code == 410 { throw ClientError(.expired, message, status: 410) }
                var error = ClientError(.server, message, status: code)
                error.retryAfter = .seconds(object["details"]["retryAfterSeconds"].int ?? 1)
                throw error
            default: return nil
            }
        }

        private func condensed(_ object: Node) throws -> KubernetesObject? {
            try ObjectCondenser(watch.resource).objects(CollectionOfOne(object)).first
        }
    }
}

extension APIClient {
    /// Watches a resource, of all namespaces or of one.
    package func watch(
        _ resource: APIResource, in namespace: String? = nil, form: ObjectForm = .full, period: Duration = .seconds(300)
    ) -> ResourceWatch {
        let form: ObjectForm = resource.isSecrets ? .metadata : form
        return ResourceWatch(client: self, resource: resource, namespace: namespace, form: form, period: period)
    }
}
