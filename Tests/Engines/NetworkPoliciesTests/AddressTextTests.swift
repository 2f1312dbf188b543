import Testing

@testable import NetworkPolicies

@Suite struct AddressTextTests {
    @Test(
        arguments: [
            ("http://cart:8080", ["cart:8080"]), ("https://api.example.com/v1?x=1", ["api.example.com:443"]),
            ("redis-leader.redis:6379", ["redis-leader.redis:6379"]), ("db", ["db"]), (" db\n", ["db"]),
            ("amqp://user:p@ss@mq.infra:5672/vhost", ["mq.infra:5672"]), ("redis://cache", ["cache:6379"]),
            ("mongodb://a:27017,b:27018/db?replicaSet=x", ["a:27017", "b:27018"]),
            ("mongodb+srv://cluster.example.net/db", ["cluster.example.net:27017"]),
            ("jdbc:postgresql://db.shop.svc:5433/app", ["db.shop.svc:5433"]),
            ("jdbc:sqlserver://sql:1433;database=x", ["sql:1433"]), ("jdbc:oracle:thin:@ora:1521:xe", ["ora:1521"]),
            ("jdbc:oracle:thin:@//ora:1521/xe", ["ora:1521"]), ("user:pw@tcp(mysql:3306)/app", ["mysql:3306"]),
            ("host=db port=5433 user=x", ["db:5433"]), ("kafka-0:9092,kafka-1:9092", ["kafka-0:9092", "kafka-1:9092"]),
            ("--backend=orders:9000", ["orders:9000"]), ("http://[fd00::1]:81/x", ["fd00::1:81"]),
            ("10.0.0.5:53", ["10.0.0.5:53"]), ("catalogue.svc.cluster.local.", ["catalogue.svc.cluster.local"]),
            ("12:30", []), ("a sentence, with words", []), ("", []), ("v1.2.3", []), ("1.5", []),
            ("true", ["true"]),
            ("db:99999", []), ("$(UNKNOWN)", []),
        ] as [(String, [String])])
    func addressesAreFound(_ text: String, _ expected: [String]) {
        let found = AddressText.addresses(in: text).map { address in
            address.port.map { "\(address.host):\($0)" } ?? address.host
        }
        #expect(found == expected)
    }

    @Test func noTextTraps() {
        var random = SplitMix(state: 7)
        let pieces = [
            "http://", "a", ":", "@", "[", "]", "=", "tcp(", ")", ",", "jdbc:", ":@", "80", ".", "-", "/", "é", "\n",
        ]
        for _ in 0..<5_000 {
            let text = (0..<Int(random.next() % 9)).map { _ in pieces[Int(random.next() % UInt64(pieces.count))] }
                .joined()
            for address in AddressText.addresses(in: text) {
                #expect(!address.host.isEmpty && address.port != 0, "\(text)")
            }
        }
    }
}
