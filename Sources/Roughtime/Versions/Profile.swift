// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What one version of the protocol demands of requests, trees, times and signatures.
///
/// The table follows the texts of the drafts and RFC 10049; where a text and the programs in use disagree, the programs.
public struct Profile: Sendable {
    /// What a leaf of the tree is made of.
    public enum Leaf: Sendable {
        case nonce
        /// The whole request packet with its frame (from draft 12 on).
        case packet
    }

    /// Whether TYPE stands in an answer.
    public enum ResponseType: Sendable {
        case never
        /// Only when the request had it: clients of drafts 12 and 13 know no TYPE.
        case ifAsked
        case always
    }

    /// Whether one signature may serve several requests.
    public enum Batching: Sendable {
        case always
        /// The nonce stands in the signed part, so every request needs a signature of its own.
        case never
        /// Programs in use disagree about the order of a tree's children; a tree of one leaf suits all.
        case disputed
    }

    public let version: Version
    public let isFramed: Bool
    /// Length of a nonce in bytes.
    public let nonceLength: Int
    public let hash: TreeHash
    public let paddingTag: Tag
    public let leaf: Leaf
    public let timeFormat: TimeFormat
    public let hasSignedNonce: Bool
    public let hasNonce: Bool
    public let hasVersion: Bool
    /// VER and VERS stand in the signed part.
    public let hasSignedVersions: Bool
    public let responseType: ResponseType
    /// Whether a request may name the server's key with SRV.
    public let knowsServerTag: Bool
    public let delegation: DelegationProfile
    public let responseContext: SignatureContext
    public let batching: Batching

    /// Number of this version's row, for tables.
    @inline(__always)
    public var index: Int { version.index ?? 0 }

    /// The profile of a version; nil for one we do not speak.
    public static func of(_ version: Version) -> Profile? { version.index.map { table[$0] } }

    /// All profiles by ``Version/index``.
    static let table: [Profile] = (0...13).map { index in
        switch index {
        case 0: Profile(.google)
        case 13: Profile(.rfc10049)
        default: Profile(.draft(index))
        }
    }

    private init(_ version: Version) {
        // Google's version is older than every draft, the RFC younger.
        let age = version == .google ? 0 : version == .rfc10049 ? 20 : Int(version.rawValue & 0xff)
        self.version = version
        isFramed = age > 0
        nonceLength = age < 5 ? 64 : 32
        hash = age == 0 ? .sha512 : age == 2 || age == 7 ? .sha512_256 : .sha512First32
        paddingTag = age == 0 ? .paddingOfGoogle : age < 8 ? .paddingOfDrafts : .padding
        leaf = age < 12 ? .nonce : .packet
        timeFormat = age == 0 ? .unixMicroseconds : age < 8 ? .modifiedJulianDay : .unixSeconds
        hasSignedNonce = age == 1 || age == 2
        hasNonce = age > 2
        hasVersion = (1..<12).contains(age)
        hasSignedVersions = age >= 12
        responseType = age < 12 ? .never : age == 12 ? .ifAsked : .always
        knowsServerTag = age >= 10
        delegation =
            switch age {
            case 0: .google
            case 1...6: .drafts01to06
            case 7: .draft07
            case 8...11: .drafts08to11
            case 12: .draft12
            default: .rfc10049
            }
        responseContext = age == 20 ? .response : .responseOfDrafts
        batching = age == 1 || age == 2 ? .never : (5...11).contains(age) ? .disputed : .always
    }

    /// How requests are grouped into trees, which for draft 12 depends on whether they had TYPE.
    @inline(__always)
    func batching(hasType: Bool) -> Batching {
        version == .draft12 && !hasType ? .disputed : batching
    }

    /// Whether the answer to such a request carries TYPE.
    @inline(__always)
    func answersType(hasType: Bool) -> Bool {
        switch responseType {
        case .never: false
        case .ifAsked: hasType
        case .always: true
        }
    }
}
