import CISBenchmark
import Testing

@Suite("The catalogue of controls") struct CatalogueTests {
    let catalogue = CISCatalogue.current

    @Test func hasEveryControlOnceAndInOrder() {
        let ids = catalogue.controls.map(\.id)
        #expect(ids.count == 131)
        #expect(Set(ids).count == 131)
        #expect(ids.sorted(by: CISCatalogue.areInOrder) == ids)
    }

    @Test func saysWhatIsWrongWhyAndTheRemedy() {
        for control in catalogue.controls {
            #expect(
                !control.rule.title.isEmpty && !control.rule.why.isEmpty && !control.rule.remedy.isEmpty,
                "\(control.id)")
            #expect(control.level == 1 || control.level == 2, "\(control.id)")
            #expect(CISCatalogue.sections.contains { $0.id == control.section }, "\(control.id)")
            if let root = control.root { #expect(catalogue[root] != nil, "\(control.id)") }
        }
    }

    @Test func namesPlatformsWithTheirOwnIds() throws {
        #expect(Platform.all.map(\.id) == ["eks", "gke", "aks", "k3s", "rke2", "openshift", "kops", "standard"])
        let eks = try #require(Platform.named("eks"))
        let control = try #require(catalogue["4.2.1"])
        #expect(eks.ownID(control) == "3.2.1")
        #expect(eks.isProvidersBusiness(try #require(catalogue["1.2.9"])))
    }
}
