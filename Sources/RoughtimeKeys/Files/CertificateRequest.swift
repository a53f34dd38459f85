// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import Roughtime

/// What a responder asks of the long-term key: to sign delegations for its online key.
public struct CertificateRequest: Sendable, Hashable {
    /// Larger than any request file.
    public static let greatestFile = 4096
    private static let kind = "assay-roughtime-request"

    /// The online Ed25519 key, 32 bytes.
    public let publicKey: [UInt8]
    /// The forms of delegation that are wanted: at least one, each once, in the order of `DelegationProfile`.
    public let profiles: [DelegationProfile]
    /// When the request was made, Unix seconds.
    public let created: Int64
    /// The long-term key that is expected to sign, 32 bytes; nil asks whichever is there.
    public let longTermPublicKey: [UInt8]?

    /// Makes a request.
    /// - Throws: ``RoughtimeKeyError/Code/malformed`` for a key that has not 32 bytes, no profile, or a time before 1970.
    public init(
        publicKey: [UInt8],
        profiles: [DelegationProfile] = DelegationProfile.allCases,
        created: Int64,
        longTermPublicKey: [UInt8]? = nil
    ) throws(RoughtimeKeyError) {
        guard publicKey.count == 32, longTermPublicKey?.count ?? 32 == 32 else {
            throw RoughtimeKeyError(.malformed, "an Ed25519 key has 32 bytes")
        }
        guard !profiles.isEmpty else { throw RoughtimeKeyError(.malformed, "a request names at least one profile") }
        guard created >= 0 else { throw RoughtimeKeyError(.malformed, "the request's time is before 1970") }
        self.publicKey = publicKey
        self.profiles = DelegationProfile.allCases.filter(profiles.contains)
        self.created = created
        self.longTermPublicKey = longTermPublicKey
    }

    private struct File: Codable {
        let type: String
        let v: Int
        let publicKey: String
        let profiles: [String]
        let created: Int64
        let longTermPublicKey: String?
    }

    /// The request as the content of its file.
    public func encoded() throws(RoughtimeKeyError) -> [UInt8] {
        try CanonicalJSON.encode(
            File(
                type: Self.kind,
                v: 1,
                publicKey: Hex.encode(publicKey),
                profiles: profiles.map(\.rawValue),
                created: created,
                longTermPublicKey: longTermPublicKey.map { Hex.encode($0) }
            )
        )
    }

    /// Reads a request.
    /// - Throws: ``RoughtimeKeyError/Code/malformed``.
    public init(parsing bytes: [UInt8]) throws(RoughtimeKeyError) {
        let file = try CanonicalJSON.decode(File.self, bytes, limit: Self.greatestFile, what: "request")
        guard file.type == Self.kind, file.v == 1 else {
            throw RoughtimeKeyError(.malformed, "this is not a request for Roughtime delegations, version 1")
        }
        var profiles: [DelegationProfile] = []
        for name in file.profiles {
            guard let profile = DelegationProfile(rawValue: name) else {
                throw RoughtimeKeyError(.malformed, "the request names a profile that is not known")
            }
            profiles.append(profile)
        }
        try self.init(
            publicKey: try CanonicalJSON.bytes(file.publicKey, 32, "publicKey"),
            profiles: profiles,
            created: file.created,
            longTermPublicKey: try file.longTermPublicKey.map { (text) throws(RoughtimeKeyError) in
                try CanonicalJSON.bytes(text, 32, "longTermPublicKey")
            }
        )
        // The one order, each once: what is left of it is what was written.
        guard self.profiles == profiles else {
            throw RoughtimeKeyError(.malformed, "the request's profiles are repeated or out of order")
        }
    }

    /// Reads a request file.
    public init(file path: String) throws(RoughtimeKeyError) {
        try self.init(parsing: try BoundedFile.read(path, limit: Self.greatestFile))
    }

    /// Writes the request file in one step, with mode 0640: readers see the old one or the new one.
    public func write(to path: String) throws(RoughtimeKeyError) {
        try DurableFile.write(try encoded(), to: path, mode: 0o640)
    }
}
