// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Where a scan stands inside one JSON value.
struct Nesting: Sendable {
    private var depth = 0
    private var inString = false
    private var escaped = false

    /// Scans on until the value ends or the chunk does.
    ///
    /// The first byte of a value must be a brace, a bracket or a quote.
    /// - Returns: whether the value ended, `position` then being one behind it.
    mutating func scan(_ chunk: UnsafeRawBufferPointer, from position: inout Int) -> Bool {
        // Locals, because the loop visits every byte of a graph of 60 MB.
        var depth = depth
        var inString = inString
        var escaped = escaped
        var index = position
        defer {
            self.depth = depth
            self.inString = inString
            self.escaped = escaped
            position = index
        }
        while index < chunk.count {
            let byte = chunk[index]
            index += 1
            if inString {
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                    if depth == 0 { return true }
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { return true }
            default: break
            }
        }
        return false
    }
}
