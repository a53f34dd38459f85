// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Foundation
public import IdentityProviders

/// The login providers of a node, as the file of `KS_PROVIDERS` lists them; `docs/keyshare/PROVIDERS.md` describes it.
public struct ProviderFile: Sendable {
    /// What is wrong with the file, all at once.
    public struct Invalid: Error, Sendable, Hashable, CustomStringConvertible {
        public let problems: [String]

        public init(problems: [String]) { self.problems = problems }

        public var description: String { problems.joined(separator: "\n") }
    }

    /// What the settings say of Telegram, besides the file.
    public struct Telegram: Sendable {
        /// `NUMBER:SECRET`; the number is the bot's id.
        public var botToken: String?
        /// Whether the login widget is taken.
        public var takesWidget = false
        /// Seconds since a login, at most.
        public var maximumAge: Int64 = 300

        public init() {}

        var botID: String? { botToken?.split(separator: ":").first.map(String.init) }
    }

    /// What providers need of the node.
    public struct Surroundings: Sendable {
        public let connection: any ProviderConnection
        public let passkeys: any PasskeyKeys
        /// Reads a file of a secret; `nil` when it cannot be read, or others can read it.
        public let secret: @Sendable (_ path: String) -> String?

        public init(
            connection: any ProviderConnection,
            passkeys: any PasskeyKeys,
            secret: @escaping @Sendable (_ path: String) -> String?
        ) {
            self.connection = connection
            self.passkeys = passkeys
            self.secret = secret
        }
    }

    private let entries: [String: ProviderEntry]

    /// No file.
    public init() { entries = [:] }

    /// Reads a file.
    ///
    /// - Throws: ``Invalid``.
    public init(json: [UInt8]) throws(Invalid) {
        guard json.count <= 1 << 20, JSONNesting.isShallow(json, limit: 8), StrictJSON.isStrict(json) else {
            throw Invalid(problems: ["not a JSON object, or a member is named twice"])
        }
        do {
            entries = try JSONDecoder().decode([String: ProviderEntry].self, from: Data(json))
        } catch DecodingError.dataCorrupted(let context), DecodingError.typeMismatch(_, let context),
            DecodingError.valueNotFound(_, let context), DecodingError.keyNotFound(_, let context)
        {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw Invalid(problems: ["\(path.isEmpty ? "the file" : path): \(context.debugDescription)"])
        } catch {
            throw Invalid(problems: ["not a JSON object"])
        }
    }

    /// Makes the providers.
    ///
    /// - Throws: ``Invalid``.
    public func providers(
        _ surroundings: Surroundings,
        telegram: Telegram = Telegram()
    ) throws(Invalid) -> [String: any IdentityProvider] {
        var problems: [String] = []
        var providers: [String: any IdentityProvider] = [:]
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
            guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy(Self.isNameByte) else {
                problems.append("'\(name)' is no auth_type: lower-case letters, digits and underscores")
                continue
            }
            do throws(ProviderEntry.Problem) {
                providers[name] = try entry.provider(named: name, surroundings, telegram: telegram)
            } catch { problems.append("\(name): \(error.text)") }
        }
        if providers["telegram"] == nil, entries["telegram"] == nil, telegram.botID != nil {
            do throws(ProviderEntry.Problem) {
                providers["telegram"] = try ProviderEntry().telegram(surroundings, telegram)
            } catch { problems.append("telegram: \(error.text)") }
        }
        guard problems.isEmpty else { throw Invalid(problems: problems) }
        return providers
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
    }
}
