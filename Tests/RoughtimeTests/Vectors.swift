// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import Testing

@testable import Roughtime

/// Swift Testing has a type of this name too.
typealias Tag = Roughtime.Tag

/// The vectors beside the tests, with numbers as the texts write them.
enum Vectors {
    static func load<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
        let file = try #require(Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Vectors"))
        return try JSONDecoder().decode(Value.self, from: Data(contentsOf: file))
    }
}

/// Bytes as hex digits.
struct HexBytes: Decodable, Equatable {
    let bytes: [UInt8]

    init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        bytes = try #require(Hex.decode(text))
    }
}

/// A version as `0x` and eight digits.
struct VersionNumber: Decodable, Equatable {
    let version: Version

    init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        version = Version(rawValue: try #require(UInt32(text.dropFirst(2), radix: 16)))
    }
}

struct ExchangeVectors: Decodable {
    struct Exchange: Decodable {
        let version: VersionNumber
        let batch: Int
        let requests: [HexBytes]
        let responses: [HexBytes]
        let leaf_hashes: [HexBytes]
        let root: HexBytes
        let srep: HexBytes
        let dele: HexBytes
        let midp_wire: HexBytes
        let radi_wire: HexBytes
    }

    let longterm_seed: HexBytes
    let longterm_public: HexBytes
    let srv: HexBytes
    let online_seed: HexBytes
    let online_public: HexBytes
    let now_unix_us: Int64
    let mint_unix_us: Int64
    let maxt_unix_us: Int64
    let vers_list: [VersionNumber]
    let exchanges: [Exchange]

    /// A server with the keys, the delegation and the clock of the vectors.
    func identity(enabled: VersionSet = .all) throws -> OnlineIdentity {
        let longTerm = try Curve25519.Signing.PrivateKey(rawRepresentation: longterm_seed.bytes)
        let online = try Curve25519.Signing.PrivateKey(rawRepresentation: online_seed.bytes)
        var certificates: [DelegationProfile: [UInt8]] = [:]
        for profile in DelegationProfile.allCases {
            let delegation = Delegation(
                publicKey: Array(online.publicKey.rawRepresentation),
                notBefore: mint_unix_us,
                notAfter: maxt_unix_us,
                format: profile.timeFormat
            )
            certificates[profile] = try Certificate(delegation, profile: profile, signedBy: longTerm).bytes
        }
        return try OnlineIdentity(
            longTermPublicKey: longterm_public.bytes,
            onlineKey: online,
            certificates: certificates,
            enabled: enabled
        )
    }

    var rules: RequestRules { RequestRules(longTermPublicKeys: [longterm_public.bytes]) }

    var time: StatedTime {
        StatedTime(unixMicroseconds: now_unix_us, radiusSeconds: 3, radiusMicroseconds: 3_000_000)
    }
}
