// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import YAML

/// Reads the parts of a service that are not its routes.
enum ServiceReading {
    static func name(_ text: String) -> String? {
        let isName =
            (1...32).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        return isName ? text : nil
    }

    static func backend(_ text: String) -> CatalogueService.Backend? {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            ["http", "https"].contains(scheme), var host = parts.host, !host.isEmpty,
            parts.user == nil, parts.password == nil, parts.query == nil, parts.fragment == nil
        else { return nil }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        let isSecure = scheme == "https"
        let port = parts.port ?? (isSecure ? 443 : 80)
        guard (1...65_535).contains(port) else { return nil }
        var path = parts.percentEncodedPath
        while path.hasSuffix("/") { path.removeLast() }
        guard !path.split(separator: "/").contains(where: { $0 == ".." || $0 == "." }) else { return nil }
        return CatalogueService.Backend(isSecure: isSecure, host: host.lowercased(), port: port, path: path)
    }

    static func tls(_ reader: inout MappingReader, for backend: CatalogueService.Backend?) -> CatalogueService.TLS {
        var tls = CatalogueService.TLS()
        guard var own = reader.mapping("tls") else { return tls }
        tls.authorityFile = own.value("ca_file", "the path of a file with authorities in PEM") { $0.isEmpty ? nil : $0 }
        tls.serverName = own.value("server_name", "the host name in the backend's certificate") { text in
            HostPattern(text).flatMap { $0.isWildcard ? nil : $0.name }
        }
        own.finish()
        if backend?.isSecure == false {
            own.problem("", "the backend is http://, which has no TLS; write https:// or remove this")
        }
        return tls
    }

    static func timeouts(_ reader: inout MappingReader) -> CatalogueService.Timeouts {
        var timeouts = CatalogueService.Timeouts()
        guard var own = reader.mapping("timeouts") else { return timeouts }
        let remedy = "a time such as 500ms, 5s or 10m"
        timeouts.connect = own.value("connect", remedy, Quantity.duration) ?? timeouts.connect
        timeouts.response = own.value("response", remedy, Quantity.duration) ?? timeouts.response
        timeouts.stall = own.value("stall", remedy, Quantity.duration) ?? timeouts.stall
        timeouts.idle = own.value("idle", remedy, Quantity.duration) ?? timeouts.idle
        timeouts.total = own.value("total", remedy, Quantity.duration)
        own.finish()
        return timeouts
    }

    static func limits(_ reader: inout MappingReader) -> CatalogueService.Limits {
        var limits = CatalogueService.Limits()
        guard var own = reader.mapping("limits") else { return limits }
        let remedy = "a whole number from 1 to 1000000"
        let read: (String) -> Int? = { text in Int(text).flatMap { (1...1_000_000).contains($0) ? $0 : nil } }
        limits.requestsPerSecond = own.value("requests_per_second", remedy, read)
        limits.challengesPerSecond = own.value("challenges_per_second", remedy, read)
        own.finish()
        return limits
    }

    static func headers(_ reader: inout MappingReader, _ key: String) -> CatalogueService.HeaderRules {
        var rules = CatalogueService.HeaderRules()
        guard var own = reader.mapping(key) else { return rules }
        rules.remove = own.list("remove", "names of headers", headerName) ?? []
        if let node = own.take("set") {
            if case .mapping(let entries) = node.content {
                rules.set = entries.compactMap { setting($0, own) }
            } else {
                own.problem("set", "a mapping of header names to values is needed", at: node.mark)
            }
        }
        own.finish()
        return rules
    }

    private static func setting(_ entry: YAMLNode.Entry, _ reader: MappingReader) -> CatalogueService.HeaderSetting? {
        let key = "set.\(entry.key)"
        guard let name = headerName(entry.key) else {
            let reason = "cannot be set: it is not a header's name, or the proxy itself decides about it"
            reader.problem(key, reason, at: entry.keyMark)
            return nil
        }
        if case .mapping = entry.value.content {
            guard var own = MappingReader(entry.value, reader.path(key), reader.problems) else { return nil }
            let file = own.value("file", "the path of a file with the value") { $0.isEmpty ? nil : $0 }
            own.finish()
            if file == nil { own.problem("file", "is missing; write {file: PATH}, or the value itself") }
            return file.map { CatalogueService.HeaderSetting(name: name, value: .file($0)) }
        }
        let remedy = "a line of text, or {file: PATH}"
        return reader.scalar(entry.value, key, remedy) { text in
            text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F } ? text : nil
        }.map { CatalogueService.HeaderSetting(name: name, value: .text($0)) }
    }

    /// Headers that only the proxy may set, because they frame or authenticate messages.
    private static let reserved: Set<String> = [
        "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
        "upgrade",
        "www-authenticate", "l402-token-id", "l402-payment-hash", "l402-tier",
    ]

    private static func headerName(_ text: String) -> String? {
        let isToken =
            (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
        return isToken && !reserved.contains(text.lowercased()) ? text : nil
    }
}
