import Crypto
import HTTPTypes

/// Style, script and icon: addresses change with their content, so that a browser may keep them for ever.
enum DashboardAssets {
    struct Asset: Sendable {
        let path: String
        let bytes: [UInt8]
        let type: String

        init(_ name: String, _ bytes: [UInt8], type: String) {
            let digest = Base64URL.encode(Array(SHA256.hash(data: bytes).prefix(9)))
            path = "/assets/\(digest)/\(name)"
            self.bytes = bytes
            self.type = type
        }
    }

    static let style = Asset("style.css", PackageResources.style_css, type: "text/css; charset=utf-8")
    static let script = Asset("app.js", PackageResources.app_js, type: "text/javascript; charset=utf-8")
    static let icon = Asset("icon.svg", PackageResources.icon_svg, type: "image/svg+xml")

    static let routes = [style, script, icon].map { asset in
        Route(.get, asset.path, nil) { _ in .asset(asset.bytes, type: asset.type) }
    }
}
