import Testing

@testable import Hub

@Suite("Change feed")
struct ChangeFeedTests {
    private static func event(_ number: Int) -> HubEvent {
        HubEvent(kind: "event.new", cluster: "one", namespace: "", data: "\(number)")
    }

    /// Pages come and go while things happen: nobody waits for anybody, and who stays hears all in their order.
    @Test(.timeLimit(.minutes(2)))
    func listenersComeAndGoWhileThingsHappen() async {
        let feed = ChangeFeed()
        let tellers = 3
        let each = 400
        let stayed = feed.listen(buffer: 10_000)
        await withTaskGroup(of: Void.self) { group in
            for teller in 0..<tellers {
                group.addTask {
                    for round in 0..<each {
                        feed.tell([Self.event(teller * each + round)])
                        if round % 16 == 0 { await Task.yield() }
                    }
                }
            }
            for _ in 0..<8 {
                group.addTask {
                    for round in 0..<100 {
                        let stream = feed.listen(buffer: 4)
                        // Some listen and are cancelled, some leave by themselves, some never begin.
                        let task = Task { for await item in stream where item.number % 7 == round % 7 { break } }
                        if round % 3 > 0 { await Task.yield() }
                        task.cancel()
                        await task.value
                    }
                }
            }
        }
        var numbers: [Int] = []
        var told: Set<String> = []
        for await item in stayed {
            numbers.append(item.number)
            told.insert(item.event.data)
            if numbers.count == tellers * each { break }
        }
        #expect(numbers == Array(1...tellers * each))
        #expect(told.count == tellers * each)
    }

    @Test func whoLeavesIsForgotten() async {
        let feed = ChangeFeed()
        let task = Task { [stream = feed.listen()] in for await _ in stream {} }
        #expect(feed.listenerCount == 1)
        task.cancel()
        await task.value
        #expect(feed.listenerCount == 0)
    }

    @Test func aMessageOfAnotherHubIsItsEvent() {
        var event = Self.event(1)
        event.namespace = "shop"
        event.data = #"{"a":"«ü»"}"#
        let text = FeedRelay.text(event, from: "one")
        #expect(FeedRelay.events(text, except: "one").isEmpty, "one's own")
        let heard = FeedRelay.events(text, except: "two")
        #expect(heard.map(\.data) == [event.data] && heard.map(\.namespace) == ["shop"])
        #expect(FeedRelay.events("{", except: "two").map(\.isMissed) == [true])
    }

    @Test func whoIsSlowLosesTheOldest() async {
        let feed = ChangeFeed()
        let stream = feed.listen(buffer: 2)
        feed.tell((1...5).map(Self.event))
        var numbers: [Int] = []
        for await item in stream {
            numbers.append(item.number)
            if item.number == 5 { break }
        }
        #expect(numbers == [4, 5])
    }
}
