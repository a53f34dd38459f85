// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The nodes of one tree at a time, in memory that is used again.
final class TreeScratch {
    private static let widest = 64
    private let nodes: UnsafeMutableRawPointer
    /// Where each level begins, and how many nodes it has.
    private let starts: UnsafeMutablePointer<Int>
    private let counts: UnsafeMutablePointer<Int>
    /// The parts of what is hashed next.
    private let first: UnsafeMutablePointer<UnsafePointer<UInt8>?>
    private let second: UnsafeMutablePointer<UnsafePointer<UInt8>?>
    private(set) var root: UnsafeMutableRawPointer

    init(leaves: Int) {
        nodes = .allocate(byteCount: (2 * leaves + 16) * Self.widest, alignment: 64)
        nodes.initializeMemory(as: UInt8.self, repeating: 0, count: (2 * leaves + 16) * Self.widest)
        starts = .allocate(capacity: 40)
        starts.initialize(repeating: 0, count: 40)
        counts = .allocate(capacity: 40)
        counts.initialize(repeating: 0, count: 40)
        first = .allocate(capacity: leaves)
        first.initialize(repeating: nil, count: leaves)
        second = .allocate(capacity: leaves)
        second.initialize(repeating: nil, count: leaves)
        root = nodes
    }

    deinit {
        nodes.deallocate()
        starts.deallocate()
        counts.deallocate()
        first.deallocate()
        second.deallocate()
    }

    /// Says where the data of a leaf stands; it is read by ``build(_:length:_:)``.
    @inline(__always)
    func setLeaf(_ index: Int, _ data: UnsafeRawPointer) {
        first[index] = data.assumingMemoryBound(to: UInt8.self)
    }

    /// Hashes some leaves that were set, all of one length.
    @inline(__always)
    func hashLeaves(_ range: Range<Int>, length: Int, _ hasher: Hasher512) {
        hasher.hash(
            prefix: Hasher512.leafPrefix,
            first: UnsafePointer(first + range.lowerBound),
            firstLength: length,
            second: nil,
            secondLength: 0,
            count: range.count,
            into: nodes + range.lowerBound * hasher.length
        )
    }

    /// Hashes upwards from the leaves; returns the number of levels above them.
    func build(_ leaves: Int, _ hasher: Hasher512) -> Int {
        let length = hasher.length
        var depth = 0
        starts[0] = 0
        counts[0] = leaves
        while counts[depth] > 1 {
            let (start, count) = (starts[depth], counts[depth])
            let parents = (count + 1) / 2
            for parent in 0..<parents {
                first[parent] = node(start + 2 * parent, length)
                second[parent] = node(start + min(2 * parent + 1, count - 1), length)
            }
            hasher.hash(
                prefix: Hasher512.nodePrefix,
                first: UnsafePointer(first),
                firstLength: length,
                second: UnsafePointer(second),
                secondLength: length,
                count: parents,
                into: nodes + (start + count) * length
            )
            depth += 1
            starts[depth] = start + count
            counts[depth] = parents
        }
        root = nodes + starts[depth] * length
        return depth
    }

    @inline(__always)
    private func node(_ index: Int, _ length: Int) -> UnsafePointer<UInt8> {
        UnsafePointer((nodes + index * length).assumingMemoryBound(to: UInt8.self))
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
