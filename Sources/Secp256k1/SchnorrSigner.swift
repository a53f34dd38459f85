// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Who can sign under one key (BIP 340): a process that holds it, or several that hold it together.
public protocol SchnorrSigner: Sendable {
    /// What everybody checks the signatures with.
    var publicKey: XOnlyPublicKey { get }

    /// The signature of 64 bytes over a digest of 32.
    func signature(over digest: [UInt8]) async throws -> [UInt8]
}

/// A key that lies in this process.
public struct HeldKey: SchnorrSigner {
    private let secretKey: SecretKey
    private let auxiliary: [UInt8]?
    public let publicKey: XOnlyPublicKey

    /// Takes a key.
    ///
    /// - Parameter auxiliary: 32 bytes of randomness for every signature, drawn anew for each when `nil`.
    public init(_ secretKey: SecretKey, auxiliary: [UInt8]? = nil) {
        guard let key = XOnlyPublicKey(secretKey.publicKey.xOnly) else {
            preconditionFailure("a secret's public key lies on the curve")
        }
        self.secretKey = secretKey
        self.auxiliary = auxiliary
        publicKey = key
    }

    public func signature(over digest: [UInt8]) -> [UInt8] { secretKey.signSchnorr(digest, auxiliary: auxiliary) }
}
