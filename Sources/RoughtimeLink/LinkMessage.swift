// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import NIOCore
public import Roughtime

/// What gateway and responder say to each other on the local socket.
///
/// A question is a number, a length, and a request packet; without a packet it asks for the ``ResponderStatus``. An answer
/// is the same number, 0 or one more than the number of a ``DropReason``, a length, and bytes. All integers are
/// little-endian and have 32 bits. Questions may be asked without waiting; answers come in any order.
public enum LinkMessage {
    public enum Question {
        case incomplete
        case invalid
        case question(id: UInt32, packet: [UInt8])
    }

    public enum Answer {
        case incomplete
        case invalid
        case answer(id: UInt32, Result<[UInt8], DropReason>)
    }

    static let longestAnswer = 1 << 16

    public static func question(_ id: UInt32, _ packet: [UInt8], allocator: ByteBufferAllocator) -> ByteBuffer {
        var buffer = allocator.buffer(capacity: 8 + packet.count)
        buffer.writeInteger(id, endianness: .little)
        buffer.writeInteger(UInt32(packet.count), endianness: .little)
        buffer.writeBytes(packet)
        return buffer
    }

    public static func readQuestion(from buffer: inout ByteBuffer, limit: Int) -> Question {
        let start = buffer.readerIndex
        guard let id = buffer.getInteger(at: start, endianness: .little, as: UInt32.self),
            let length = buffer.getInteger(at: start + 4, endianness: .little, as: UInt32.self)
        else { return .incomplete }
        guard Int(length) <= limit else { return .invalid }
        guard buffer.readableBytes >= 8 + Int(length) else { return .incomplete }
        buffer.moveReaderIndex(forwardBy: 8)
        return .question(id: id, packet: buffer.readBytes(length: Int(length)) ?? [])
    }

    public static func answer(
        _ id: UInt32,
        _ result: Result<[UInt8], DropReason>,
        allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        let bytes = (try? result.get()) ?? []
        var buffer = allocator.buffer(capacity: 12 + bytes.count)
        buffer.writeInteger(id, endianness: .little)
        let status: UInt32 =
            switch result {
            case .success: 0
            case .failure(let reason): UInt32(reason.number + 1)
            }
        buffer.writeInteger(status, endianness: .little)
        buffer.writeInteger(UInt32(bytes.count), endianness: .little)
        buffer.writeBytes(bytes)
        return buffer
    }

    public static func readAnswer(from buffer: inout ByteBuffer) -> Answer {
        let start = buffer.readerIndex
        guard let id = buffer.getInteger(at: start, endianness: .little, as: UInt32.self),
            let status = buffer.getInteger(at: start + 4, endianness: .little, as: UInt32.self),
            let length = buffer.getInteger(at: start + 8, endianness: .little, as: UInt32.self)
        else { return .incomplete }
        guard Int(length) <= longestAnswer else { return .invalid }
        guard buffer.readableBytes >= 12 + Int(length) else { return .incomplete }
        buffer.moveReaderIndex(forwardBy: 12)
        let bytes = buffer.readBytes(length: Int(length)) ?? []
        if status == 0 { return .answer(id: id, .success(bytes)) }
        guard let reason = DropReason(number: Int(status) - 1) else { return .invalid }
        return .answer(id: id, .failure(reason))
    }
}
