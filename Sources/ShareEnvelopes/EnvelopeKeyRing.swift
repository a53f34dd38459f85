// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import FoundationEssentials

/// The keys that wrap the data keys of shares: one for each epoch, all from one root secret.
///
/// KEK(e) = HKDF-SHA256(root, salt "assay/keyshare/v2", info "kek" || u32be(e)). The newest seals; all open. During a
/// rotation two epochs are here, and the older one goes when no row needs it.
public struct EnvelopeKeyRing: Sendable {
    /// The epoch that seals.
    public let current: UInt32
    private let keys: [UInt32: SymmetricKey]

    /// - Parameters:
    ///   - current: the epoch that seals, from 1 upwards.
    ///   - earlier: epochs that rows may still be of.
    /// - Throws: `.invalidEpochs`.
    public init(root: RootSecret, current: UInt32, earlier: [UInt32] = []) throws(EnvelopeError) {
        let epochs = earlier + [current]
        guard !epochs.contains(0), Set(epochs).count == epochs.count else { throw .invalidEpochs }
        self.current = current
        keys = Dictionary(uniqueKeysWithValues: epochs.map { ($0, Self.key(root, $0)) })
    }

    private init(current: UInt32, keys: [UInt32: SymmetricKey]) {
        self.current = current
        self.keys = keys
    }

    static func key(_ root: RootSecret, _ epoch: UInt32) -> SymmetricKey {
        root.derivedKey(salt: "assay/keyshare/v2", info: Array("kek".utf8) + bigEndian(epoch))
    }

    /// The epochs that can be opened, the oldest first.
    public var epochs: [UInt32] { keys.keys.sorted() }

    /// The ring after the start of a rotation: a new epoch seals, all others still open.
    public func rotated(root: RootSecret) throws(EnvelopeError) -> EnvelopeKeyRing {
        guard let newest = epochs.last, newest < .max else { throw .invalidEpochs }
        var keys = keys
        keys[newest + 1] = Self.key(root, newest + 1)
        return EnvelopeKeyRing(current: newest + 1, keys: keys)
    }

    /// The ring without an epoch that no row needs any more.
    public func retiring(_ epoch: UInt32) throws(EnvelopeError) -> EnvelopeKeyRing {
        guard epoch != current, keys[epoch] != nil else { throw .invalidEpochs }
        return EnvelopeKeyRing(current: current, keys: keys.filter { $0.key != epoch })
    }

    func key(_ epoch: UInt32) throws(EnvelopeError) -> SymmetricKey {
        guard let key = keys[epoch] else { throw .unknownEpoch(epoch) }
        return key
    }
}

func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
}
