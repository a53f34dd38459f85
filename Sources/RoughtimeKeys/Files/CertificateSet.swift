// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
public import Roughtime

/// The long-term key's answer to a request: one certificate for each wanted form of delegation, all for the same time.
///
/// A value exists only when every signature in it holds.
public struct CertificateSet: Sendable, Equatable {
    /// Larger than any certificate set file.
    public static let greatestFile = 8192
    private static let kind = "assay-roughtime-certificates"

    /// The key that has signed, 32 bytes; who reads a set compares it with the key it expects.
    public let longTermPublicKey: [UInt8]
    /// The online key, 32 bytes.
    public let publicKey: [UInt8]
    /// First and last second of the delegation, Unix seconds.
    public let window: ClosedRange<Int64>
    /// At least one.
    public let certificates: [DelegationProfile: Certificate]

    /// Signs what a request asks for.
    /// - Parameter window: first and last second, as ``DelegationPolicy`` allows them.
    init(
        for request: CertificateRequest,
        window: ClosedRange<Int64>,
        seed: borrowing LongTermSeed
    ) throws(RoughtimeKeyError) {
        let key = try seed.privateKey()
        longTermPublicKey = Array(key.publicKey.rawRepresentation)
        if let expected = request.longTermPublicKey { try seed.requirePublicKey(expected) }
        guard request.publicKey != longTermPublicKey else {
            throw RoughtimeKeyError(.refused, "the request asks for a delegation of the long-term key to itself")
        }
        var certificates: [DelegationProfile: Certificate] = [:]
        for profile in request.profiles {
            let delegation = Self.delegation(of: request.publicKey, window, profile)
            guard let certificate = try? Certificate(delegation, profile: profile, signedBy: key) else {
                throw RoughtimeKeyError(.system, "the long-term key cannot sign")
            }
            certificates[profile] = certificate
        }
        publicKey = request.publicKey
        self.window = window
        self.certificates = certificates
    }

    private static func delegation(
        of key: [UInt8],
        _ window: ClosedRange<Int64>,
        _ profile: DelegationProfile
    ) -> Delegation {
        Delegation(
            publicKey: key,
            notBefore: window.lowerBound * 1_000_000,
            notAfter: window.upperBound * 1_000_000,
            format: profile.timeFormat
        )
    }

    private struct File: Codable {
        let type: String
        let v: Int
        let longTermPublicKey: String
        let publicKey: String
        let notBefore: Int64
        let notAfter: Int64
        let certificates: [String: String]
    }

    /// The set as the content of its file.
    public func encoded() throws(RoughtimeKeyError) -> [UInt8] {
        try CanonicalJSON.encode(
            File(
                type: Self.kind,
                v: 1,
                longTermPublicKey: Hex.encode(longTermPublicKey),
                publicKey: Hex.encode(publicKey),
                notBefore: window.lowerBound,
                notAfter: window.upperBound,
                certificates: Dictionary(
                    uniqueKeysWithValues: certificates.map { ($0.key.rawValue, Hex.encode($0.value.bytes)) }
                )
            )
        )
    }

    /// Reads a set and checks every signature, key and time in it.
    /// - Throws: ``RoughtimeKeyError/Code/malformed``, or `mismatch` when a certificate does not hold or says something else.
    public init(parsing bytes: [UInt8]) throws(RoughtimeKeyError) {
        let file = try CanonicalJSON.decode(File.self, bytes, limit: Self.greatestFile, what: "certificate set")
        guard file.type == Self.kind, file.v == 1 else {
            throw RoughtimeKeyError(.malformed, "this is not a set of Roughtime certificates, version 1")
        }
        longTermPublicKey = try CanonicalJSON.bytes(file.longTermPublicKey, 32, "longTermPublicKey")
        publicKey = try CanonicalJSON.bytes(file.publicKey, 32, "publicKey")
        // Until the year 5138: whatever is made of these numbers does not overflow.
        guard file.notBefore >= 0, file.notBefore <= file.notAfter, file.notAfter < 100_000_000_000 else {
            throw RoughtimeKeyError(.malformed, "notBefore and notAfter are no span of time")
        }
        window = file.notBefore...file.notAfter
        guard !file.certificates.isEmpty else { throw RoughtimeKeyError(.malformed, "the set holds no certificate") }
        var certificates: [DelegationProfile: Certificate] = [:]
        for (name, text) in file.certificates {
            guard let profile = DelegationProfile(rawValue: name) else {
                throw RoughtimeKeyError(.malformed, "the set names a profile that is not known")
            }
            let bytes = try CanonicalJSON.bytes(text, Certificate.length, "the certificate \(profile.rawValue)")
            guard
                let certificate = try? Certificate(
                    verifying: bytes,
                    profile: profile,
                    longTermPublicKey: longTermPublicKey
                )
            else {
                throw RoughtimeKeyError(
                    .mismatch,
                    "the certificate \(profile.rawValue) is not signed by the long-term key that the set names"
                )
            }
            guard certificate.delegation == Self.delegation(of: publicKey, window, profile) else {
                throw RoughtimeKeyError(
                    .mismatch,
                    "the certificate \(profile.rawValue) is for another key or time than the set says"
                )
            }
            certificates[profile] = certificate
        }
        self.certificates = certificates
    }

    /// Reads a certificate set file.
    public init(file path: String) throws(RoughtimeKeyError) {
        try self.init(parsing: try BoundedFile.read(path, limit: Self.greatestFile))
    }

    /// Writes the file in one step, with mode 0640: readers see the old one or the new one.
    public func write(to path: String) throws(RoughtimeKeyError) {
        try DurableFile.write(try encoded(), to: path, mode: 0o640)
    }

    /// Whether the set answers a request: its key and every profile it wants.
    public func answers(_ request: CertificateRequest) -> Bool {
        publicKey == request.publicKey && request.profiles.allSatisfy { certificates[$0] != nil }
    }

    /// Takes the set only for this server's long-term key.
    /// - Parameter pinned: the long-term public key that clients know, 32 bytes.
    /// - Throws: ``RoughtimeKeyError/Code/mismatch``.
    public func requireSigner(_ pinned: [UInt8]) throws(RoughtimeKeyError) {
        guard longTermPublicKey == pinned else {
            throw RoughtimeKeyError(
                .mismatch,
                """
                the certificates are signed by \(Hex.encode(longTermPublicKey)), not by \(Hex.encode(pinned)), which \
                clients know: a new long-term key is a new server
                """
            )
        }
    }
}
