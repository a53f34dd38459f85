// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
public import Foundation

/// A server of a list (RFC 10049, section 8.4).
public struct ServerEntry: Equatable, Sendable {
    public enum Transport: String, Codable, Sendable { case udp, tcp }

    public struct Address: Equatable, Sendable, CustomStringConvertible {
        public let transport: Transport
        /// A name or an address; IPv6 without brackets.
        public let host: String
        public let port: UInt16

        public init(transport: Transport, host: String, port: UInt16) {
            self.transport = transport
            self.host = host
            self.port = port
        }

        public var description: String {
            "\(transport.rawValue)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        }
    }

    /// The name without control characters, for people.
    public let name: String
    /// The highest version it speaks; nil when the list does not say in a form we know.
    public let version: Version?
    public let publicKey: [UInt8]
    public let addresses: [Address]

    public init(name: String, version: Version?, publicKey: [UInt8], addresses: [Address]) {
        self.name = ServerEntry.printable(name)
        self.version = version
        self.publicKey = publicKey
        self.addresses = addresses
    }

    /// Whom the server belongs to, as far as its name tells: the last two labels of its host.
    public var operatorName: String {
        guard let host = addresses.first?.host, !host.contains(":"),
            host.contains(where: { $0.isLetter })
        else { return addresses.first?.host ?? name }
        return host.lowercased().split(separator: ".").suffix(2).joined(separator: ".")
    }

    /// Takes out what could deceive a reader: control characters, and those that turn the direction of writing.
    static func printable(_ name: String) -> String {
        let kept = name.unicodeScalars.filter { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: false
            default: true
            }
        }
        return String(String.UnicodeScalarView(kept.prefix(128)))
    }
}

/// Why a document is no server list.
public struct ServerListError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
}

/// A list of servers as programs exchange it (RFC 10049, section 8.4), media type `application/roughtime-server+json`.
public struct ServerList: Equatable, Sendable {
    public static let mediaType = "application/roughtime-server+json"
    public static let maximumServers = 1024
    /// The longest document that is read, in bytes.
    public static let maximumLength = 1 << 20

    public var servers: [ServerEntry]
    /// Where newer lists are.
    public var sources: [String]
    /// Where reports of malfeasance go.
    public var reports: String?

    public init(servers: [ServerEntry], sources: [String] = [], reports: String? = nil) {
        self.servers = servers
        self.sources = sources
        self.reports = reports
    }

    /// Reads a document.
    ///
    /// - Throws: ``ServerListError`` that says which server is wrong and how.
    public init(json: Data) throws(ServerListError) {
        guard json.count <= Self.maximumLength, JSONNesting.isShallow(Array(json), limit: 8) else {
            throw ServerListError(description: "the list is too long or nested too deeply")
        }
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: json)
        } catch {
            throw ServerListError(
                description: "the list is not an object with \"servers\" as RFC 10049 has it: \(Self.place(error))"
            )
        }
        guard !document.servers.isEmpty, document.servers.count <= Self.maximumServers else {
            throw ServerListError(
                description: "the list has \(document.servers.count) servers, not 1 to \(Self.maximumServers)"
            )
        }
        for link in (document.sources ?? []) + (document.reports.map { [$0] } ?? []) {
            guard link.hasPrefix("https://"), link.utf8.count <= 2048 else {
                throw ServerListError(description: "\"sources\" and \"reports\" must be https addresses")
            }
        }
        var servers: [ServerEntry] = []
        for server in document.servers { servers.append(try Self.entry(server)) }
        self.servers = servers
        sources = document.sources ?? []
        reports = document.reports
    }

    private static func place(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "not JSON" }
        let path: [any CodingKey]
        switch error {
        case .keyNotFound(let key, let context): path = context.codingPath + [key]
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            path = context.codingPath
        @unknown default: path = []
        }
        return path.isEmpty ? "not JSON" : path.map(\.stringValue).joined(separator: ".")
    }

    private static func entry(_ server: Server) throws(ServerListError) -> ServerEntry {
        let name = ServerEntry.printable(server.name)
        guard server.publicKeyType == "ed25519" else {
            throw ServerListError(
                description: "\(name): keys of type \(ServerEntry.printable(server.publicKeyType)) are not known"
            )
        }
        guard let key = Base64.decode(server.publicKey), key.count == 32 else {
            throw ServerListError(description: "\(name): publicKey is not base64 of 32 bytes")
        }
        guard !server.addresses.isEmpty, server.addresses.count <= 64 else {
            throw ServerListError(description: "\(name): a server has 1 to 64 addresses")
        }
        var addresses: [ServerEntry.Address] = []
        for address in server.addresses {
            guard let (host, port) = HostPort.split(address.address) else {
                throw ServerListError(
                    description: "\(name): an address is host:port, IPv6 in brackets, port at most 65535"
                )
            }
            addresses.append(ServerEntry.Address(transport: address.protocol, host: host, port: port))
        }
        return ServerEntry(name: server.name, version: server.version.version, publicKey: key, addresses: addresses)
    }

    /// The document, with its members in a fixed order.
    public var json: Data {
        let document = Document(
            servers: servers.map { server in
                Server(
                    name: server.name,
                    version: .init(version: server.version),
                    publicKeyType: "ed25519",
                    publicKey: Base64.encode(server.publicKey),
                    addresses: server.addresses.map {
                        Address(protocol: $0.transport, address: HostPort.join($0.host, $0.port))
                    }
                )
            },
            sources: sources.isEmpty ? nil : sources,
            reports: reports
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        // Strings and numbers always encode.
        return (try? encoder.encode(document)) ?? Data()
    }

    private struct Document: Codable {
        let servers: [Server]
        let sources: [String]?
        let reports: String?
    }

    private struct Server: Codable {
        let name: String
        let version: ListedVersion
        let publicKeyType: String
        let publicKey: String
        let addresses: [Address]
    }

    private struct Address: Codable {
        let `protocol`: ServerEntry.Transport
        let address: String
    }
}

/// A version as lists in use write it: a number, or a name.
private struct ListedVersion: Codable {
    /// What lists wrote for Google's version before the RFC.
    private static let googleNumber: UInt32 = 3_000_600_613

    let version: Version?

    init(version: Version?) {
        self.version = version
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(UInt32.self) {
            version = number == Self.googleNumber ? .google : Version(rawValue: number)
        } else {
            let name = try container.decode(String.self).lowercased()
            version = name.contains("google") ? .google : name.contains("ietf") ? nil : Version(name: name)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        let version = version ?? .rfc10049
        try container.encode(version == .google ? Self.googleNumber : version.rawValue)
    }
}
