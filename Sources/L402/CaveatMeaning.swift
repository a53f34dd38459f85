// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FoundationEssentials
internal import Macaroons

extension CaveatValue {
    /// What the value allows, for a person to read.
    var meaning: String {
        switch self {
        case .services(let tiers):
            let names = tiers.sorted { $0.key < $1.key }.map { "\($0.key) up to tier \($0.value)" }
            return "only for " + names.joined(separator: ", ")
        case .capabilities(let names):
            return names.isEmpty ? "for nothing at all" : "only for the capabilities " + Self.list(names)
        case .validUntil(let milliseconds):
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
            // Beyond the years that RFC 3339 can write the number says more than a date.
            guard (0..<253_402_300_800_000).contains(milliseconds) else { return "until \(milliseconds) ms" }
            return "until \(date.formatted(.iso8601))"
        case .methods(let names): return "only with \(Self.list(names))"
        case .pathPrefix(let segments): return "only at or under /\(segments.joined(separator: "/"))"
        case .uses(let count): return "at most \(count) requests, those of tokens narrowed from here included"
        case .sats(let count): return "at most \(count) sat, those of tokens narrowed from here included"
        case .network(let network): return "only from \(network)"
        }
    }

    private static func list(_ names: Set<String>) -> String { names.sorted().joined(separator: ", ") }
}

extension Caveat {
    /// The caveat for a terminal: control and format characters escaped, bytes that are no text in hexadecimal, and a
    /// preimage, which some clients carry in a caveat, left out.
    var printable: String {
        guard let text else { return "0x" + Hex.encode(identifier) }
        if text.trimmingBlanks().hasPrefix("preimage") { return "preimage=[redacted]" }
        return text.unicodeScalars.map { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
                "\\u{\(String(scalar.value, radix: 16))}"
            default: String(scalar)
            }
        }
        .joined()
    }
}
