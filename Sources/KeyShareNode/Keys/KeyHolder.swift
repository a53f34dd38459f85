// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AuditChains
internal import ByteCoding
internal import CommitReveal
internal import Crypto
internal import ShareEnvelopes
internal import Synchronization

/// A key of the node, and when another took its place.
struct HeldNodeKey: Sendable {
    let version: Int32
    let key: NodeKey
    /// Unix milliseconds; `nil` for the current key.
    let rotatedAt: Int64?

    /// How long a key still verifies after another has taken its place.
    static let grace: Int64 = 600_000
}

/// All that a node can do nothing without; gone while it is sealed.
struct OpenKeys: Sendable {
    let root: RootSecret
    /// Seals in its current epoch and opens all that are not retired.
    var ring: EnvelopeKeyRing
    /// The newest first.
    var nodes: [HeldNodeKey]
    let pseudonyms: AuditPseudonyms

    init(root: RootSecret, ring: EnvelopeKeyRing, nodes: [HeldNodeKey]) {
        self.root = root
        self.ring = ring
        self.nodes = nodes
        let key = root.derivedKey(salt: "assay/keyshare/v2", info: Array("audit".utf8))
        pseudonyms = AuditPseudonyms(key: key.withUnsafeBytes { Array($0) })
    }

    /// The keys that calls may be signed for.
    func nodes(at now: Int64) -> [NodeKey] {
        nodes.filter { held in held.rotatedAt.map { now - $0 < HeldNodeKey.grace } ?? true }.map(\.key)
    }

    /// What the database knows a root secret by.
    static func checkValue(of root: RootSecret) -> [UInt8] {
        root.derivedKey(salt: "assay/keyshare/v2", info: Array("check".utf8), count: 8).withUnsafeBytes { Array($0) }
    }
}

/// Holds the keys while the node is open, and the pieces of the root secret while it is not.
final class KeyHolder: Sendable {
    private struct State {
        var keys: OpenKeys?
        var pieces: [RootPiece] = []
        var needed = 0
    }

    private let state = Mutex(State())

    /// `nil` while the node is sealed, or has not started.
    var keys: OpenKeys? { state.withLock(\.keys) }

    func open(_ keys: OpenKeys) {
        state.withLock { state in
            state.keys = keys
            state.pieces = []
        }
    }

    /// Forgets everything.
    func seal(needed: Int) {
        state.withLock { state in
            state.keys = nil
            state.pieces = []
            state.needed = needed
        }
    }

    /// Changes the keys if the node is open.
    func update(_ body: (inout OpenKeys) -> Void) {
        state.withLock { state in
            guard var keys = state.keys else { return }
            body(&keys)
            state.keys = keys
        }
    }

    /// How far unsealing is.
    var progress: UnsealProgress {
        state.withLock { state in
            UnsealProgress(given: state.pieces.count, needed: state.needed, isSealed: state.keys == nil)
        }
    }

    /// Takes a piece; a place that was given before is taken anew.
    ///
    /// - Returns: the root secret, once there are enough pieces.
    /// - Throws: `.mixedPieces`, after which all pieces have to be given again.
    func take(_ piece: RootPiece) throws(EnvelopeError) -> RootSecret? {
        let pieces = state.withLock { state in
            state.needed = piece.threshold
            state.pieces.removeAll { $0.place == piece.place }
            state.pieces.append(piece)
            return state.pieces
        }
        do throws(EnvelopeError) { return try RootSecret(pieces: pieces) } catch .missingPieces { return nil } catch {
            forgetPieces()
            throw error
        }
    }

    func forgetPieces() { state.withLock { $0.pieces = [] } }
}
