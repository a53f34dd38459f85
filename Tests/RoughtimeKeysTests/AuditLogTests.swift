// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RoughtimeKeys

@Suite("The audit log")
struct AuditLogTests {
    private let scratch: Scratch
    private var path: String { "\(scratch.path)/mintings.jsonl" }

    init() throws { scratch = try Scratch() }

    private func minting(_ time: Int64) -> Minting {
        Minting(time: time, publicKey: String(repeating: "ab", count: 32), notBefore: time - 600, notAfter: time + 61)
    }

    private func code(_ body: () throws -> Void) -> RoughtimeKeyError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? RoughtimeKeyError)?.code
        }
    }

    private func append(_ mintings: [Minting]) throws {
        var log = try AuditLog(path)
        for minting in mintings { try log.append(minting) }
    }

    private func mintings() throws -> [Minting] {
        let log = try AuditLog(path)
        return log.mintings
    }

    @Test("keeps one line for each minting, for its owner only")
    func lines() throws {
        try append([minting(1000)])
        try append([minting(2000), minting(3000)])
        #expect(try mintings().map(\.time) == [1000, 2000, 3000])
        #expect(scratch.mode("mintings.jsonl") == 0o600)
        let text = String(decoding: try scratch.content("mintings.jsonl"), as: UTF8.self)
        let key = String(repeating: "ab", count: 32)
        #expect(text.hasPrefix("{\"notAfter\":1061,\"notBefore\":400,\"publicKey\":\"\(key)\",\"time\":1000}\n"))
        #expect(text.count { $0 == "\n" } == 3)
    }

    @Test("belongs to one process at a time")
    func lock() throws {
        let first = try AuditLog(path)
        #expect(code { _ = try AuditLog(path) } == .busy)
        #expect(first.mintings.isEmpty)
        _ = consume first
        #expect(code { _ = try AuditLog(path) } == nil)
    }

    @Test("drops a line that a crash has cut off, and goes on after it")
    func cutLine() throws {
        try append([minting(1000)])
        let whole = try scratch.content("mintings.jsonl")
        for count in 1..<whole.count - 1 {
            _ = try scratch.file("mintings.jsonl", whole + Array(whole[..<count]))
            #expect(try mintings().map(\.time) == [1000])
            #expect(try scratch.content("mintings.jsonl") == whole)
        }
        try append([minting(2000)])
        #expect(try mintings().map(\.time) == [1000, 2000])
    }

    @Test("is refused with a damaged line, so that nobody mints by spoiling it")
    func damage() throws {
        try append([minting(1000), minting(2000)])
        let whole = try scratch.content("mintings.jsonl")
        for line in ["\n", "{}\n", "x\n", "{\"time\":1}\n"] {
            _ = try scratch.file("mintings.jsonl", Array(line.utf8) + whole)
            #expect(code { _ = try AuditLog(path) } == .malformed)
        }
    }

    @Test("reads the end of a long file")
    func longFile() throws {
        try append([minting(1)])
        let line = try scratch.content("mintings.jsonl")
        let lines = (0..<3000).flatMap { _ in line }
        _ = try scratch.file("mintings.jsonl", lines)
        try append([minting(7)])
        let mintings = try mintings()
        #expect(mintings.last?.time == 7)
        #expect(mintings.count > 100 && mintings.count < 3000)
    }

    @Test("is not written through links or without a directory")
    func strangePlaces() throws {
        #expect(code { _ = try AuditLog("\(scratch.path)/absent/log") } == .system)
        #expect(code { _ = try AuditLog(scratch.path) } == .system)
        #expect(code { _ = try AuditLog("/dev/null") } == .unreadable)
    }
}
