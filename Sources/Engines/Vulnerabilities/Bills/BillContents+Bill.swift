extension BillContents {
    /// What another bill of materials tells, to write it in another form.
    package init(_ bill: BillOfMaterials, name: String, created: String, toolVersion: String) {
        self.init(
            name: name, distribution: bill.distribution,
            packages: bill.packages.map { package in
                CataloguedPackage(
                    package: package, layer: 0, paths: package.location.map { [$0] } ?? [], licences: [],
                    requires: [], isDeclared: false, isDevelopment: false)
            }, created: created, toolVersion: toolVersion)
    }
}
