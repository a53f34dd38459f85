// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Crypto
import Foundation

/// What a long-term key says of an online key: that it may sign times from `notBefore` to `notAfter`.
public struct Delegation: Equatable, Sendable {
    /// The online Ed25519 key, 32 bytes.
    public let publicKey: [UInt8]
    /// First and last midpoint the key may sign, in the format of the version; compared as they stand on the wire.
    public let notBefore: UInt64
    public let notAfter: UInt64

    /// Makes a delegation.
    ///
    /// - Parameters:
    ///   - notBefore: microseconds since 1970.
    ///   - notAfter: microseconds since 1970.
    public init(publicKey: [UInt8], notBefore: Int64, notAfter: Int64, format: TimeFormat) {
        self.publicKey = publicKey
        self.notBefore = format.encode(unixMicroseconds: notBefore)
        self.notAfter = format.encode(unixMicroseconds: notAfter)
    }

    /// Reads the value of DELE.
    init(message: Message) throws(VerificationFailure) {
        publicKey = Array(try message.value(.publicKey, length: 32))
        notBefore = try message.value(.notBefore, length: 8).littleEndianValue
        notAfter = try message.value(.notAfter, length: 8).littleEndianValue
    }

    var message: Message {
        Message(values: [
            (.publicKey, publicKey), (.notBefore, [UInt8](littleEndian: notBefore)),
            (.notAfter, [UInt8](littleEndian: notAfter)),
        ])
    }
}

/// A signed delegation, the value of CERT.
public struct Certificate: Equatable, Sendable {
    /// Length of every certificate in bytes.
    public static let length = 152

    public let profile: DelegationProfile
    public let delegation: Delegation
    /// The message with SIG and DELE.
    public let bytes: [UInt8]

    /// Signs a delegation with the long-term key.
    public init(
        _ delegation: Delegation,
        profile: DelegationProfile,
        signedBy longTermKey: Curve25519.Signing.PrivateKey
    ) throws {
        let signed = delegation.message.bytes
        let signature = try longTermKey.signature(for: profile.context.bytes + signed)
        self.profile = profile
        self.delegation = delegation
        bytes = Message(values: [(.signature, Array(signature)), (.delegation, signed)]).bytes
    }

    /// Reads a certificate and checks its signature.
    ///
    /// - Throws: ``VerificationFailure`` when it is malformed or not signed by the key for this profile.
    public init(
        verifying bytes: [UInt8],
        profile: DelegationProfile,
        longTermPublicKey: [UInt8]
    ) throws(VerificationFailure) {
        try self.init(
            verifying: bytes,
            profile: profile,
            context: profile.context,
            longTermPublicKey: longTermPublicKey
        )
    }

    init(
        verifying bytes: [UInt8],
        profile: DelegationProfile,
        context: SignatureContext,
        longTermPublicKey: [UInt8]
    ) throws(VerificationFailure) {
        let message = try Message.nested(bytes, .certificate)
        let signature = try message.value(.signature, length: 64)
        let signed = try message.value(.delegation)
        guard isSigned(context.bytes + signed, by: longTermPublicKey, signature) else {
            throw .delegationSignature
        }
        self.profile = profile
        delegation = try Delegation(message: .nested(Array(signed), .delegation))
        self.bytes = bytes
    }
}

/// Names of long-term keys.
public enum LongTermKey {
    /// The value of SRV: which of its keys a server shall use (RFC 10049, section 5.1.4).
    public static func serverTag(publicKey: [UInt8]) -> [UInt8] {
        Array(TreeHash.sha512First32.digest([0xff] + publicKey))
    }
}

/// Whether an Ed25519 signature (RFC 8032, without context or prehashing) holds.
func isSigned(_ bytes: [UInt8], by publicKey: some Collection<UInt8>, _ signature: some Collection<UInt8>) -> Bool {
    guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: Data(publicKey)) else { return false }
    return key.isValidSignature(Data(signature), for: Data(bytes))
}
