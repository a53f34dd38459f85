// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The twelve bytes before a message in all versions but Google's: `ROUGHTIM` and the length (RFC 10049, section 5).
public enum Frame {
    /// `ROUGHTIM`, read as a little-endian integer.
    public static let magic: UInt64 = 0x4d49_5448_4755_4f52
    public static let headerLength = 12

    /// The packet that carries a message.
    public static func wrap(_ message: [UInt8]) -> [UInt8] {
        var packet = [UInt8](littleEndian: magic)
        packet.append(littleEndian: UInt32(message.count))
        return packet + message
    }

    /// Whether the bytes begin like a framed packet.
    public static func isFramed(_ packet: some Collection<UInt8>) -> Bool {
        packet.count >= 8 && packet.prefix(8).littleEndianValue == magic
    }

    /// The message in a packet, which must be framed and whole.
    public static func unwrap(_ packet: [UInt8]) throws(MessageError) -> [UInt8] {
        guard isFramed(packet) else { throw .frameMagic }
        guard packet.count > headerLength, packet[8..<12].littleEndianValue == UInt64(packet.count - headerLength)
        else { throw .frameLength }
        return Array(packet[headerLength...])
    }
}
