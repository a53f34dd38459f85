// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import CommitReveal
public import FoundationEssentials
public import KeyShares

/// The bodies of version 3, whose tokens, shares and deltas are sealed under the session's key.
public enum KeyShareV3 {
    /// A text that is sealed: hexadecimal nonce, ciphertext and tag.
    public struct Sealed: Sendable, Hashable, Codable {
        public let text: SealedText

        enum CodingKeys: String, CodingKey { case nonce, ciphertext, tag }

        public init(_ text: SealedText) { self.text = text }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            func bytes(_ key: CodingKeys, _ count: Int?) throws -> [UInt8] {
                guard let bytes = Hex.decode(try container.decode(String.self, forKey: key)),
                    count == nil || bytes.count == count
                else { throw container.corrupted(key) }
                return bytes
            }
            text = SealedText(
                nonce: try bytes(.nonce, 12),
                ciphertext: try bytes(.ciphertext, nil),
                tag: try bytes(.tag, 16)
            )
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(Hex.encode(text.nonce), forKey: .nonce)
            try container.encode(Hex.encode(text.ciphertext), forKey: .ciphertext)
            try container.encode(Hex.encode(text.tag), forKey: .tag)
        }
    }

    /// What every call has.
    public struct Login: Sendable, Decodable {
        public let authType: String
        public let token: Sealed

        enum CodingKeys: String, CodingKey {
            case authType = "auth_type"
            case token = "enc_token"
        }
    }

    /// `get`, `check` and `delete`: public keys by curve.
    public struct Get: Sendable, Decodable {
        public let login: Login
        let wallets: ByCurve<String>

        enum CodingKeys: String, CodingKey { case wallets }

        public init(from decoder: any Decoder) throws {
            login = try Login(from: decoder)
            wallets = try decoder.container(keyedBy: CodingKeys.self).decode(ByCurve<String>.self, forKey: .wallets)
        }

        /// Checks the keys, secp256k1's first.
        public func checked() throws(KeyShareFailure) -> [WalletPublicKey] {
            var keys: [WalletPublicKey] = []
            for (curve, key) in wallets.entries { keys.append(try WalletPublicKey(curve: curve, hex: key)) }
            return keys
        }
    }

    /// `list`.
    public typealias List = Login

    /// `register` and `reshare_register`.
    public struct Register: Sendable, Decodable {
        struct Wallet: Sendable, Decodable {
            let publicKey: String
            let share: Sealed
            let commitments: [String]?

            enum CodingKeys: String, CodingKey {
                case publicKey = "public_key"
                case share
                case commitments
            }
        }

        public let login: Login
        let wallets: ByCurve<Wallet>

        enum CodingKeys: String, CodingKey { case wallets }

        public init(from decoder: any Decoder) throws {
            login = try Login(from: decoder)
            wallets = try decoder.container(keyedBy: CodingKeys.self).decode(ByCurve<Wallet>.self, forKey: .wallets)
        }

        /// Opens and checks the shares, secp256k1's first.
        public func checked(session: String, api: KeyShareAPI, key: SessionKey) throws(KeyShareFailure) -> [Registered]
        {
            var shares: [Registered] = []
            for (curve, wallet) in wallets.entries {
                let publicKey = try WalletPublicKey(curve: curve, hex: wallet.publicKey)
                let binding = SessionKey.binding(session: session, api: api, curve: curve, isRequest: true)
                guard let bytes = key.open(wallet.share.text, bound: binding) else {
                    throw KeyShareFailure(.shareInvalid, "the share does not open with the session's key")
                }
                let commitments = try wallet.commitments.map { texts throws(KeyShareFailure) in
                    try ShareCommitments(publicKey.curve, hasConstant: true, hex: texts)
                }
                do throws(KeyShareError) {
                    let share = try ShamirShare(publicKey.curve, bytes)
                    try commitments?.check(share)
                    shares.append(
                        Registered(share: WalletShare(publicKey: publicKey, share: share), commitments: commitments)
                    )
                } catch { throw KeyShareFailure(error) }
            }
            return shares
        }
    }

    /// A share and what it was checked with.
    public struct Registered: Sendable {
        public let share: WalletShare
        public let commitments: ShareCommitments?

        /// Puts together what was checked elsewhere.
        public init(share: WalletShare, commitments: ShareCommitments?) {
            self.share = share
            self.commitments = commitments
        }
    }

    /// `refresh/prepare`.
    public struct RefreshPrepare: Sendable, Decodable {
        struct Wallet: Sendable, Decodable {
            let publicKey: String
            let epoch: Int32
            let delta: Sealed
            let commitments: [String]

            enum CodingKeys: String, CodingKey {
                case publicKey = "public_key"
                case epoch
                case delta
                case commitments
            }
        }

        public let login: Login
        let wallets: ByCurve<Wallet>

        enum CodingKeys: String, CodingKey { case wallets }

        public init(from decoder: any Decoder) throws {
            login = try Login(from: decoder)
            wallets = try decoder.container(keyedBy: CodingKeys.self).decode(ByCurve<Wallet>.self, forKey: .wallets)
        }

        /// Opens and checks the deltas, secp256k1's first; the caller applies them to the shares it holds.
        public func checked(session: String, key: SessionKey) throws(KeyShareFailure) -> [Refreshed] {
            var refreshes: [Refreshed] = []
            for (curve, wallet) in wallets.entries {
                let publicKey = try WalletPublicKey(curve: curve, hex: wallet.publicKey)
                let binding = SessionKey.binding(session: session, api: .refreshPrepare, curve: curve, isRequest: true)
                guard let bytes = key.open(wallet.delta.text, bound: binding) else {
                    throw KeyShareFailure(.shareInvalid, "the delta does not open with the session's key")
                }
                let commitments = try ShareCommitments(publicKey.curve, hasConstant: false, hex: wallet.commitments)
                do throws(KeyShareError) {
                    let delta = try ShareDelta(publicKey.curve, bytes)
                    refreshes.append(
                        Refreshed(publicKey: publicKey, epoch: wallet.epoch, delta: delta, commitments: commitments)
                    )
                } catch { throw KeyShareFailure(error) }
            }
            return refreshes
        }
    }

    /// A wallet's delta and what it has to fit.
    public struct Refreshed: Sendable {
        public let publicKey: WalletPublicKey
        /// Which epoch the dealer started from.
        public let epoch: Int32
        public let delta: ShareDelta
        public let commitments: ShareCommitments
    }

    /// `refresh/commit` and `refresh/abort`.
    public struct RefreshDecision: Sendable, Decodable {
        public let login: Login
        public let refreshID: UUID

        enum CodingKeys: String, CodingKey { case refreshID = "refresh_id" }

        public init(from decoder: any Decoder) throws {
            login = try Login(from: decoder)
            refreshID = try decoder.container(keyedBy: CodingKeys.self).decode(UUID.self, forKey: .refreshID)
        }
    }
}

extension ShareCommitments {
    fileprivate init(_ curve: ShareCurve, hasConstant: Bool, hex texts: [String]) throws(KeyShareFailure) {
        let points = texts.compactMap { Hex.decode($0) }
        guard points.count == texts.count else { throw KeyShareFailure(.commitmentInvalid(curve)) }
        do throws(KeyShareError) {
            self = try ShareCommitments(curve, hasConstant: hasConstant, points: points)
        } catch { throw KeyShareFailure(error) }
    }
}
