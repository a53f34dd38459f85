// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The parameters of one call, encoded by the caller so that the connections' thread only points at them.
struct EncodedParameters: Sendable {
    private(set) var types: [PostgresType] = []
    /// Offset and length of each parameter in `bytes`; a negative length stands for NULL.
    private(set) var spans: [(offset: Int, length: Int32)] = []
    private(set) var bytes: [UInt8] = []

    /// libpq counts parameters in 16 bits.
    static let limit = 65_535

    /// No parameters.
    init() {}

    init(_ values: [PostgresValue]) throws(PostgresError) {
        guard values.count <= Self.limit else {
            throw PostgresError(.malformed, "\(values.count) parameters, at most \(Self.limit) are possible")
        }
        types.reserveCapacity(values.count)
        spans.reserveCapacity(values.count)
        for value in values {
            let start = bytes.count
            value.write(to: &bytes)
            guard let length = Int32(exactly: bytes.count - start) else {
                throw PostgresError(.malformed, "a parameter of \(bytes.count - start) bytes")
            }
            types.append(value.type)
            spans.append((start, value == .null ? -1 : length))
        }
    }

    /// Calls `body` with what `PQsendQueryPrepared` wants: values, lengths and formats (all binary).
    func withPointers<Value>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Value
    ) -> Value {
        let count = spans.count
        guard count > 0 else { return body(nil, nil, nil) }
        return withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) { values in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * count) { numbers in
                // One byte more, so that an empty value has an address too: a null pointer would mean NULL.
                withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1) { empty in
                    empty.initialize(repeating: 0)
                    return bytes.withUnsafeBytes { raw in
                        let base = raw.baseAddress?.assumingMemoryBound(to: CChar.self)
                        for (index, span) in spans.enumerated() {
                            let start =
                                span.length == 0 ? UnsafePointer(empty.baseAddress) : base.map { $0 + span.offset }
                            values.initializeElement(at: index, to: span.length < 0 ? nil : start)
                            numbers.initializeElement(at: index, to: max(0, span.length))
                            numbers.initializeElement(at: count + index, to: 1)
                        }
                        let lengths = numbers.baseAddress.map { UnsafePointer($0) }
                        return body(
                            values.baseAddress.map { UnsafePointer($0) },
                            lengths,
                            lengths.map { $0 + count }
                        )
                    }
                }
            }
        }
    }
}
