// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// Where copies of backups go.
public struct OffsiteTarget: Sendable, Hashable, CustomStringConvertible {
    enum Place: Sendable, Hashable {
        case folder(String)
        case sftp(user: String?, host: String, port: Int, folder: String)
        /// Another node, without a slash at the end.
        case peer(String)
    }

    /// Why a target is not taken; says what one looks like.
    public struct Malformed: Error, Sendable, Hashable, CustomStringConvertible {
        public let description: String
    }

    let place: Place

    /// Reads a URL: `file:///folder`, `sftp://user@host:port/folder`, `https://host`, or `http://` on the loopback.
    public init(_ text: String) throws(Malformed) {
        func refuse(_ reason: String) -> Malformed {
            Malformed(
                description: "'\(text)' \(reason); targets are file:///folder, sftp://user@host/folder and https://host"
            )
        }
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { throw refuse("is no URL") }
        let (scheme, rest) = (text[..<colon], text[colon...].dropFirst(3))
        guard rest.utf8.allSatisfy({ Self.plain.contains($0) }) else {
            throw refuse("has characters that are not taken")
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let (authority, path) = (rest[..<slash], String(rest[slash...]))
        guard !path.split(separator: "/").contains("..") else { throw refuse("goes upwards") }
        switch scheme {
        case "file":
            guard authority.isEmpty, path.count > 1 else { throw refuse("names no folder of this host") }
            place = .folder(path)
        case "sftp":
            let parts = authority.split(separator: "@", omittingEmptySubsequences: false)
            let ends = (parts.last ?? "").split(separator: ":", omittingEmptySubsequences: false)
            let port = ends.count == 2 ? Int(ends[1]) : 22
            guard parts.count <= 2, let host = ends.first, ends.count <= 2, let port, (1...65_535).contains(port),
                !host.isEmpty, !host.hasPrefix("-"),
                parts.count == 1 || (!parts[0].isEmpty && !parts[0].hasPrefix("-")),
                !parts[0].contains(":") || parts.count == 1
            else { throw refuse("names no host") }
            // As URLs of sftp have it: /~/folder is in the user's home.
            let folder = path.hasPrefix("/~/") ? String(path.dropFirst(3)) : path
            place = .sftp(
                user: parts.count == 2 ? String(parts[0]) : nil,
                host: String(host),
                port: port,
                folder: folder.isEmpty ? "." : folder
            )
        case "https", "http":
            let host = authority.split(separator: ":").first.map(String.init) ?? ""
            guard !host.isEmpty, !authority.contains("@") else { throw refuse("names no host") }
            guard scheme == "https" || ["127.0.0.1", "localhost"].contains(host) else {
                throw refuse("would send the token in clear")
            }
            var base = "\(scheme)://\(authority)\(path)"
            while base.hasSuffix("/") { base.removeLast() }
            place = .peer(base)
        default: throw refuse("is of an unknown kind")
        }
    }

    /// Reads a list, separated by commas.
    public static func list(_ text: String) throws(Malformed) -> [OffsiteTarget] {
        var targets: [OffsiteTarget] = []
        for part in text.split(separator: ",") {
            let target = try OffsiteTarget(part.filter { $0 != " " })
            if !targets.contains(target) { targets.append(target) }
        }
        return targets
    }

    private static let plain = Set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-~@:".utf8
    )

    /// As it stands in the history; holds no password, since none can be given.
    public var description: String {
        switch place {
        case .folder(let path): "file://\(path)"
        case .sftp(let user, let host, let port, let folder):
            "sftp://\(user.map { "\($0)@" } ?? "")\(host)\(port == 22 ? "" : ":\(port)")/\(folder.drop { $0 == "/" })"
        case .peer(let base): base
        }
    }
}
