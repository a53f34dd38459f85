// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import LightningPrimitives
internal import Nostr
public import Pomade
public import Secp256k1

/// What a client keeps of a dealt key, never the key itself.
///
/// With it one can sign as the user until the sessions are deactivated, so it is kept in a file for its owner only.
public struct ClientState: Sendable, CustomStringConvertible {
    /// A signer with its number in the group.
    public struct Member: Sendable, Hashable, Codable {
        public let idx: Int
        public let url: String

        public init(idx: Int, url: String) {
            self.idx = idx
            self.url = url
        }
    }

    public var group: RegisteredGroup
    /// The session's key, alike at all signers, as the protocol's log-in needs it.
    public let client: SecretKey
    /// In the order in which they are asked.
    public var members: [Member]

    public init(group: RegisteredGroup, client: SecretKey, members: [Member]) {
        self.group = group
        self.client = client
        self.members = members
    }

    /// The session's name.
    public var session: Hex32 { HexBytes(certain: NostrKey(client).bytes) }

    /// The user's public key.
    public var userKey: Hex32 { group.userKey }

    public var description: String {
        "client of \(userKey), \(group.wire.threshold) of \(group.wire.commits.count)"
    }
}

extension ClientState {
    private struct File: Codable {
        let version: Int
        let group: WireGroup
        let clientSecret: Hex32
        let signers: [Member]

        enum CodingKeys: String, CodingKey {
            case version, group, signers
            case clientSecret = "client_secret"
        }
    }

    /// Reads the file's JSON.
    ///
    /// - Throws: ``ThresholdError/invalid(_:)``.
    public init(json: [UInt8]) throws(ThresholdError) {
        guard let file = try? JSONDecoder().decode(File.self, from: Data(json)) else {
            throw .invalid("this is no state file of a client")
        }
        guard file.version == 1 else {
            throw .invalid("the state file is of version \(file.version), this program reads 1")
        }
        guard let client = SecretKey(file.clientSecret.bytes) else {
            throw .invalid("the state file's client_secret is no secret key")
        }
        let group: RegisteredGroup
        do throws(SignerFailure) { group = try RegisteredGroup(file.group) } catch {
            throw .invalid("the state file's group does not fit together: \(error.message)")
        }
        let known = Set(file.group.commits.map(\.idx))
        guard Set(file.signers.map(\.idx)).count == file.signers.count,
            file.signers.allSatisfy({ known.contains($0.idx) })
        else { throw .invalid("the state file's signers are not those of its group") }
        self.init(group: group, client: client, members: file.signers)
    }

    /// The file's JSON, which holds the session's secret.
    public var json: [UInt8] {
        let file = File(
            version: 1,
            group: group.wire,
            clientSecret: HexBytes(certain: client.rawBytes),
            signers: members
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let text = try? encoder.encode(file) else { preconditionFailure("the state is numbers and texts") }
        return Array(text) + [UInt8(ascii: "\n")]
    }
}
