// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A tree over a batch of requests: the root that is signed, and the way from every leaf to it (RFC 10049, section 5.3).
///
/// The child with the even index is the left one. A level with an odd number of nodes is filled with a copy of its last.
public struct MerkleTree: Sendable {
    /// The order in which a verifier puts a node and its sibling.
    public enum Order: Sendable, CaseIterable {
        /// The one of RFC 10049, of Google, and of nearly all programs.
        case natural
        /// The one printed in the drafts 05 to 15.
        case mirrored
    }

    /// Levels from the leaves to the root.
    private let levels: [[[UInt8]]]

    public var root: [UInt8] { levels.last?.first ?? [] }

    /// Makes a tree.
    ///
    /// - Parameter leaves: the data of the leaves, at least one.
    public init(leaves: [[UInt8]], hash: TreeHash) {
        precondition(!leaves.isEmpty)
        let hasher = Hasher512(hash)
        var levels = [leaves.map(hasher.leaf)]
        while let level = levels.last, level.count > 1 {
            levels.append(
                stride(from: 0, to: level.count, by: 2).map { left in
                    hasher.node(level[left], level[min(left + 1, level.count - 1)])
                }
            )
        }
        self.levels = levels
    }

    /// The siblings on the way from a leaf to the root, the leaf's own first.
    public func path(of index: Int) -> [[UInt8]] {
        var index = index
        return levels.dropLast().map { level in
            defer { index >>= 1 }
            return level[min(index ^ 1, level.count - 1)]
        }
    }

    /// The root that a leaf and a path lead to; nil when the index has bits that the path does not use.
    public static func root(
        leaf: [UInt8],
        index: UInt32,
        path: [[UInt8]],
        hash: TreeHash,
        order: Order = .natural
    ) -> [UInt8]? {
        let hasher = Hasher512(hash)
        var index = index
        var node = hasher.leaf(leaf)
        for sibling in path {
            let isLeft = (index & 1 == 0) == (order == .natural)
            node = isLeft ? hasher.node(node, sibling) : hasher.node(sibling, node)
            index >>= 1
        }
        return index == 0 ? node : nil
    }
}
