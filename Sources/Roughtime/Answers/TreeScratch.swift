// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The nodes of one tree at a time, in memory that is used again.
final class TreeScratch {
    private static let widest = 64
    private let nodes: UnsafeMutableRawPointer
    /// Where each level begins, and how many nodes it has.
    private let starts: UnsafeMutablePointer<Int>
    private let counts: UnsafeMutablePointer<Int>
    private(set) var root: UnsafeMutableRawPointer

    init(leaves: Int) {
        nodes = .allocate(byteCount: (2 * leaves + 16) * Self.widest, alignment: 64)
        nodes.initializeMemory(as: UInt8.self, repeating: 0, count: (2 * leaves + 16) * Self.widest)
        starts = .allocate(capacity: 40)
        starts.initialize(repeating: 0, count: 40)
        counts = .allocate(capacity: 40)
        counts.initialize(repeating: 0, count: 40)
        root = nodes
    }

    deinit {
        nodes.deallocate()
        starts.deallocate()
        counts.deallocate()
    }

    @inline(__always)
    func setLeaf(_ index: Int, _ data: UnsafeRawBufferPointer, _ hasher: Hasher512) {
        hasher.hash(
            prefix: Hasher512.leafPrefix,
            data,
            UnsafeRawBufferPointer(start: nil, count: 0),
            into: nodes + index * hasher.length
        )
    }

    /// Hashes upwards; returns the number of levels above the leaves.
    func build(_ leaves: Int, _ hasher: Hasher512) -> Int {
        let length = hasher.length
        var depth = 0
        starts[0] = 0
        counts[0] = leaves
        while counts[depth] > 1 {
            let (start, count) = (starts[depth], counts[depth])
            let above = start + count
            for parent in 0..<(count + 1) / 2 {
                let left = start + 2 * parent
                let right = start + min(2 * parent + 1, count - 1)
                hasher.hash(
                    prefix: Hasher512.nodePrefix,
                    UnsafeRawBufferPointer(start: nodes + left * length, count: length),
                    UnsafeRawBufferPointer(start: nodes + right * length, count: length),
                    into: nodes + (above + parent) * length
                )
            }
            depth += 1
            starts[depth] = above
            counts[depth] = (count + 1) / 2
        }
        root = nodes + starts[depth] * length
        return depth
    }

    @inline(__always)
    func copyPath(_ leaf: Int, _ depth: Int, _ length: Int, into target: UnsafeMutableRawPointer) {
        var index = leaf
        for level in 0..<depth {
            let sibling = starts[level] + min(index ^ 1, counts[level] - 1)
            (target + level * length).copyMemory(from: nodes + sibling * length, byteCount: length)
            index >>= 1
        }
    }
}
