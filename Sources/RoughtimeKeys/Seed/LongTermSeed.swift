// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Crypto

/// The 32 bytes that a server's identity is made of, on a page of memory of their own.
///
/// The page is locked (never swapped), left out of core dumps, and overwritten when the value ends. The value cannot be
/// copied or printed.
public struct LongTermSeed: ~Copyable {
    /// Bytes of a seed (RFC 8032 section 5.1.5, the private key).
    public static let byteCount = 32

    private let page: LockedPage

    /// Takes a page that `fill` writes the seed into.
    /// - Parameter fill: gets `byteCount` bytes, all zero.
    init(_ fill: (UnsafeMutableRawBufferPointer) throws(RoughtimeKeyError) -> Void) throws(RoughtimeKeyError) {
        let page = try LockedPage()
        let bytes = page.bytes(Self.byteCount)
        try fill(bytes)
        // What an empty disk or a forgotten step leaves behind is no key.
        guard bytes.contains(where: { $0 != 0 }) else {
            throw RoughtimeKeyError(.malformed, "the seed is 32 zero bytes; that is no key")
        }
        self.page = page
    }

    /// Makes a new seed with the system's random numbers.
    public static func random() throws(RoughtimeKeyError) -> LongTermSeed {
        try LongTermSeed { (bytes) throws(RoughtimeKeyError) in
            var generator = SystemRandomNumberGenerator()
            for offset in stride(from: 0, to: byteCount, by: 8) {
                bytes.storeBytes(of: generator.next(), toByteOffset: offset, as: UInt64.self)
            }
        }
    }

    /// Takes a seed over from an array, for tests and for backups; the caller's array stays as it was.
    /// - Throws: ``RoughtimeKeyError`` when it has not 32 bytes.
    public init(copying seed: some Collection<UInt8>) throws(RoughtimeKeyError) {
        guard seed.count == Self.byteCount else {
            throw RoughtimeKeyError(.malformed, "a seed has 32 bytes, not \(seed.count)")
        }
        try self.init { (bytes) throws(RoughtimeKeyError) in bytes.copyBytes(from: seed) }
    }

    /// Lends the bytes for the time of a call; they must not be copied elsewhere.
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(page.bytes(Self.byteCount)))
    }

    /// The Ed25519 private key; swift-crypto overwrites its own copy when the key ends.
    public func privateKey() throws(RoughtimeKeyError) -> Curve25519.Signing.PrivateKey {
        do {
            return try withBytes { try Curve25519.Signing.PrivateKey(rawRepresentation: $0) }
        } catch {
            throw RoughtimeKeyError(.malformed, "the seed is no Ed25519 private key")
        }
    }

    /// The server's public key, 32 bytes.
    public func publicKey() throws(RoughtimeKeyError) -> [UInt8] {
        Array(try privateKey().publicKey.rawRepresentation)
    }

    /// Makes sure that this is the seed of a certain server.
    /// - Throws: ``RoughtimeKeyError/Code/mismatch``.
    public func requirePublicKey(_ expected: [UInt8]) throws(RoughtimeKeyError) {
        let found = try publicKey()
        guard found == expected else {
            throw RoughtimeKeyError(
                .mismatch,
                """
                this is the seed of the public key \(LongTermPublicKey.text(of: found)), not of \
                \(LongTermPublicKey.text(of: expected))
                """
            )
        }
    }
}
