// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
public import FoundationEssentials
public import KeyShares
internal import Secp256k1

/// The row that an envelope belongs to; an envelope opens for no other.
public struct EnvelopeRow: Sendable, Hashable {
    public let shareID: UUID
    public let walletID: UUID
    public let curve: ShareCurve
    public let publicKey: [UInt8]

    public init(shareID: UUID, walletID: UUID, curve: ShareCurve, publicKey: [UInt8]) {
        self.shareID = shareID
        self.walletID = walletID
        self.curve = curve
        self.publicKey = publicKey
    }
}

/// A stored share of version 2: sealed with a data key of its own, which in turn the epoch's key wraps.
///
/// ```
/// "AKS2" | 02 | 01 | epoch u32be | wrap nonce 12 | wrapped key 48 | data nonce 12 | ciphertext n | tag 16
/// ```
///
/// Both layers are AES-256-GCM, bound to the row. Rotation wraps the data key anew and leaves the rest.
public struct ShareEnvelope: Sendable, Hashable {
    static let mark: [UInt8] = Array("AKS2".utf8) + [2, 1]
    private static let wrapStart = 10
    private static let wrapEnd = wrapStart + 12 + 48
    /// Bytes that sealing adds.
    public static let overhead = wrapEnd + 12 + 16
    /// The most bytes that are sealed.
    public static let maximumPlainCount = 4096

    /// As it is stored.
    public let bytes: [UInt8]
    /// The epoch of the key that wraps the data key.
    public let epoch: UInt32

