// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Foundation

/// The public half of a server's long-term key as text: base64, as Roughtime server lists have it, or 64 hex digits.
public enum LongTermPublicKey {
    /// The text for people and lists.
    public static func text(of key: [UInt8]) -> String { Data(key).base64EncodedString() }

    /// Reads a text.
    /// - Returns: 32 bytes.
    public static func parse(_ text: String) throws(RoughtimeKeyError) -> [UInt8] {
        if text.utf8.count == 64, let bytes = Hex.decode(text) { return bytes }
        guard let data = Data(base64Encoded: text), data.count == 32, data.base64EncodedString() == text else {
            throw RoughtimeKeyError(.malformed, "a long-term public key is 32 bytes in base64 or 64 hexadecimal digits")
        }
        return Array(data)
    }

    /// Reads a file of one line.
    public static func read(_ path: String) throws(RoughtimeKeyError) -> [UInt8] {
        do {
            return try parse(try BackupKey.line(of: path))
        } catch  where error.code == .malformed {
            throw RoughtimeKeyError(.malformed, "\(path): \(error)")
        }
    }
}
