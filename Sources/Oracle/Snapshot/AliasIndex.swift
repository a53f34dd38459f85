// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Finds nodes whose alias contains a text, whatever the case, in one scan of all aliases.
struct AliasIndex: Sendable {
    /// All aliases in lower case, each ended by a line feed, which none of them contains.
    private var text: [UInt8] = []
    /// Where each alias begins.
    private var starts: [Int] = []

    init(_ aliases: some Sequence<String>) {
        for alias in aliases {
            starts.append(text.count)
            text.append(contentsOf: alias.lowercased().utf8.filter { $0 != Self.separator })
            text.append(Self.separator)
        }
    }

    /// The positions of the aliases that contain `part`, ascending.
    ///
    /// - Complexity: linear in the length of all aliases: about 0.1 ms for mainnet.
    func matches(_ part: String) -> [Int] {
        let needle = Array(part.lowercased().utf8)
        guard !needle.isEmpty, !needle.contains(Self.separator) else { return [] }
        var found: [Int] = []
        text.withUnsafeBytes { haystack in
            var offset = 0
            while offset < haystack.count, let base = haystack.baseAddress {
                // Most bytes are skipped by the C library's search for the first one.
                guard let hit = memchr(base + offset, Int32(needle[0]), haystack.count - offset) else { return }
                let position = UnsafeRawPointer(hit) - base
                guard position + needle.count <= haystack.count, memcmp(hit, needle, needle.count) == 0 else {
                    offset = position + 1
                    continue
                }
                let index = self.index(at: position)
                found.append(index)
                offset = index + 1 < starts.count ? starts[index + 1] : haystack.count
            }
        }
        return found
    }

    private static let separator = UInt8(ascii: "\n")

    /// The alias that holds a byte, by binary search.
    private func index(at position: Int) -> Int {
        var (low, high) = (0, starts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= position { low = middle } else { high = middle }
        }
        return low
    }
}
