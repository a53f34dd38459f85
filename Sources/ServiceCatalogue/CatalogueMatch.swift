// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What a catalogue says about a request.
public enum CatalogueMatch: Sendable {
    /// No service answers.
    case none
    /// The path cannot be read in one way only: 400.
    case badPath
    /// 405 with these methods.
    case methodNotAllowed(allow: [String])
    case found(Finding)

    /// The route that answers a request.
    public struct Finding: Sendable {
        public let service: CatalogueService
        public let route: CatalogueRoute
        /// The path for the backend, percent-encoded: its own prefix, and the request's path without the stripped one.
        ///
        /// Made of the segments that were matched, so that the backend serves what was paid for.
        public let forwardedPath: String

        init(_ entry: Catalogue.Entry, segments: [String], path: String) {
            service = entry.service
            route = entry.route
            let rest = segments.dropFirst(service.strippedPrefix.count)
            let slash = path.hasSuffix("/") && !rest.isEmpty ? "/" : ""
            let own = service.backend.path
            let tail = rest.map(Self.encoded).joined(separator: "/") + slash
            forwardedPath = tail.isEmpty && !own.isEmpty ? own : "\(own)/\(tail)"
        }

        /// What revenue and free requests are booked under: unique over all services.
        public var account: String { "\(service.name)/\(route.capability)" }

        /// How many requests a day are free, and what they are counted under.
        public var freeAllowance: (limit: Int, account: String)? {
            if let own = route.freePerDay { return own > 0 ? (own, account) : nil }
            return service.freePerDay > 0 ? (service.freePerDay, service.name) : nil
        }

        /// Encodes a segment (RFC 3986 `pchar`); `;` too, because some servers cut path parameters off.
        private static func encoded(_ segment: String) -> String {
            var text = ""
            for byte in segment.utf8 {
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    text.unicodeScalars.append(Unicode.Scalar(byte))
                default:
                    let scalar = Unicode.Scalar(byte)
                    if "-._~!$&'()*+,=:@".unicodeScalars.contains(scalar) {
                        text.unicodeScalars.append(scalar)
                    } else {
                        let hex = String(byte, radix: 16, uppercase: true)
                        text += hex.count == 1 ? "%0\(hex)" : "%\(hex)"
                    }
                }
            }
            return text
        }
    }
}
