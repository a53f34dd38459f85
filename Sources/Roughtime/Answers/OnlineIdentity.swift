// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Crypto
import Foundation

/// What a server signs with: an online key and the certificates that its long-term key gave it.
///
/// Everything in an answer that does not depend on the request or the time is laid out once, here.
public final class OnlineIdentity: Sendable {
    /// Nothing is signed within this time of the delegation's end, in microseconds.
    public static let reserve: Int64 = 60_000_000

    public let longTermPublicKey: [UInt8]
    public let onlinePublicKey: [UInt8]
    /// The versions this identity can answer: those that are on and have a certificate.
    public let versions: VersionSet
    /// When the first certificate begins and the last one ends, in microseconds since 1970.
    public let notBefore: Int64
    public let notAfter: Int64

    private let onlineKey: Curve25519.Signing.PrivateKey
    private let layouts: [AnswerLayouts?]

    /// Makes an identity.
    ///
    /// - Parameters:
    ///   - certificates: of the online key; versions without one are not answered.
    ///   - enabled: the versions to answer.
    /// - Throws: ``VerificationFailure`` when a certificate is not signed by the long-term key or is for another online key.
    public init(
        longTermPublicKey: [UInt8],
        onlineKey: Curve25519.Signing.PrivateKey,
        certificates: [DelegationProfile: [UInt8]],
        enabled: VersionSet = .all
    ) throws(VerificationFailure) {
        let publicKey = Array(onlineKey.publicKey.rawRepresentation)
        var verified: [DelegationProfile: Certificate] = [:]
        var notBefore = Int128(Int64.min)
        var notAfter = Int128(Int64.max)
        for (profile, bytes) in certificates {
            let certificate = try Certificate(
                verifying: bytes,
                profile: profile,
                longTermPublicKey: longTermPublicKey
            )
            guard certificate.delegation.publicKey == publicKey else { throw .invalid(.publicKey) }
            guard let first = profile.timeFormat.decode(certificate.delegation.notBefore),
                let last = profile.timeFormat.decode(certificate.delegation.notAfter), first <= last
            else { throw .invalid(.notAfter) }
            notBefore = max(notBefore, first)
            notAfter = min(notAfter, last)
            verified[profile] = certificate
        }
        self.longTermPublicKey = longTermPublicKey
        self.onlineKey = onlineKey
        onlinePublicKey = publicKey
        self.notBefore = Int64(clamping: notBefore)
        self.notAfter = Int64(clamping: notAfter)
        let versions = VersionSet(enabled.versions.filter { Profile.of($0).map { verified[$0.delegation] } != nil })
        self.versions = versions
        layouts = (0..<Profile.table.count * 2).map { row in
            let profile = Profile.table[row / 2]
            guard versions.contains(profile.version), let certificate = verified[profile.delegation] else {
                return nil
            }
            return AnswerLayouts(
                profile,
                hasType: row % 2 == 1,
                certificate: certificate.bytes,
                versions: versions.numbered
            )
        }
    }

    /// Whether a time may be signed: within the delegation and not near its end.
    public func mayAnswer(at unixMicroseconds: Int64) -> Bool {
        notBefore <= unixMicroseconds && unixMicroseconds <= notAfter - Self.reserve
    }

    @inline(__always)
    func layouts(_ profile: Int, hasType: Bool) -> AnswerLayouts? { layouts[2 * profile + (hasType ? 1 : 0)] }

    /// Signs, and writes the 64 bytes of the signature to `output`.
    @inline(__always)
    func sign(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) -> Bool {
        guard let signature = try? onlineKey.signature(for: input), signature.count == 64 else { return false }
        signature.withUnsafeBytes { bytes in
            if let base = bytes.baseAddress { output.copyMemory(from: base, byteCount: 64) }
        }
        return true
    }
}
