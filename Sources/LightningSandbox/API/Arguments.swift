// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding

/// The arguments of a call in its path and query.
struct Arguments: Sendable {
    /// The values of the path's placeholders, decoded.
    let path: [String: String]
    /// The query's values by name, decoded; unknown names are nobody's business.
    let query: [String: [String]]

    init(path: [String: String] = [:], query: String = "") {
        self.path = path
        var values: [String: [String]] = [:]
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = Self.decode(parts[0], plusIsSpace: true)
            values[name, default: []].append(parts.count == 2 ? Self.decode(parts[1], plusIsSpace: true) : "")
        }
        self.query = values
    }

    func text(_ name: String) -> String { query[name]?.last ?? "" }

    func bool(_ name: String) throws(RPCError) -> Bool {
        switch text(name) {
        case "", "false", "0", "f", "F", "FALSE", "False": return false
        case "true", "1", "t", "T", "TRUE", "True": return true
        case let value:
            throw Self.invalid(name, "strconv.ParseBool: parsing \"\(value)\": invalid syntax")
        }
    }

    func number<Number: FixedWidthInteger>(_ name: String, as type: Number.Type = Number.self) throws(RPCError)
        -> Number
    {
        let value = text(name)
        guard !value.isEmpty else { return 0 }
        guard let number = Number(value) else {
            let function = Number.isSigned ? "ParseInt" : "ParseUint"
            throw Self.invalid(name, "strconv.\(function): parsing \"\(value)\": invalid syntax")
        }
        return number
    }

    func double(_ name: String) throws(RPCError) -> Double {
        let value = text(name)
        guard !value.isEmpty else { return 0 }
        guard let number = Double(value) else {
            throw Self.invalid(name, "strconv.ParseFloat: parsing \"\(value)\": invalid syntax")
        }
        return number
    }

    /// Padded base64 of either alphabet; `nil` when absent.
    func bytes(_ name: String) throws(RPCError) -> [UInt8]? {
        guard let value = query[name]?.last else { return nil }
        guard let bytes = Self.paddedBase64(value) else {
            throw Self.invalid(name, "illegal base64 data at input byte \(value.utf8.count)")
        }
        return bytes
    }

    func pathNumber(_ name: String) throws(RPCError) -> UInt64 {
        let value = path[name] ?? ""
        guard let number = UInt64(value) else {
            throw Self.mismatch(name, "strconv.ParseUint: parsing \"\(value)\": invalid syntax")
        }
        return number
    }

    func pathBytes(_ name: String) throws(RPCError) -> [UInt8] {
        let value = path[name] ?? ""
        guard let bytes = Self.paddedBase64(value) else {
            throw Self.mismatch(name, "illegal base64 data at input byte \(value.utf8.count)")
        }
        return bytes
    }

    /// Padding is required, as in LND's REST proxy, though both alphabets are taken.
    static func paddedBase64(_ text: String) -> [UInt8]? {
        guard text.utf8.count % 4 == 0 else { return nil }
        return Base64.decodeEither(text)
    }

    /// Decodes percent escapes; a broken one stays as it is.
    static func decode(_ text: some StringProtocol, plusIsSpace: Bool) -> String {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            let isEscape = byte == UInt8(ascii: "%") && index + 2 < bytes.count
            if isEscape, let value = Hex.decode(utf8: bytes[index + 1...index + 2]) {
                out += value
                index += 3
            } else {
                out.append(byte == UInt8(ascii: "+") && plusIsSpace ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func invalid(_ name: String, _ reason: String) -> RPCError {
        RPCError("parsing field \"\(name)\": \(reason)", code: .invalidArgument)
    }

    private static func mismatch(_ name: String, _ reason: String) -> RPCError {
        RPCError("type mismatch, parameter: \(name), error: \(reason)", code: .invalidArgument)
    }
}
