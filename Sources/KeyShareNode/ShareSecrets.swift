// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import CryptoExtras
internal import FoundationEssentials
internal import Secp256k1
public import ShareEnvelopes

/// The secrets of a node's store.
public struct ShareSecrets: Sendable, CustomStringConvertible, CustomReflectable {
    /// The root secret, when it is on this machine.
    public let root: RootSecret?
    /// The secret of format 1.
    public let former: OkoSecret?
    /// A root that comes from the secret of format 1, for nodes that have no other.
    let derivedRoot: RootSecret?

    /// - Parameters:
    ///   - root: `nil` for a node whose root comes in pieces, or from the secret of format 1.
    ///   - encryptionSecret: the content of the file of `ENCRYPTION_SECRET_PATH`, as it is.
    /// - Throws: `.secret` for an empty one.
    public init(root: RootSecret?, encryptionSecret: [UInt8]? = nil) throws(KeyShareNodeError) {
        self.root = root
        guard let encryptionSecret else {
            (former, derivedRoot) = (nil, nil)
            return
        }
        do throws(EnvelopeError) {
            former = try OkoSecret(file: encryptionSecret)
            derivedRoot = root == nil ? try Self.derive(encryptionSecret) : nil
        } catch {
            throw KeyShareNodeError(.secret, "ENCRYPTION_SECRET_PATH: \(error)")
        }
    }

    /// PBKDF2-HMAC-SHA-256 with 600,000 rounds, because operators may have chosen the text themselves.
    private static func derive(_ secret: [UInt8]) throws(EnvelopeError) -> RootSecret {
        let key = try? KDF.Insecure.PBKDF2.deriveKey(
            from: secret,
            salt: Array("assay/keyshare/root/v1".utf8),
            using: .sha256,
            outputByteCount: RootSecret.count,
            unsafeUncheckedRounds: 600_000
        )
        guard let key else { throw .badRootSecret }
        var bytes = key.withUnsafeBytes { Array($0) }
        defer { overwrite(&bytes) }
        return try RootSecret(file: bytes)
    }

    public var description: String { "[redacted]" }

    public var customMirror: Mirror { Mirror(self, children: []) }
}
