// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// Writers of PostgreSQL's binary formats.
extension PostgresValue {
    /// The type the value is sent as.
    var type: PostgresType {
        switch self {
        case .null: .inferred
        case .bool: .bool
        case .int2: .int2
        case .int4: .int4
        case .int8: .int8
        case .float8: .float8
        case .text: .text
        case .bytea: .bytea
        case .jsonb: .jsonb
        case .timestamptz: .timestamptz
        case .boolArray: .boolArray
        case .int2Array: .int2Array
        case .int4Array, .optionalInt4Array: .int4Array
        case .int8Array, .optionalInt8Array: .int8Array
        case .float8Array, .optionalFloat8Array: .float8Array
        case .textArray, .optionalTextArray: .textArray
        case .byteaArray, .optionalByteaArray: .byteaArray
        case .timestamptzArray: .timestamptzArray
        }
    }

    /// Appends the value's bytes without a length; `.null` has none.
    func write(to bytes: inout [UInt8]) {
        switch self {
        case .null: break
        case .bool(let value): bytes.append(value ? 1 : 0)
        case .int2(let value): bytes.appendBigEndian(value)
        case .int4(let value): bytes.appendBigEndian(value)
        case .int8(let value): bytes.appendBigEndian(value)
        case .float8(let value): bytes.appendBigEndian(value.bitPattern)
        case .text(let value): bytes.append(contentsOf: value.utf8)
        case .bytea(let value): bytes.append(contentsOf: value)
        case .jsonb(let value):
            bytes.append(1)
            bytes.append(contentsOf: value.utf8)
        case .timestamptz(let value): bytes.appendBigEndian(PostgresTimestamp.microseconds(of: value))
        case .boolArray(let values): bytes.appendArray(of: .bool, values) { $1.append($0 ? 1 : 0) }
        case .int2Array(let values): bytes.appendArray(of: .int2, values) { $1.appendBigEndian($0) }
        case .int4Array(let values): bytes.appendArray(of: .int4, values) { $1.appendBigEndian($0) }
        case .int8Array(let values): bytes.appendArray(of: .int8, values) { $1.appendBigEndian($0) }
        case .float8Array(let values): bytes.appendArray(of: .float8, values) { $1.appendBigEndian($0.bitPattern) }
        case .textArray(let values): bytes.appendArray(of: .text, values) { $1.append(contentsOf: $0.utf8) }
        case .byteaArray(let values): bytes.appendArray(of: .bytea, values) { $1.append(contentsOf: $0) }
        case .timestamptzArray(let values):
            bytes.appendArray(of: .timestamptz, values) { $1.appendBigEndian(PostgresTimestamp.microseconds(of: $0)) }
        case .optionalInt4Array(let values): bytes.appendArray(of: .int4, values) { $1.appendBigEndian($0) }
        case .optionalInt8Array(let values): bytes.appendArray(of: .int8, values) { $1.appendBigEndian($0) }
        case .optionalFloat8Array(let values):
            bytes.appendArray(of: .float8, values) { $1.appendBigEndian($0.bitPattern) }
        case .optionalTextArray(let values): bytes.appendArray(of: .text, values) { $1.append(contentsOf: $0.utf8) }
        case .optionalByteaArray(let values): bytes.appendArray(of: .bytea, values) { $1.append(contentsOf: $0) }
        }
    }
}

extension [UInt8] {
    mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    /// Appends the value behind its length, the form of array elements and of COPY fields; -1 stands for NULL.
    mutating func appendField(_ value: PostgresValue) {
        guard value != .null else { return appendBigEndian(Int32(-1)) }
        appendMeasured { bytes in value.write(to: &bytes) }
    }

    fileprivate mutating func appendArray<Item>(
        of type: PostgresType,
        _ elements: [Item?],
        _ write: (Item, inout [UInt8]) -> Void
    ) {
        appendBigEndian(Int32(elements.isEmpty ? 0 : 1))
        appendBigEndian(Int32(elements.contains { $0 == nil } ? 1 : 0))
        appendBigEndian(type.oid)
        guard !elements.isEmpty else { return }
        appendBigEndian(Int32(elements.count))
        appendBigEndian(Int32(1))
        for element in elements {
            if let element {
                appendMeasured { bytes in write(element, &bytes) }
            } else {
                appendBigEndian(Int32(-1))
            }
        }
    }

    fileprivate mutating func appendArray<Item>(
        of type: PostgresType,
        _ elements: [Item],
        _ write: (Item, inout [UInt8]) -> Void
    ) {
        appendBigEndian(Int32(elements.isEmpty ? 0 : 1))
        appendBigEndian(Int32(0))
        appendBigEndian(type.oid)
        guard !elements.isEmpty else { return }
        appendBigEndian(Int32(elements.count))
        appendBigEndian(Int32(1))
        for element in elements { appendMeasured { bytes in write(element, &bytes) } }
    }

    /// Appends what `write` appends, with its length in front.
    private mutating func appendMeasured(_ write: (inout [UInt8]) -> Void) {
        let start = count
        appendBigEndian(Int32(0))
        write(&self)
        let length = UInt32(count - start - 4)
        for index in 0..<4 { self[start + index] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * index)) }
    }
}
