// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import CommitReveal
public import KeyShares

/// The bodies of version 2.
public enum KeyShareV2 {
    /// The members by which a call of a session is known.
    public struct RevealFields: Sendable, Hashable, Decodable {
        public let sessionID: String?
        public let signature: String?

        enum CodingKeys: String, CodingKey {
            case sessionID = "cr_session_id"
            case signature = "cr_signature"
        }
    }

    /// Something for each of some wallets.
    public struct Wallets<Value: Sendable & Decodable>: Sendable, Decodable {
        public let authType: String
        public let reveal: RevealFields
        public let wallets: ByCurve<Value>

        enum CodingKeys: String, CodingKey {
            case authType = "auth_type"
            case wallets
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            authType = try container.decodeAuthType(forKey: .authType)
            wallets = try container.decode(ByCurve<Value>.self, forKey: .wallets)
            reveal = try RevealFields(from: decoder)
        }
    }

    /// `get`: public keys by curve.
    public typealias Get = Wallets<String>
    /// `register`, `reshare` and `reshare/register`.
    public typealias Shares = Wallets<Share>

    /// A wallet's key and share.
    public struct Share: Sendable, Decodable {
        let publicKey, share: String

        enum CodingKeys: String, CodingKey {
            case publicKey = "public_key"
            case share
        }
    }

    /// `check`, which needs no login.
    public struct Check: Sendable, Decodable {
        public let userAuthID: String
        public let request: Get

        enum CodingKeys: String, CodingKey { case userAuthID = "user_auth_id" }

        public init(from decoder: any Decoder) throws {
            userAuthID = try decoder.container(keyedBy: CodingKeys.self).decodeIdentity(forKey: .userAuthID)
            request = try Get(from: decoder)
        }
    }

    /// `register/ed25519`.
    public struct RegisterEd25519: Sendable, Decodable {
        public let authType: String
        public let reveal: RevealFields
        let wallet: Share

        enum CodingKeys: String, CodingKey { case authType = "auth_type" }

        public init(from decoder: any Decoder) throws {
            authType = try decoder.container(keyedBy: CodingKeys.self).decodeAuthType(forKey: .authType)
            reveal = try RevealFields(from: decoder)
            wallet = try Share(from: decoder)
        }

        /// Checks the key and the share, after the login.
        public func checked() throws(KeyShareFailure) -> WalletShare {
            try WalletShare(curve: ShareCurve.ed25519.rawValue, publicKey: wallet.publicKey, share: wallet.share)
        }
    }

    /// `commit`.
    public struct Commit: Sendable, Decodable {
        let sessionID, operationType, clientKey, tokenHash: String

        enum CodingKeys: String, CodingKey {
            case sessionID = "session_id"
            case operationType = "operation_type"
            case clientKey = "client_ephemeral_pubkey"
            case tokenHash = "id_token_hash"
        }

        /// Checks the fields in the order of the body.
        public func checked(_ version: ProtocolVersion) throws(KeyShareFailure) -> Commitment {
            do throws(CommitRevealFailure) {
                return try Commitment(
                    sessionID: sessionID,
                    operation: operationType,
                    clientKey: clientKey,
                    tokenHash: tokenHash,
                    version: version
                )
            } catch { throw KeyShareFailure(error) }
        }
    }
}

extension KeyShareV2.Wallets where Value == String {
    /// Checks the keys that are asked for, secp256k1's first.
    public func checked() throws(KeyShareFailure) -> [WalletPublicKey] {
        var keys: [WalletPublicKey] = []
        for (curve, key) in wallets.entries { keys.append(try WalletPublicKey(curve: curve, hex: key)) }
        return keys
    }
}

extension KeyShareV2.Wallets where Value == KeyShareV2.Share {
    /// Checks the keys and shares, secp256k1's first.
    public func checked() throws(KeyShareFailure) -> [WalletShare] {
        var shares: [WalletShare] = []
        for (curve, wallet) in wallets.entries {
            shares.append(try WalletShare(curve: curve, publicKey: wallet.publicKey, share: wallet.share))
        }
        return shares
    }

    /// As `register` has it: both curves, or none.
    ///
    /// - Throws: `INVALID_REQUEST`.
    public func checkedBoth() throws(KeyShareFailure) -> [WalletShare] {
        guard wallets.entries.count == ShareCurve.allCases.count else {
            throw KeyShareFailure(.invalidRequest, "'wallets' must have secp256k1 and ed25519")
        }
        return try checked()
    }
}
