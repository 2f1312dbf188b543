import ArgumentParser
import ContainerImages
import Foundation

/// Which image of several is meant, and how registries are spoken to.
struct ImageConnectionOptions: ParsableArguments {
    @Option(help: "The platform of a multi-platform image, as linux/arm64; by default this machine's.")
    var platform: String?

    @OptionGroup var access: RegistryAccess

    func chosenPlatform() throws(ImageError) -> Platform? {
        try platform.map { text throws(ImageError) in try Platform(text) }
    }

    func registry() throws(ImageError) -> RegistryOptions { try access.options() }
}
