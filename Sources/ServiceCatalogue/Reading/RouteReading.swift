// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import YAML

/// Reads one route.
enum RouteReading {
    static func route(_ node: YAMLNode, _ place: String, _ problems: ProblemList) -> CatalogueRoute? {
        guard var reader = MappingReader(node, place, problems) else { return nil }
        let pattern = path(&reader)
        let methods = methods(&reader)
        let price = price(&reader)
        let capability = reader.value("capability", "a word of a-z, 0-9, '.', '_' and '-', at most 64", capabilityName)
        let tier = reader.value("tier", "a whole number from 0 to 255") { text in UInt8(text).map(Int.init) } ?? 0
        let auth = reader.value("auth", "on, off or shadow", CatalogueRoute.Auth.init(rawValue:)) ?? .on
        let schemes = reader.list("schemes", "l402, payment or both", CatalogueRoute.Scheme.init(rawValue:))
        let requests = reader.value("requests_per_invoice", "a whole number from 1 to 1000000", requestCount) ?? 1
        let free = reader.value("free_per_day", "a whole number from 0 to 1000000000", ServiceReading.dayCount)
        reader.finish()
        guard let pattern, let price else { return nil }
        if price.isFree, auth == .shadow {
            reader.problem("auth", "shadow needs a price; this route is free")
        }
        return CatalogueRoute(
            pattern: pattern,
            methods: methods,
            price: price,
            capability: capability ?? defaultCapability(pattern),
            tier: tier,
            auth: auth,
            schemes: Set(schemes ?? CatalogueRoute.Scheme.allCases),
            requestsPerInvoice: requests,
            freePerDay: free,
            mark: node.mark
        )
    }

    private static func path(_ reader: inout MappingReader) -> RoutePattern? {
        let remedy = "write the path, such as /v1/forecast/{city} or /files/**"
        guard let node = reader.require("path", remedy) else { return nil }
        guard let text = reader.scalar(node, "path", remedy, { $0 }) else { return nil }
        do {
            return try RoutePattern(text)
        } catch {
            reader.problem("path", "'\(text.prefix(64))' is not a path: \(error.reason)", at: node.mark)
            return nil
        }
    }

    private static func methods(_ reader: inout MappingReader) -> CatalogueRoute.Methods {
        let remedy = "methods in upper case, such as [GET, POST], or ['*'] for all"
        let names = reader.list("methods", remedy) { text in
            let isMethod =
                text == "*"
                || (1...24).contains(text.utf8.count)
                    && text.utf8.allSatisfy {
                        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || $0 == UInt8(ascii: "-")
                    }
            return isMethod && text != "CONNECT" && text != "TRACE" ? text : nil
        }
        guard let names, !names.isEmpty else { return .only(["GET"]) }
        return names.contains("*") ? .any : .only(names)
    }

    private static let priceRemedy =
        "a price such as 2sat, 1500msat or 0, or {base: 1sat, per_kib: 100msat, max: 500sat}"

    private static func price(_ reader: inout MappingReader) -> RoutePrice? {
        guard let node = reader.require("price", "write \(priceRemedy)") else { return nil }
        guard case .mapping = node.content else {
            return reader.scalar(node, "price", priceRemedy, Quantity.price).map { .fixed($0) }
        }
        guard var own = MappingReader(node, reader.path("price"), reader.problems) else { return nil }
        let remedy = "an amount such as 2sat or 1500msat"
        let base = own.value("base", remedy, Quantity.price) ?? .zero
        let perKiB = own.require("per_kib", "write \(remedy)").flatMap {
            own.scalar($0, "per_kib", remedy, Quantity.price)
        }
        let least = own.value("min", remedy, Quantity.price) ?? .zero
        let most = own.value("max", remedy, Quantity.price)
        own.finish()
        if let most, most < least { own.problem("max", "is less than min; exchange them") }
        return perKiB.map { .sized(SizedPrice(base: base, perKiB: $0, least: least, most: most)) }
    }

    private static func requestCount(_ text: String) -> Int64? {
        Int64(text).flatMap { (1...1_000_000).contains($0) ? $0 : nil }
    }

    private static func capabilityName(_ text: String) -> String? {
        (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(isCapabilityByte) ? text : nil
    }

    private static func isCapabilityByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// The literal segments, joined; `root` when there are none.
    private static func defaultCapability(_ pattern: RoutePattern) -> String {
        let words = pattern.segments.compactMap { segment -> String? in
            guard case .literal(let text) = segment else { return nil }
            return String(text.lowercased().utf8.map { isCapabilityByte($0) ? Character(Unicode.Scalar($0)) : "-" })
        }
        let joined = String(words.joined(separator: "-").prefix(64))
        return joined.isEmpty ? "root" : joined
    }
}
