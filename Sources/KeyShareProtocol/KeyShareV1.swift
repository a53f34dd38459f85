// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import KeyShares

/// The bodies of version 1.
public enum KeyShareV1 {
    /// `register` and `reshare`.
    public struct Share: Sendable, Decodable {
        public let authType: String
        let curveType, publicKey, share: String

        enum CodingKeys: String, CodingKey {
            case authType = "auth_type"
            case curveType = "curve_type"
            case publicKey = "public_key"
            case share
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            authType = try container.decodeAuthType(forKey: .authType)
            curveType = try container.decode(String.self, forKey: .curveType)
            publicKey = try container.decode(String.self, forKey: .publicKey)
            share = try container.decode(String.self, forKey: .share)
        }

        /// Checks what is stored, after the login: the key's length, the share's length, the curve, then their values.
        public func checked() throws(KeyShareFailure) -> WalletShare {
            try WalletShare(curve: curveType, publicKey: publicKey, share: share)
        }
    }

    /// `get`.
    public struct Get: Sendable, Decodable {
        public let authType: String
        let curveType, publicKey: String

        enum CodingKeys: String, CodingKey {
            case authType = "auth_type"
            case curveType = "curve_type"
            case publicKey = "public_key"
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            authType = try container.decodeAuthType(forKey: .authType)
            curveType = try container.decode(String.self, forKey: .curveType)
            publicKey = try container.decode(String.self, forKey: .publicKey)
        }

        /// Checks the key that is asked for.
        public func checked() throws(KeyShareFailure) -> WalletPublicKey {
            try WalletPublicKey(curve: curveType, hex: publicKey)
        }
    }

    /// `check`, which needs no login.
    public struct Check: Sendable, Decodable {
        public let userAuthID: String
        public let wallet: Get

        enum CodingKeys: String, CodingKey { case userAuthID = "user_auth_id" }

        public init(from decoder: any Decoder) throws {
            userAuthID = try decoder.container(keyedBy: CodingKeys.self).decodeIdentity(forKey: .userAuthID)
            wallet = try Get(from: decoder)
        }
    }
}

/// A wallet's key and this node's share of it, both checked.
public struct WalletShare: Sendable {
    public let publicKey: WalletPublicKey
    public let share: ShamirShare

    public init(publicKey: WalletPublicKey, share: ShamirShare) {
        self.publicKey = publicKey
        self.share = share
    }

    init(curve: String, publicKey: String, share: String) throws(KeyShareFailure) {
        let known = ShareCurve(rawValue: curve)
        // A curve that is not known has keys of 33 bytes, as clients have always been told.
        guard let key = Hex.decode(publicKey), key.count == (known ?? .secp256k1).publicKeyCount else {
            throw KeyShareFailure(.publicKeyLength(known ?? .secp256k1))
        }
        guard let bytes = Hex.decode(share), bytes.count == ShamirShare.count else {
            throw KeyShareFailure(.shareLength)
        }
        guard let known else { throw KeyShareFailure(unsupportedCurve: curve) }
        do throws(KeyShareError) {
            self.publicKey = try WalletPublicKey(known, key)
            self.share = try ShamirShare(known, bytes)
        } catch {
            throw KeyShareFailure(error)
        }
    }
}

extension WalletPublicKey {
    /// Reads a key in hexadecimal.
    init(curve: String, hex: String) throws(KeyShareFailure) {
        guard let curve = ShareCurve(rawValue: curve) else { throw KeyShareFailure(unsupportedCurve: curve) }
        guard let bytes = Hex.decode(hex) else { throw KeyShareFailure(.publicKeyLength(curve)) }
        do throws(KeyShareError) { self = try WalletPublicKey(curve, bytes) } catch { throw KeyShareFailure(error) }
    }
}

extension KeyShareFailure {
    init(unsupportedCurve _: String) {
        self.init(.curveTypeNotSupported, "curve_type must be secp256k1 or ed25519")
    }
}

extension KeyedDecodingContainer {
    /// The type of the login, `google` when it is absent.
    func decodeAuthType(forKey key: Key) throws -> String {
        let type = try decodeIfPresent(String.self, forKey: key) ?? "google"
        guard (1...64).contains(type.utf8.count) else { throw corrupted(key) }
        return type
    }

    /// The name of a user, as long as it can be stored.
    func decodeIdentity(forKey key: Key) throws -> String {
        let name = try decode(String.self, forKey: key)
        guard (1...255).contains(name.utf8.count), !name.utf8.contains(0) else { throw corrupted(key) }
        return name
    }

    func corrupted(_ key: Key) -> DecodingError {
        .dataCorruptedError(forKey: key, in: self, debugDescription: "out of range")
    }
}
