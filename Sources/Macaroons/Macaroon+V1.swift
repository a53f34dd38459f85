// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// Version 1 of the binary format: packets of four lower-case hexadecimal digits of total length, key, space, value,
// newline. Read, because LND and Aperture read it; never minted.

extension Macaroon {
    static func parseV1(_ bytes: [UInt8], limits: Limits) throws(MacaroonError) -> Macaroon {
        var reader = PacketReader(bytes: bytes)
        let location = try reader.packet(key: "location")
        let identifier = try reader.packet(key: "identifier")
        var caveats: [Caveat] = []
        while true {
            let (key, value) = try reader.packet()
            switch key {
            case "cid": caveats.append(Caveat(identifier: value))
            case "vid":
                guard let caveat = caveats.popLast(), caveat.verificationID == nil else {
                    throw MacaroonError(.unexpectedField, "a vid without its cid")
                }
                caveats.append(Caveat(identifier: caveat.identifier, location: nil, verificationID: value))
            case "cl":
                guard let caveat = caveats.popLast(), let vid = caveat.verificationID, caveat.location == nil else {
                    throw MacaroonError(.unexpectedField, "a cl without its vid")
                }
                let place = try text(value, "a location")
                caveats.append(Caveat(identifier: caveat.identifier, location: place, verificationID: vid))
            case "signature":
                guard value.count == 32 else { throw MacaroonError(.badSignatureLength, "\(value.count) bytes") }
                guard reader.isAtEnd else { throw MacaroonError(.trailingBytes, "after the signature") }
                try check(caveats: caveats, limits: limits)
                return Macaroon(
                    location: try text(location, "the location"),
                    identifier: identifier,
                    caveats: caveats,
                    signature: value
                )
            default: throw MacaroonError(.unexpectedField, "an unknown packet")
            }
        }
    }
}

private struct PacketReader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func packet(key: String) throws(MacaroonError) -> [UInt8] {
        let (found, value) = try packet()
        guard found == key else { throw MacaroonError(.unexpectedField, "\(key) expected") }
        return value
    }

    mutating func packet() throws(MacaroonError) -> (key: String, value: [UInt8]) {
        guard bytes.count - position >= 4 else { throw MacaroonError(.truncated, "at byte \(position)") }
        var length = 0
        for digit in bytes[position..<position + 4] {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): length = length << 4 | Int(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): length = length << 4 | Int(digit - UInt8(ascii: "a") + 10)
            default: throw MacaroonError(.badLength, "not four lower-case hexadecimal digits")
            }
        }
        // Shortest packet: length, one-letter key, space, newline.
        guard length >= 7 else { throw MacaroonError(.badLength, "\(length) bytes") }
        guard length <= bytes.count - position else { throw MacaroonError(.truncated, "a packet of \(length) bytes") }
        let body = bytes[position + 4..<position + length - 1]
        guard bytes[position + length - 1] == UInt8(ascii: "\n"), let space = body.firstIndex(of: UInt8(ascii: " "))
        else { throw MacaroonError(.unexpectedField, "a packet is key, space, value, newline") }
        position += length
        return (String(decoding: body[..<space], as: UTF8.self), Array(body[(space + 1)...]))
    }
}
