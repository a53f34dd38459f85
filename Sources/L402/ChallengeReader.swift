// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// One challenge of another server's `WWW-Authenticate` lines.
public enum OfferedChallenge: Sendable, Hashable {
    /// L402 (or its older name LSAT): the token's text as sent, and the BOLT 11 invoice.
    case l402(token: String, invoice: String)
    /// The Payment scheme, with its parameters by lower-case name.
    case payment([String: String])
}

/// Reads `WWW-Authenticate` lines (RFC 9110 section 11.6.1), tolerating what real L402 servers send.
public enum ChallengeReader {
    /// Returns the challenges that can be paid, in order, equal ones once; broken and foreign ones are left out.
    public static func read(_ lines: [String]) -> [OfferedChallenge] {
        var found: [OfferedChallenge] = []
        for challenge in lines.flatMap(challenges(in:)) {
            guard let offer = offer(challenge), !found.contains(offer) else { continue }
            found.append(offer)
        }
        return found
    }

    private struct RawChallenge {
        var scheme: String
        var parameters: [String: String] = [:]
        var isBroken = false
    }

    private static func offer(_ challenge: RawChallenge) -> OfferedChallenge? {
        guard !challenge.isBroken else { return nil }
        switch challenge.scheme {
        case "l402", "lsat":
            guard let token = challenge.parameters["macaroon"] ?? challenge.parameters["token"],
                let invoice = challenge.parameters["invoice"]
            else { return nil }
            return .l402(token: token, invoice: invoice)
        case "payment": return .payment(challenge.parameters)
        default: return nil
        }
    }

    private static func challenges(in line: String) -> [RawChallenge] {
        var scanner = Scanner(text: Array(line.unicodeScalars))
        var found: [RawChallenge] = []
        while let word = scanner.word() {
            guard scanner.skipEquals() else {
                found.append(RawChallenge(scheme: word.lowercased()))
                continue
            }
            guard let value = scanner.value() else {
                if !found.isEmpty { found[found.count - 1].isBroken = true }
                break
            }
            // A value whose name is missing belongs to nothing.
            guard !found.isEmpty, !word.isEmpty else { continue }
            let name = word.lowercased()
            if found[found.count - 1].parameters[name] == nil { found[found.count - 1].parameters[name] = value }
        }
        return found
    }

    private struct Scanner {
        let text: [Unicode.Scalar]
        var position = 0

        private var current: Unicode.Scalar? { position < text.count ? text[position] : nil }

        private mutating func skip(_ isSkipped: (Unicode.Scalar) -> Bool) {
            while let scalar = current, isSkipped(scalar) { position += 1 }
        }

        private mutating func take(while isTaken: (Unicode.Scalar) -> Bool) -> String {
            var taken = String.UnicodeScalarView()
            while let scalar = current, isTaken(scalar) {
                taken.append(scalar)
                position += 1
            }
            return String(taken)
        }

        /// The next scheme or parameter name, after blanks and commas.
        mutating func word() -> String? {
            skip { $0 == " " || $0 == "\t" || $0 == "," }
            let word = take { $0 != " " && $0 != "\t" && $0 != "," && $0 != "=" }
            if word.isEmpty, current == "=" { position += 1 }
            return word.isEmpty && current == nil ? nil : word
        }

        /// Whether an equals sign follows, with blanks around it or not; consumed when it does.
        mutating func skipEquals() -> Bool {
            let start = position
            skip { $0 == " " || $0 == "\t" }
            guard current == "=" else {
                position = start
                return false
            }
            position += 1
            skip { $0 == " " || $0 == "\t" }
            return true
        }

        /// A quoted-string or a run up to the next comma or blank; `nil` when the quote does not end.
        mutating func value() -> String? {
            guard current == "\"" else { return take { $0 != "," && $0 != " " && $0 != "\t" } }
            position += 1
            var value = String.UnicodeScalarView()
            while let scalar = current {
                position += 1
                switch scalar {
                case "\"": return String(value)
                case "\\":
                    guard let escaped = current else { return nil }
                    value.append(escaped)
                    position += 1
                default: value.append(scalar)
                }
            }
            return nil
        }
    }
}
