/// Bounds that keep a hostile layer from taking all of memory, disk or time.
///
/// A layer past a bound is an incomplete layer, never a clean one.
package struct LayerLimits: Sendable {
    /// Bytes of one layer once unpacked.
    package var unpacked = 64 << 30
    /// Unpacked bytes for each packed one, looked at once `ratioFloor` bytes were unpacked. Deflate cannot pass 1,032.
    package var ratio = 400
    package var ratioFloor = 1 << 30
    package var members = 1_000_000
    /// Longest manifest, index or configuration.
    package var document = 8 << 20

    package init() {}
}
