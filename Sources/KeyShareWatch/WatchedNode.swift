// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Foundation

/// A key share node that is watched.
public struct WatchedNode: Sendable, Hashable {
    /// Letters, digits, dots, dashes and underscores.
    public let name: String
    /// Where its `/status` is; `nil` for one that only reports.
    public let url: String?
    /// Its Ed25519 key, 32 bytes; `nil` accepts any.
    public let publicKey: [UInt8]?
    /// What it sends with its reports; no two nodes have the same.
    let secret: String

    /// Why a file of nodes is not taken.
    public struct Invalid: Error, Sendable, Hashable, CustomStringConvertible {
        public let description: String
    }

    private struct Entry: Decodable {
        let name, secret: String
        let url: String?
        let public_key: String?
    }

    /// Reads the file: `[{"name","secret","url"?,"public_key"?}]`.
    ///
    /// - Throws: ``Invalid``.
    public static func list(json: [UInt8]) throws(Invalid) -> [WatchedNode] {
        guard json.count <= 1 << 20, JSONNesting.isShallow(json, limit: 4), StrictJSON.isStrict(json),
            let entries = try? JSONDecoder().decode([Entry].self, from: Data(json)), entries.count <= 1000
        else { throw Invalid(description: #"not an array of {"name","secret","url"?,"public_key"?}"#) }
        var nodes: [WatchedNode] = []
        for entry in entries {
            let isName = entry.name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
            guard isName, (1...64).contains(entry.name.utf8.count) else {
                throw Invalid(description: "'\(entry.name)' is no name of a node: letters, digits, dots, dashes")
            }
            guard entry.secret.utf8.count >= 16 else {
                throw Invalid(description: "\(entry.name): the secret has fewer than 16 characters")
            }
            guard !nodes.contains(where: { $0.name == entry.name || $0.secret == entry.secret }) else {
                throw Invalid(description: "\(entry.name): the name or the secret is another node's too")
            }
            let key = entry.public_key.map { Hex.decode($0) }
            guard key == nil || key??.count == 32 else {
                throw Invalid(description: "\(entry.name): public_key is not 64 hexadecimal digits")
            }
            if let url = entry.url, !url.hasPrefix("https://"), !url.hasPrefix("http://") {
                throw Invalid(description: "\(entry.name): '\(url)' is no URL")
            }
            let url = entry.url.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
            nodes.append(WatchedNode(name: entry.name, url: url, publicKey: key ?? nil, secret: entry.secret))
        }
        return nodes
    }
}
