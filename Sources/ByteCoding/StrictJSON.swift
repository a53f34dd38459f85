// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Keeps away what readers of JSON take silently and differently.
public enum StrictJSON {
    /// Whether no object has two members of one name, no name has an escape, and no comma stands before a bracket's end.
    ///
    /// Looks at nothing else: what is no JSON, the reader that follows refuses. That one reads UTF-16 and UTF-32, too,
    /// which would pass by what is looked at here; there every bracket has a zero beside it.
    public static func isStrict(_ bytes: [UInt8]) -> Bool {
        guard !bytes.contains(0) else { return false }
        // For each open bracket the names so far, or nil in an array.
        var open: [Set<ArraySlice<UInt8>>?] = []
        var expectsName = false
        var isAfterComma = false
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "{"):
                open.append([])
                expectsName = true
            case UInt8(ascii: "["):
                open.append(nil)
                expectsName = false
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if isAfterComma { return false }
                _ = open.popLast()
                expectsName = false
            case UInt8(ascii: ","): expectsName = open.last.map { $0 != nil } ?? false
            case UInt8(ascii: "\""):
                guard let end = endOfText(bytes, from: index + 1) else { return true }
                if expectsName, !open.isEmpty {
                    let name = bytes[(index + 1)..<end]
                    guard !name.contains(UInt8(ascii: "\\")),
                        open[open.count - 1]?.insert(name).inserted ?? true
                    else { return false }
                    expectsName = false
                }
                index = end
            default: break
            }
            if byte > 0x20 { isAfterComma = byte == UInt8(ascii: ",") }
            index += 1
        }
        return true
    }

    private static func endOfText(_ bytes: [UInt8], from start: Int) -> Int? {
        var index = start
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\\"): index += 2
            case UInt8(ascii: "\""): return index
            default: index += 1
            }
        }
        return nil
    }
}
