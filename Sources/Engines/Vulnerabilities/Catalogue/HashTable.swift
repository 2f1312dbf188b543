/// Numbers by hashes that are good already: a dictionary would hash each of a hundred thousand paths once more.
///
/// Open addressing with linear probing, at most half full. A key of 0 stands for a place that is free, and is kept
/// beside the table.
struct HashTable: Sendable {
    private var keys: [UInt64]
    private var values: [UInt32]
    private var count = 0
    private var zero: UInt32?

    init(expecting count: Int) {
        var size = 16
        while size < max(0, min(count, 1 << 24)) * 2 { size *= 2 }
        keys = Array(repeating: 0, count: size)
        values = Array(repeating: 0, count: size)
    }

    subscript(_ key: UInt64) -> UInt32? {
        if key == 0 { return zero }
        let place = place(of: key)
        return keys[place] == key ? values[place] : nil
    }

    /// - Parameter keepingOlder: leave what the key has already.
    mutating func set(_ key: UInt64, _ value: UInt32, keepingOlder: Bool = false) {
        if key == 0 {
            if zero == nil || !keepingOlder { zero = value }
            return
        }
        let place = place(of: key)
        if keys[place] == key {
            if !keepingOlder { values[place] = value }
            return
        }
        keys[place] = key
        values[place] = value
        count += 1
        if count * 2 > keys.count { grow() }
    }

    /// Where the key is, or would be.
    private func place(of key: UInt64) -> Int {
        let mask = keys.count - 1
        // The upper half, too: of like paths FNV leaves the lower bits alike.
        var place = Int(truncatingIfNeeded: key ^ (key >> 32)) & mask
        while keys[place] != 0, keys[place] != key { place = (place + 1) & mask }
        return place
    }

    private mutating func grow() {
        var larger = HashTable(expecting: keys.count)
        larger.zero = zero
        for (key, value) in zip(keys, values) where key != 0 { larger.set(key, value) }
        self = larger
    }
}