    /// Reads an envelope without opening it.
    ///
    /// - Throws: `.malformed`.
    public init(_ bytes: [UInt8]) throws(EnvelopeError) {
        guard Self.isMarked(bytes), (Self.overhead...(Self.overhead + Self.maximumPlainCount)).contains(bytes.count)
        else { throw .malformed }
        self.bytes = bytes
        epoch = bytes[6..<10].reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Whether stored bytes are of this version; those of version 1 are base64.
    public static func isMarked(_ bytes: [UInt8]) -> Bool { bytes.starts(with: mark) }

    /// Seals with a fresh data key in the ring's current epoch.
    ///
    /// - Precondition: at most ``maximumPlainCount`` bytes.
    public init(sealing plain: UnsafeRawBufferPointer, for row: EnvelopeRow, with ring: EnvelopeKeyRing)
        throws(EnvelopeError)
    {
        try self.init(
            sealing: plain,
            for: row,
            with: ring,
            dataKey: SymmetricKey(size: .bits256),
            wrapNonce: AES.GCM.Nonce(),
            dataNonce: AES.GCM.Nonce()
        )
    }

    /// Seals with keys and nonces that must never be used again; other callers than tests let them be drawn.
    init(
        sealing plain: UnsafeRawBufferPointer,
        for row: EnvelopeRow,
        with ring: EnvelopeKeyRing,
        dataKey: SymmetricKey,
        wrapNonce: AES.GCM.Nonce,
        dataNonce: AES.GCM.Nonce
    ) throws(EnvelopeError) {
        precondition(plain.count <= Self.maximumPlainCount, "shares are short")
        let wrapped = try Self.wrap(dataKey, row.shareID, ring, wrapNonce)
        let sealed = try Self.seal(plain, dataKey, dataNonce, Self.dataBinding(row))
        bytes = Self.mark + bigEndian(ring.current) + wrapped + sealed
        epoch = ring.current
    }

    /// Lends what is inside for the length of the call, then overwrites it.
    ///
    /// - Throws: `.unknownEpoch`, or `.forged` for another row's envelope and one that was changed.
    public func withOpened<Result>(
        for row: EnvelopeRow,
        with ring: EnvelopeKeyRing,
        _ body: (UnsafeRawBufferPointer) throws(EnvelopeError) -> Result
    ) throws(EnvelopeError) -> Result {
        let key = try dataKey(row.shareID, ring)
        return try Self.open(bytes[Self.wrapEnd...], key, Self.dataBinding(row), body)
    }

    /// The same envelope in the ring's current epoch: only the wrapped key is made anew, with 48 bytes of plain work.
    ///
    /// - Throws: as ``withOpened(for:with:_:)``.
    public func rewrapped(shareID: UUID, with ring: EnvelopeKeyRing) throws(EnvelopeError) -> ShareEnvelope {
        try rewrapped(shareID: shareID, with: ring, nonce: AES.GCM.Nonce())
    }

    func rewrapped(
        shareID: UUID,
        with ring: EnvelopeKeyRing,
        nonce: AES.GCM.Nonce
    ) throws(EnvelopeError) -> ShareEnvelope {
        let wrapped = try Self.wrap(try dataKey(shareID, ring), shareID, ring, nonce)
        return try ShareEnvelope(Self.mark + bigEndian(ring.current) + wrapped + bytes[Self.wrapEnd...])
    }

    private func dataKey(_ shareID: UUID, _ ring: EnvelopeKeyRing) throws(EnvelopeError) -> SymmetricKey {
        let wrapped = bytes[Self.wrapStart..<Self.wrapEnd]
        return try Self.open(wrapped, ring.key(epoch), Self.wrapBinding(epoch, shareID)) { SymmetricKey(data: $0) }
    }

    private static func wrap(
        _ key: SymmetricKey,
        _ shareID: UUID,
        _ ring: EnvelopeKeyRing,
        _ nonce: AES.GCM.Nonce
    ) throws(EnvelopeError) -> [UInt8] {
        let wrapping = try ring.key(ring.current)
        let binding = wrapBinding(ring.current, shareID)
        let wrapped: Result<[UInt8], EnvelopeError> = key.withUnsafeBytes { key in
            Result { () throws(EnvelopeError) in try seal(key, wrapping, nonce, binding) }
        }
        return try wrapped.get()
    }

    // MARK: Bindings

    static func wrapBinding(_ epoch: UInt32, _ shareID: UUID) -> [UInt8] {
        mark + Array("wrap".utf8) + bigEndian(epoch) + bytes(of: shareID)
    }

    static func dataBinding(_ row: EnvelopeRow) -> [UInt8] {
        let curve: UInt8 =
            switch row.curve {
            case .secp256k1: 1
            case .ed25519: 2
            }
        return mark + Array("data".utf8) + bytes(of: row.shareID) + bytes(of: row.walletID) + [curve]
            + bigEndian(UInt16(truncatingIfNeeded: row.publicKey.count)) + row.publicKey
    }

    private static func bytes(of id: UUID) -> [UInt8] { withUnsafeBytes(of: id.uuid) { Array($0) } }
}

extension ShareEnvelope {
    /// Nonce, ciphertext and tag.
    private static func seal(
        _ plain: UnsafeRawBufferPointer,
        _ key: SymmetricKey,
        _ nonce: AES.GCM.Nonce,
        _ binding: [UInt8]
    ) throws(EnvelopeError) -> [UInt8] {
        guard let box = try? AES.GCM.seal(plain, using: key, nonce: nonce, authenticating: binding),
            let combined = box.combined
        else { throw .malformed }
        return Array(combined)
    }

    private static func open<Result>(
        _ sealed: ArraySlice<UInt8>,
        _ key: SymmetricKey,
        _ binding: [UInt8],
        _ body: (UnsafeRawBufferPointer) throws(EnvelopeError) -> Result
    ) throws(EnvelopeError) -> Result {
        guard let box = try? AES.GCM.SealedBox(combined: sealed) else { throw .malformed }
        guard var plain = try? AES.GCM.open(box, using: key, authenticating: binding) else { throw .forged }
        return try lend(&plain, body)
    }
}

/// Lends plain bytes and overwrites them afterwards.
func lend<Result>(
    _ plain: inout Data,
    _ body: (UnsafeRawBufferPointer) throws(EnvelopeError) -> Result
) throws(EnvelopeError) -> Result {
    let result: Swift.Result<Result, EnvelopeError> = plain.withUnsafeMutableBytes { bytes in
        defer { overwrite(bytes) }
        return Swift.Result { () throws(EnvelopeError) in try body(UnsafeRawBufferPointer(bytes)) }
    }
    return try result.get()
}
