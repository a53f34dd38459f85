// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// Version 2 of the binary format: 0x02, then sections of (type, LEB128 length, bytes) fields, each ended by 0x00.

private enum Field: UInt8 {
    case end = 0
    case location = 1
    case identifier = 2
    case verificationID = 4
    case signature = 6
}

extension Macaroon {
    /// The macaroon in version 2 binary form.
    public func serialized() -> [UInt8] {
        var out: [UInt8] = [2]
        if !location.isEmpty { Self.append(.location, Array(location.utf8), to: &out) }
        Self.append(.identifier, identifier, to: &out)
        out.append(Field.end.rawValue)
        for caveat in caveats {
            if let location = caveat.location { Self.append(.location, Array(location.utf8), to: &out) }
            Self.append(.identifier, caveat.identifier, to: &out)
            if let verificationID = caveat.verificationID { Self.append(.verificationID, verificationID, to: &out) }
            out.append(Field.end.rawValue)
        }
        out.append(Field.end.rawValue)
        Self.append(.signature, signature, to: &out)
        return out
    }

    private static func append(_ field: Field, _ bytes: [UInt8], to out: inout [UInt8]) {
        out.append(field.rawValue)
        var length = bytes.count
        while length >= 0x80 {
            out.append(UInt8(length & 0x7F) | 0x80)
            length >>= 7
        }
        out.append(UInt8(length))
        out.append(contentsOf: bytes)
    }

    static func parseV2(_ bytes: [UInt8], limits: Limits) throws(MacaroonError) -> Macaroon {
        var reader = SectionReader(bytes: bytes, position: 1)
        let header = try reader.section()
        guard header.verificationID == nil, let identifier = header.identifier else {
            throw MacaroonError(.unexpectedField, "the first section holds a location and an identifier")
        }
        guard header.location?.isEmpty != true else {
            throw MacaroonError(.unexpectedField, "an empty location is left out")
        }
        var caveats: [Caveat] = []
        while try !reader.atSectionEnd() {
            let section = try reader.section()
            guard let id = section.identifier else { throw MacaroonError(.unexpectedField, "a caveat without id") }
            guard section.verificationID != nil || section.location == nil else {
                throw MacaroonError(.unexpectedField, "a location inside a first-party caveat")
            }
            caveats.append(
                Caveat(
                    identifier: id,
                    location: try section.location.map { bytes throws(MacaroonError) in try text(bytes, "a location") },
                    verificationID: section.verificationID
                )
            )
        }
        let signature = try reader.signature()
        try check(caveats: caveats, limits: limits)
        return Macaroon(
            location: try text(header.location ?? [], "the location"),
            identifier: identifier,
            caveats: caveats,
            signature: signature
        )
    }
}

private struct Section {
    var location: [UInt8]?
    var identifier: [UInt8]?
    var verificationID: [UInt8]?
}

private struct SectionReader {
    let bytes: [UInt8]
    var position: Int

    mutating func byte() throws(MacaroonError) -> UInt8 {
        guard position < bytes.count else { throw MacaroonError(.truncated, "at byte \(position)") }
        defer { position += 1 }
        return bytes[position]
    }

    /// An unsigned LEB128 number in its shortest form.
    mutating func length() throws(MacaroonError) -> Int {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 35, by: 7) {
            let next = try byte()
            value |= UInt64(next & 0x7F) << UInt64(shift)
            guard next & 0x80 == 0 else { continue }
            guard shift == 0 || next != 0 else { throw MacaroonError(.badLength, "not in the shortest form") }
            return Int(value)
        }
        throw MacaroonError(.badLength, "more than five bytes at byte \(position)")
    }

    mutating func value() throws(MacaroonError) -> [UInt8] {
        let count = try length()
        guard count <= bytes.count - position else { throw MacaroonError(.truncated, "a field of \(count) bytes") }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    /// Reads fields with strictly ascending types up to the end mark.
    mutating func section() throws(MacaroonError) -> Section {
        var section = Section()
        var previous: UInt8 = 0
        while true {
            let type = try byte()
            guard type != Field.end.rawValue else { return section }
            guard type > previous else { throw MacaroonError(.unexpectedField, "type \(type) after \(previous)") }
            previous = type
            switch Field(rawValue: type) {
            case .location: section.location = try value()
            case .identifier: section.identifier = try value()
            case .verificationID: section.verificationID = try value()
            case .end, .signature, nil: throw MacaroonError(.unexpectedField, "type \(type) in a section")
            }
        }
    }

    /// Consumes the mark that ends the caveats, if it is next.
    mutating func atSectionEnd() throws(MacaroonError) -> Bool {
        guard position < bytes.count else { throw MacaroonError(.truncated, "at byte \(position)") }
        guard bytes[position] == Field.end.rawValue else { return false }
        position += 1
        return true
    }

    mutating func signature() throws(MacaroonError) -> [UInt8] {
        guard try byte() == Field.signature.rawValue else {
            throw MacaroonError(.unexpectedField, "a signature must follow the caveats")
        }
        let signature = try value()
        guard signature.count == 32 else { throw MacaroonError(.badSignatureLength, "\(signature.count) bytes") }
        guard position == bytes.count else { throw MacaroonError(.trailingBytes, "after byte \(position)") }
        return signature
    }
}
