import ContainerImages
import Testing

@Suite struct PlaceTests {
    @Test func aDigestIsCheckedBeforeItBecomesAPath() {
        #expect(throws: ImageError.self) { try ContentDigest("sha256:../../etc/passwd") }
    }
}
