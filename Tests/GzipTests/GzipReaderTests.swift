// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Gzip
import Testing

@Suite("Gzip reader")
struct GzipReaderTests {
    @Test("a deflated file is inflated whatever the chunk size")
    func inflates() throws {
        let member = try #require(
            Data(base64Encoded: "H4sIAAAAAAACA0tUSM5IzMtLzVHILFZIVCgoys/NLE7lShwVHhUeFR44YQC4m06ZmAMAAA==")
        )
        let expected = Array(String(repeating: "a channel is a promise\n", count: 40).utf8)
        try withFile(Array(member)) { path in
            for chunkSize in [1, 7, 919, 920, 65_536] {
                let reader = try GzipReader(path: path, chunkSize: chunkSize)
                #expect(reader.isCompressed)
                var bytes: [UInt8] = []
                while let chunk = try reader.next() {
                    #expect((1...chunkSize).contains(chunk.count))
                    bytes += chunk
                }
                #expect(bytes == expected)
            }
        }
    }

    @Test("a plain file is passed on as it is")
    func plain() throws {
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(try read(bytes, limit: bytes.count) == bytes)
        #expect(try read([]) == [])
        #expect(try withFile(bytes) { try GzipReader(path: $0).isCompressed } == false)
    }

    @Test("gzip members in a row are one stream")
    func members() throws {
        #expect(try read(gzipStored([1, 2, 3]) + gzipStored([]) + gzipStored([4])) == [1, 2, 3, 4])
    }

    @Test("a gzip file cut at any byte is truncated")
    func truncation() throws {
        let whole = gzipStored(Array("promise".utf8))
        for length in 2..<whole.count {
            #expect { try read(Array(whole.prefix(length))) } throws: { ($0 as? GzipError)?.code == .truncated }
        }
    }

    @Test("a flipped bit never passes as the original bytes")
    func bitFlips() throws {
        let content = Array("promise".utf8)
        let whole = gzipStored(content)
        var failures = 0
        for bit in 0..<(whole.count * 8) {
            var damaged = whole
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            do {
                let bytes = try read(damaged)
                // Header fields that carry no content (time, system) may change; a broken magic makes a plain file.
                #expect(bytes == content || bytes == damaged)
            } catch {
                failures += 1
            }
        }
        #expect(failures > content.count * 8)
    }

    @Test("a small file that inflates beyond the limit is refused")
    func limit() throws {
        let file = gzipStored([UInt8](repeating: 0, count: 5000))
        #expect(throws: GzipError.self) { try read(file, limit: 4999) }
    }

    @Test("a missing file names its path")
    func missing() {
        #expect {
            try GzipReader(path: "/nonexistent/graph.json.gz")
        } throws: {
            ($0 as? GzipError)?.code == .cannotOpen && "\($0)".contains("/nonexistent/graph.json.gz")
        }
    }
}

/// Writes a file, hands its path to `body`, and removes it.
private func withFile<T>(_ bytes: [UInt8], _ body: (String) throws -> T) throws -> T {
    let path = FileManager.default.temporaryDirectory.appending(path: "assay-gzip-\(UUID().uuidString)").path
    try Data(bytes).write(to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
}

/// Writes a file and reads it back through the reader.
private func read(_ file: [UInt8], limit: Int = 10_000) throws -> [UInt8] {
    try withFile(file) { try GzipReader.readAll(path: $0, limit: limit) }
}

/// A gzip member with one stored (uncompressed) deflate block: RFC 1951 section 3.2.4.
private func gzipStored(_ bytes: [UInt8]) -> [UInt8] {
    precondition(bytes.count < 65_536)
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    let little = { (value: UInt32, count: Int) in (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    let length = UInt32(bytes.count)
    return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 1] + little(length, 2) + little(~length, 2) + bytes
        + little(~crc, 4) + little(length, 4)
}
