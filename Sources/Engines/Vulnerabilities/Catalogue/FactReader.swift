import Documents
import Images

/// Reads one file into what it tells.
enum FactReader {
    static func facts(of contents: [UInt8], member: LayerMember) -> FileFacts {
        var facts = FileFacts(path: member.path)
        guard let form = FileForm.of(member.path) else {
            if CatalogueInterest.isProgram(member), contents.count == member.size {
                ProgramReader.read(contents, &facts)
            }
            return facts
        }
        switch form {
        case .dpkgStatus, .dpkgStatusPart: DpkgReader.status(contents, &facts)
        case .dpkgList: DpkgReader.list(contents, &facts)
        case .dpkgSums: DpkgReader.sums(contents, &facts)
        case .apkInstalled: ApkReader.read(contents, &facts)
        case .rpmDatabase: RPMDatabase.read(contents, &facts)
        case .rpmJournal: facts.problem = "rpm's database has a journal that was not written back"
        case .rpmManifest: RPMDatabase.manifest(contents, &facts)
        case .osRelease: facts.release = ReleaseReader.osRelease(contents)
        case .releaseLine: facts.release = ReleaseReader.line(contents, file: String(member.name))
        case .apkRepositories: facts.release = ReleaseReader.apkRepositories(contents)
        case .pythonMetadata: PythonReader.metadata(contents, &facts)
        case .pythonRecord: PythonReader.record(contents, &facts)
        case .pythonArchive: PythonReader.archive(contents, &facts)
        case .pythonRequirements: PythonReader.requirements(contents, &facts)
        case .pythonLock: PythonReader.lock(contents, &facts)
        case .yarnLock: NodeReader.yarn(contents, &facts)
        case .javaArchive: JavaReader.read(contents, &facts)
        case .pom: OtherLocks.pom(contents, &facts)
        case .gradleLock: OtherLocks.gradle(contents, &facts)
        case .gemspec: RubyReader.gemspec(contents, &facts)
        case .gemLock: RubyReader.lock(contents, &facts)
        case .cargoLock: OtherLocks.cargo(contents, &facts)
        case .goModule: OtherLocks.goModule(contents, &facts)
        case .nugetXML: OtherLocks.nugetXML(contents, &facts)
        default: document(contents, form, &facts)
        }
        return facts
    }

    /// Files that are one JSON or YAML document.
    private static func document(_ contents: [UInt8], _ form: FileForm, _ facts: inout FileFacts) {
        let source = SourceText(name: facts.path, bytes: contents)
        guard let root = DocumentReader.read(source).documents.first?.root else {
            // A manifest of a test that is broken on purpose tells of no package, and hides none.
            if form != .nodeManifest { facts.problem = "it is no document" }
            return
        }
        switch form {
        case .nodeManifest: NodeReader.manifest(root, &facts)
        case .contentSets: facts.release = ReleaseReader.contentSets(root)
        case .npmLock: NodeReader.npm(root, &facts)
        case .pnpmLock: NodeReader.pnpm(root, &facts)
        case .bunLock: NodeReader.bun(root, &facts)
        case .pythonPipfile: PythonReader.pipfile(root, &facts)
        case .composerLock: OtherLocks.composerLock(root, &facts)
        case .composerInstalled: OtherLocks.composerInstalled(root, &facts)
        case .dotnetDependencies: OtherLocks.dotnetDependencies(root, &facts)
        case .nugetLock: OtherLocks.nugetLock(root, &facts)
        case .condaMeta: OtherLocks.conda(root, &facts)
        case .condaEnvironment: OtherLocks.condaEnvironment(root, &facts)
        case .podLock: OtherLocks.pods(root, &facts)
        case .pubLock: OtherLocks.pub(root, &facts)
        default: return
        }
    }
}
