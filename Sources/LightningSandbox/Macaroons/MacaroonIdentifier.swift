// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding

/// The identifier inside LND's macaroons: which root key, and what is allowed.
///
/// The byte 3 (the bakery's version), then a protobuf message: nonce (1), storage id (2), operations (3), each of an
/// entity (1) and actions (2). All fields are length-delimited.
struct MacaroonIdentifier: Sendable, Hashable {
    private static let version: UInt8 = 3

    /// 16 random bytes that make every baking unique.
    let nonce: [UInt8]
    let rootKeyID: UInt64
    let permissions: [Permission]

    init(nonce: [UInt8], rootKeyID: UInt64, permissions: [Permission]) {
        self.nonce = nonce
        self.rootKeyID = rootKeyID
        self.permissions = permissions
    }

    /// Reads an identifier, or returns `nil` when it is not one of LND's.
    init?(_ bytes: [UInt8]) {
        guard bytes.first == Self.version, let fields = Self.fields(bytes.dropFirst()) else { return nil }
        var nonce: [UInt8] = []
        var rootKeyID: UInt64?
        var permissions: [Permission] = []
        for (number, content) in fields {
            switch number {
            case 1: nonce = Array(content)
            case 2: rootKeyID = UInt64(String(decoding: content, as: UTF8.self))
            case 3:
                guard let operation = Self.operation(content) else { return nil }
                permissions += operation
            default: continue
            }
        }
        guard let rootKeyID else { return nil }
        self.init(nonce: nonce, rootKeyID: rootKeyID, permissions: permissions)
    }

    var bytes: [UInt8] {
        var out = [Self.version]
        Self.append(field: 1, nonce, to: &out)
        Self.append(field: 2, Array(String(rootKeyID).utf8), to: &out)
        for (entity, actions) in grouped {
            var operation: [UInt8] = []
            Self.append(field: 1, Array(entity.utf8), to: &operation)
            for action in actions { Self.append(field: 2, Array(action.utf8), to: &operation) }
            Self.append(field: 3, operation, to: &out)
        }
        return out
    }

    /// Entities in ascending order, each with its actions in ascending order and once.
    private var grouped: [(String, [String])] {
        Dictionary(grouping: permissions, by: \.entity)
            .map { ($0.key, Set($0.value.map(\.action)).sorted()) }
            .sorted { $0.0 < $1.0 }
    }

    private static func operation(_ bytes: ArraySlice<UInt8>) -> [Permission]? {
        guard let fields = fields(bytes) else { return nil }
        let entities = fields.filter { $0.0 == 1 }
        let entity = entities.map { String(decoding: $0.1, as: UTF8.self) }.joined()
        return fields.filter { $0.0 == 2 }.map { Permission(entity, String(decoding: $0.1, as: UTF8.self)) }
    }

    private static func append(field number: UInt64, _ content: [UInt8], to out: inout [UInt8]) {
        append(number << 3 | 2, to: &out)
        append(UInt64(content.count), to: &out)
        out += content
    }

    private static func append(_ varint: UInt64, to out: inout [UInt8]) {
        var rest = varint
        while rest >= 0x80 {
            out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        out.append(UInt8(rest))
    }

    private static func fields(_ bytes: ArraySlice<UInt8>) -> [(UInt64, ArraySlice<UInt8>)]? {
        var rest = bytes
        var fields: [(UInt64, ArraySlice<UInt8>)] = []
        while !rest.isEmpty {
            guard let tag = varint(&rest), tag & 7 == 2, let length = varint(&rest), length <= UInt64(rest.count)
            else { return nil }
            fields.append((tag >> 3, rest.prefix(Int(length))))
            rest = rest.dropFirst(Int(length))
        }
        return fields
    }

    private static func varint(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            guard shift < 63 || byte <= 1 else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}
