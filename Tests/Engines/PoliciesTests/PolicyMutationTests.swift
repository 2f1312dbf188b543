import Documents
import Testing

@testable import Policies

@Suite struct PolicyMutationTests {
    private static func mutations(_ expression: String) throws -> [String] {
        let text = """
            apiVersion: admissionregistration.k8s.io/v1
            kind: ValidatingAdmissionPolicy
            metadata: {name: a}
            spec:
              validations:
              - expression: >-
                  \(expression)
            """
        let read = DocumentReader.read(SourceText(name: "", bytes: Array(text.utf8)))
        let node = try #require(read.documents.first?.root)
        return PolicyMutation.all(of: node).map(\.after)
    }

    @Test func everyOperatorIsTurnedOnce() throws {
        let found = try Self.mutations("object.a >= 2 && object.b == 'x'")
        #expect(
            found == [
                "object.a < 2 && object.b == 'x'", "object.a >= 2 || object.b == 'x'",
                "object.a >= 2 && object.b != 'x'",
                "true", "false",
            ])
    }

    @Test func whatStandsInQuotesStays() throws {
        #expect(
            try Self.mutations("object.a == '&& true == false'") == ["object.a != '&& true == false'", "true", "false"])
    }

    @Test func whatDoesNotCompileIsNoMutation() throws {
        #expect(try Self.mutations("object.items.all(i, i.x)") == ["object.items.exists(i, i.x)", "true", "false"])
    }
}
