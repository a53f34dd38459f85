// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import CLinux
import Crypto
import Glibc
import Testing

@testable import RoughtimeKeys

@Suite("The long-term seed")
struct SeedTests {
    let seed: [UInt8] = Array(1...32)

    private func code(_ body: () throws -> Void) -> RoughtimeKeyError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? RoughtimeKeyError)?.code
        }
    }

    @Test("is the Ed25519 private key of RFC 8032")
    func publicKey() throws {
        // RFC 8032 section 7.1, test 1.
        let secret = try #require(Hex.decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
        let key = try LongTermSeed(copying: secret).publicKey()
        #expect(Hex.encode(key) == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    }

    @Test("is read from the credentials directory")
    func credential() throws {
        let scratch = try Scratch()
        _ = try scratch.file("longterm.seed", seed, mode: 0o440)
        let read = try LongTermSeed.read(from: .credential, credentialsDirectory: scratch.path)
        #expect(read.withBytes { Array($0) } == seed)
    }

    @Test("is refused, with what to do, when the credential is missing", arguments: [nil, "", "/nonexistent"])
    func missingCredential(directory: String?) {
        do {
            _ = try LongTermSeed.read(from: .credential, credentialsDirectory: directory)
            Issue.record("a seed came from nowhere")
        } catch {
            #expect(error.code == .missing)
            #expect(error.description.contains("assay roughtime keygen"))
        }
    }

    @Test("is refused in a file that others can read", arguments: [0o440, 0o404, 0o644, 0o620] as [mode_t])
    func openFile(mode: mode_t) throws {
        let scratch = try Scratch()
        let path = try scratch.file("seed", seed, mode: mode)
        #expect(code { _ = try LongTermSeed.read(from: .file(path), credentialsDirectory: nil) } == .unreadable)
    }

    @Test("is refused when it has not 32 bytes or is all zero", arguments: [0, 1, 31, 33, 64, 5000])
    func wrongLength(count: Int) throws {
        let scratch = try Scratch()
        let path = try scratch.file("seed", [UInt8](repeating: 7, count: count))
        #expect(code { _ = try LongTermSeed.read(from: .file(path), credentialsDirectory: nil) } == .malformed)
        #expect(code { _ = try LongTermSeed(copying: [UInt8](repeating: 7, count: count)) } == .malformed)
        #expect(code { _ = try LongTermSeed(copying: [UInt8](repeating: 0, count: 32)) } == .malformed)
    }

    @Test("is not read through links, from directories or from pipes that never end")
    func strangeFiles() throws {
        let scratch = try Scratch()
        let path = try scratch.file("seed", seed)
        #expect(symlink(path, "\(scratch.path)/link") == 0)
        #expect(mkfifo("\(scratch.path)/pipe", 0o600) == 0)
        for name in ["link", "pipe"] {
            let file = LongTermSeed.Source.file("\(scratch.path)/\(name)")
            #expect(code { _ = try LongTermSeed.read(from: file, credentialsDirectory: nil) } == .unreadable)
        }
        let directory = LongTermSeed.Source.file(scratch.path)
        #expect(code { _ = try LongTermSeed.read(from: directory, credentialsDirectory: nil) } == .unreadable)
        let absent = LongTermSeed.Source.file("\(scratch.path)/absent")
        #expect(code { _ = try LongTermSeed.read(from: absent, credentialsDirectory: nil) } == .missing)
    }

    @Test("comes from a pipe in pieces as well")
    func pipes() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        #expect(write(ends[1], seed, 20) == 20)
        #expect(write(ends[1], Array(seed[20...]), 12) == 12)
        close(ends[1])
        defer { close(ends[0]) }
        let read = try LongTermSeed.read(descriptor: ends[0], name: "pipe")
        #expect(read.withBytes { Array($0) } == seed)
    }

    @Test("lies on a locked page that is overwritten at its end")
    func page() throws {
        func lockedKilobytes() throws -> Int {
            let status = try String(decoding: readWhole("/proc/self/status"), as: UTF8.self)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmLck:") })
            return try #require(Int(line.split(separator: " ").dropLast().last.map { $0.filter(\.isNumber) } ?? ""))
        }
        let page = try LockedPage()
        #expect(try lockedKilobytes() >= 4)
        page.bytes(32).copyBytes(from: seed)
        page.overwrite()
        #expect(page.bytes(32).allSatisfy { $0 == 0 })
    }

    @Test("is in a process that leaves no core dump and that others of its user cannot look into")
    func processMemory() throws {
        #expect(!ProcessMemory.isProtected)
        try ProcessMemory.protect()
        defer { _ = clinux_set_dumpable(1) }
        #expect(ProcessMemory.isProtected)
    }

    @Test("differs each time it is made")
    func random() throws {
        let one = try LongTermSeed.random().publicKey()
        let two = try LongTermSeed.random().publicKey()
        #expect(one != two)
    }

    private func readWhole(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw Scratch.Problem() }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        return Array(bytes[..<max(0, read(descriptor, &bytes, bytes.count))])
    }
}
