// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import L402
internal import Macaroons

/// How a service writes its tokens, in the words of 402index.io.
public enum TokenFormat: String, Sendable, Hashable, CaseIterable, Codable {
    /// A macaroon of version 2, binary, in base64.
    case v2 = "v2_tlv"
    /// A macaroon of version 1, packets, in base64.
    case v1 = "v1_binary"
    /// The packets of version 1 as text, not in base64.
    case v0 = "v0_text"
    /// A JSON object, plain or in base64, with or without a signature after a dot.
    case json
    case unknown

    /// Classifies a token's text.
    ///
    /// A macaroon counts by what a strict reader makes of it: bytes that merely begin like one are unknown.
    public init(of token: String) {
        let text = token.utf8
        guard text.count <= 16_384 else {
            self = .unknown
            return
        }
        if text.first == UInt8(ascii: "{") {
            self = JSONObject(Array(text)) == nil ? .unknown : .json
        } else if Self.isPacket(Array(text.prefix(16))) {
            self = .v0
        } else if let bytes = Base64.decodeEither(token), let format = Self.binary(bytes) {
            self = format
        } else if let head = token.split(separator: ".").first, head.count < token.count,
            let bytes = Base64.decodeEither(head), JSONObject(bytes) != nil
        {
            self = .json
        } else {
            self = .unknown
        }
    }

    private static func binary(_ bytes: [UInt8]) -> TokenFormat? {
        let limits = Macaroon.Limits(size: 16_384, caveats: 256, caveatSize: 8192)
        if (try? Macaroon(parsing: bytes, limits: limits)) != nil { return bytes.first == 2 ? .v2 : .v1 }
        return JSONObject(bytes) == nil ? nil : .json
    }

    /// Whether the bytes begin with a packet: four hexadecimal digits of length, then a field's name.
    private static func isPacket(_ bytes: [UInt8]) -> Bool {
        guard bytes.count > 8, Hex.decode(utf8: bytes.prefix(4)) != nil else { return false }
        let name = bytes.dropFirst(4)
        return name.starts(with: Array("location".utf8)) || name.starts(with: Array("identifier".utf8))
    }

    /// Whether lnget can use the token: a binary macaroon whose identifier is the L402 one of 66 bytes.
    static func hasStandardIdentifier(_ token: String) -> Bool {
        guard let bytes = Base64.decodeEither(token), let macaroon = try? Macaroon(parsing: bytes) else { return false }
        return L402Identifier(macaroon.identifier) != nil
    }
}
