// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Roughtime
import RoughtimeLink
import Testing

@testable import RoughtimeResponder

@Suite("The link between gateway and responder")
struct LinkTests {
    @Test("a packet that the responder would end the connection for is refused before it is sent")
    func tooLong() async throws {
        let link = ResponderLink(path: "/nonexistent/answer.sock")
        let longest = [UInt8](repeating: 0, count: RequestRules.maximumLength)
        #expect(try await link.answer(longest + [0]) == .failure(.size))
        await #expect(throws: LinkError.self) { try await link.answer(longest) }
    }

    @Test("questions and answers are read as they were written, and nothing of a part is taken")
    func roundTrips() {
        let allocator = ByteBufferAllocator()
        for packet in [[], [1], [UInt8](repeating: 7, count: 2048)] {
            let whole = LinkMessage.question(.max, packet, allocator: allocator)
            for length in 0...whole.readableBytes {
                var part = whole.getSlice(at: 0, length: length) ?? ByteBuffer()
                switch LinkMessage.readQuestion(from: &part, limit: 2048) {
                case .question(let id, let read):
                    #expect(length == whole.readableBytes && id == .max && read == packet)
                case .incomplete: #expect(length < whole.readableBytes && part.readableBytes == length)
                case .invalid: Issue.record("a part of a question is invalid")
                }
            }
        }
        let results: [Result<[UInt8], DropReason>] = [.success([1, 2, 3])] + DropReason.allCases.map { .failure($0) }
        for result in results {
            var whole = LinkMessage.answer(5, result, allocator: allocator)
            guard case .answer(5, let read) = LinkMessage.readAnswer(from: &whole) else {
                Issue.record("an answer is not read")
                continue
            }
            #expect(read == result)
        }
    }

    @Test("random bytes never stop a reader, and lengths beyond the limit are invalid")
    func randomBytes() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...64)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            var question = ByteBuffer(bytes: bytes)
            _ = LinkMessage.readQuestion(from: &question, limit: 2048)
            var answer = ByteBuffer(bytes: bytes)
            _ = LinkMessage.readAnswer(from: &answer)
        }
        var long = ByteBuffer(bytes: [1, 0, 0, 0, 1, 8, 0, 0])
        guard case .invalid = LinkMessage.readQuestion(from: &long, limit: 2048) else {
            Issue.record("a question longer than the limit is awaited")
            return
        }
    }
}
