// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import LightningPrimitives
public import Macaroons

/// A token as a person has it at hand: with its proof of payment or without.
public struct TokenText: Sendable, Hashable, CustomStringConvertible {
    public let macaroon: Macaroon
    /// The proof of payment, if the text holds one: a secret.
    public let preimage: Preimage?
    /// The binary format it was written in, 1 or 2.
    public let version: Int

    /// Reads a bare token (base64 or base64url), `TOKEN:PREIMAGE`, an `Authorization` value or a challenge.
    ///
    /// - Returns: `nil` when the text is none of these.
    public init?(_ text: String) {
        let text = text.trimmingBlanks()
        if case .l402(let token, _) = ChallengeReader.read([text]).first {
            self.init(token: token, preimage: nil)
            return
        }
        var words = text.split(whereSeparator: \.isWhitespace)
        while let first = words.first, ["l402", "lsat"].contains(first.lowercased()) { words.removeFirst() }
        guard words.count == 1, let word = words.first else { return nil }
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: self.init(token: String(parts[0]), preimage: nil)
        case 2:
            guard let preimage = Preimage(hex: parts[1]) else { return nil }
            self.init(token: String(parts[0]), preimage: preimage)
        default: return nil
        }
    }

    private init?(token: String, preimage: Preimage?) {
        guard let bytes = Base64.decodeEither(token), let macaroon = try? Macaroon(parsing: bytes) else { return nil }
        self.macaroon = macaroon
        self.preimage = preimage
        version = bytes.first == 2 ? 2 : 1
    }

    public var description: String { preimage == nil ? "token" : "token with its preimage" }
}

extension Macaroon {
    /// The macaroon as a token: version 2 in standard base64 with padding.
    public var token: String { Base64.encode(serialized()) }

    /// The service whose caveats the macaroon carries: the only one of its `services`, or `assay`.
    public var serviceName: String {
        let services = caveats.compactMap { caveat -> [String: Int]? in
            guard let text = caveat.text, text.hasPrefix("services="),
                case .services(let tiers) = try? CaveatValue.read("services", String(text.dropFirst(9)), service: "")
            else { return nil }
            return tiers
        }
        guard let names = services.last?.keys, names.count == 1, let name = names.first else { return "assay" }
        return name
    }
}
