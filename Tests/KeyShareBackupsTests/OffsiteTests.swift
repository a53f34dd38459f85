// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import BackupContainers
import Foundation
import KeyShareProtocol
import PostgresTestSupport
import ShareEnvelopes
import Subprocess
import SystemPackage
import Testing

@testable import KeyShareBackups

@Suite struct OffsiteTests {
    @Test(arguments: [
        "/mnt/backups", "file://host/mnt", "file://", "file:///", "file:///mnt/../etc", "file:///mnt/a b",
        "ftp://host/",
        "sftp:///folder", "sftp://-oProxyCommand=x/folder", "sftp://-u@host/folder", "sftp://host:0/x",
        "sftp://a@b@c/x",
        "sftp://user:secret@host/x", "sftp://host/\"x", "sftp://host/$(id)", "http://peer.example", "https://",
        "https://user@peer.example", "https://peer.example/?x", "",
    ])
    func `what is no place for copies is refused`(text: String) {
        #expect(throws: OffsiteTarget.Malformed.self) { try OffsiteTarget(text) }
    }

    @Test func `places are read as they are written`() throws {
        #expect(try OffsiteTarget("file:///mnt/backups").place == .folder("/mnt/backups"))
        #expect(
            try OffsiteTarget("sftp://me@host.example:2222/srv/x").place
                == .sftp(user: "me", host: "host.example", port: 2222, folder: "/srv/x")
        )
        #expect(try OffsiteTarget("sftp://host/~/x").place == .sftp(user: nil, host: "host", port: 22, folder: "x"))
        #expect(try OffsiteTarget("https://peer.example/").place == .peer("https://peer.example"))
        #expect(
            try OffsiteTarget.list("file:///a, file:///b,file:///a").map(\.description) == ["file:///a", "file:///b"]
        )
        #expect(try OffsiteTarget.list("").isEmpty)
    }

    @Test func `copies go to folders, and what failed is tried again after a while`() async throws {
        try await Bench.with { bench in
            let (there, later) = ("\(bench.folder)-there", "\(bench.folder)-later")
            defer { for path in [there, later] { try? FileManager.default.removeItem(atPath: path) } }
            try FileManager.default.createDirectory(atPath: there, withIntermediateDirectories: true)
            let backups = try await bench.backups {
                $0.targets = [Self.target("file://\(there)"), Self.target("file://\(later)")].compactMap(\.self)
                $0.drillInterval = nil
            }
            await backups.tick()
            let row = try #require(try await backups.history(days: nil).first)
            #expect(row.copies.map(\.status) == ["FAILED", "COMPLETED"])
            #expect(row.copies.map { $0.error == nil } == [false, true])
            let name = try #require(row.dumpPath)
            #expect(FileManager.default.contents(atPath: "\(there)/\(name)").map(Array.init) == (try bench.bytes(name)))
            let failed = await backups.status()
            #expect(failed.offsite == "failed")
            try FileManager.default.createDirectory(atPath: later, withIntermediateDirectories: true)
            await backups.tick()
            #expect(try await backups.history(days: nil).first?.copies.first?.status == "FAILED")
            bench.clock.advance(hours: 0.3)
            await backups.tick()
            let copied = await backups.status()
            #expect(copied.offsite == "ok" && copied.offsiteSeconds == Int64(bench.clock.now.timeIntervalSince1970))
            #expect(FileManager.default.contents(atPath: "\(later)/\(name)") != nil)
        }
    }

    private static func target(_ text: String) -> OffsiteTarget? { try? OffsiteTarget(text) }

    // MARK: sftp

    @Test func `a copy goes to an SSH server whose key is known, and to no other`() async throws {
        try await Bench.with { bench in
            let server = try await SSHServer.start(in: "\(bench.folder)-ssh")
            defer { server.stop() }
            let target = try OffsiteTarget("sftp://127.0.0.1:\(server.port)\(server.folder)/copies")
            let backups = try await bench.backups {
                $0.targets = [target]
                $0.sshConfiguration = "\(server.folder)/config"
            }
            let receipt = try await backups.makeBackup()
            #expect(try await backups.history(days: nil).first?.copies.first?.error == nil)
            let copy = "\(server.folder)/copies/\(receipt.dumpPath)"
            #expect(FileManager.default.contents(atPath: copy).map(Array.init) == (try bench.bytes(receipt.dumpPath)))
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: "\(server.folder)/copies") == [receipt.dumpPath]
            )
            let attributes = try FileManager.default.attributesOfItem(atPath: copy)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)

            try Data().write(to: URL(fileURLWithPath: "\(server.folder)/known_hosts"))
            bench.clock.advance(hours: 1)
            _ = try await backups.makeBackup()
            let row = try await backups.history(days: nil).first
            #expect(row?.copies.first?.status == "FAILED" && row?.status == .completed)
        }
    }

    // MARK: Copies of others

    private func sealed(_ count: Int = 3000) throws -> [UInt8] {
        let metadata = BackupMetadata(node: "n", dumpID: UUID(), createdAt: "x", schemaVersion: 1, keyEpoch: 1)
        var writer = try BackupWriter(metadata, key: BackupKey(root: .random()))
        return try writer.header.bytes + writer.append([UInt8](repeating: 7, count: count)) + writer.finish()
    }

    private func pieces(_ bytes: [UInt8], of size: Int = 700) -> Pieces { Pieces(bytes: bytes, size: size) }

    @Test func `copies of other nodes are kept as they come, by node`() async throws {
        try await Bench.with(shares: 1) { bench in
            let backups = try await bench.backups { $0.quota = 100_000 }
            let (one, two) = (try sealed(), try sealed())
            try await backups.acceptOffsite(node: "a", name: "x.akb", body: pieces(one, of: 1))
            try await backups.acceptOffsite(node: "b", name: "x.akb", body: pieces(two))
            #expect(try bench.bytes("peers/a/x.akb") == one)
            #expect(try bench.bytes("peers/b/x.akb") == two)
            // Once more, as after a lost answer; but nothing takes the place of another.
            try await backups.acceptOffsite(node: "a", name: "x.akb", body: pieces(one))
            await #expect(throws: KeyShareFailure.self) {
                try await backups.acceptOffsite(node: "a", name: "x.akb", body: pieces(two))
            }
            #expect(try bench.bytes("peers/a/x.akb") == one)
            // The node's own administrator cannot take them for its own.
            let path = try #require(DumpPath("\(bench.folder)/peers/a/x.akb"))
            await #expect(throws: KeyShareFailure.self) { try await backups.restore(path) }
        }
    }

    @Test func `what is not sealed, not named so, or too much is refused and leaves nothing`() async throws {
        try await Bench.with(shares: 1) { bench in
            let backups = try await bench.backups { $0.quota = 9_000 }
            let good = try sealed()
            func code(_ node: String, _ name: String, _ bytes: [UInt8]) async -> KeyShareFailureCode? {
                do throws(KeyShareFailure) {
                    try await backups.acceptOffsite(node: node, name: name, body: pieces(bytes))
                } catch { return error.code }
                return nil
            }
            for bytes in [[], Array("PGDMP rows of people".utf8), Array(good.prefix(60)), [0] + good] {
                #expect(await code("a", "x.akb", bytes) == .invalidRequest)
            }
            for name in ["x.dump", "../x.akb", "a/x.akb", ".x.akb", "x", "", "x.akb/"] {
                #expect(await code("a", name, good) == .invalidRequest, "\(name)")
            }
            for node in ["", "..", ".a", "a/b", "a b", "a\u{0}", String(repeating: "a", count: 65)] {
                #expect(await code(node, "x.akb", good) == .invalidRequest, "\(node)")
            }
            #expect(await code("a", "big.akb", try sealed(20_000)) == .payloadTooLarge)
            #expect(await code("a", "1.akb", good) == nil)
            #expect(await code("a", "2.akb", good) == nil)
            // Full of copies that are young; another node has room of its own.
            #expect(await code("a", "3.akb", good) == .payloadTooLarge)
            #expect(await code("b", "3.akb", good) == nil)
            #expect(bench.files == ["peers"])
            let kept = try FileManager.default.contentsOfDirectory(atPath: "\(bench.folder)/peers/a").sorted()
            #expect(kept == ["1.akb", "2.akb"])
            // A week later the oldest goes.
            for (name, days) in [("1.akb", 9.0), ("2.akb", 8.0)] {
                try FileManager.default.setAttributes(
                    [.modificationDate: bench.clock.now.addingTimeInterval(-days * 86_400)],
                    ofItemAtPath: "\(bench.folder)/peers/a/\(name)"
                )
            }
            #expect(await code("a", "3.akb", good) == nil)
            let left = try FileManager.default.contentsOfDirectory(atPath: "\(bench.folder)/peers/a").sorted()
            #expect(left == ["2.akb", "3.akb"])
            let none = try await bench.backups { _ in }
            await #expect(throws: KeyShareFailure.self) {
                try await none.acceptOffsite(node: "c", name: "x.akb", body: pieces(good))
            }
        }
    }
}

/// A body in pieces.
private struct Pieces: AsyncSequence, Sendable {
    let bytes: [UInt8]
    let size: Int

    struct AsyncIterator: AsyncIteratorProtocol {
        var rest: ArraySlice<UInt8>
        let size: Int

        mutating func next() async throws -> ArraySlice<UInt8>? {
            guard !rest.isEmpty else { return nil }
            defer { rest = rest.dropFirst(size) }
            return rest.prefix(size)
        }

        mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> ArraySlice<UInt8>? {
            try await next()
        }
    }

    typealias Failure = any Error

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: bytes[...], size: size) }
}

/// A real sshd on the loopback, for one key.
private struct SSHServer {
    let folder: String
    let port: Int
    private let process: Task<Void, Never>

    static func start(in folder: String) async throws -> SSHServer {
        try FileManager.default.createDirectory(atPath: "\(folder)/copies", withIntermediateDirectories: true)
        try? FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        for name in ["host", "user"] {
            _ = try await Subprocess.run(
                .name("ssh-keygen"),
                arguments: ["-q", "-t", "ed25519", "-N", "", "-f", "\(folder)/\(name)"],
                output: .discarded
            )
        }
        let port = freePort()
        func write(_ text: String, _ name: String) throws {
            try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: "\(folder)/\(name)")
        }
        try write(
            """
            ListenAddress 127.0.0.1
            Port \(port)
            HostKey \(folder)/host
            AuthorizedKeysFile \(folder)/user.pub
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            PermitRootLogin prohibit-password
            PidFile none
            Subsystem sftp internal-sftp

            """,
            "sshd_config"
        )
        let host = try String(contentsOfFile: "\(folder)/host.pub", encoding: .utf8)
        try write("[127.0.0.1]:\(port) \(host)", "known_hosts")
        try write(
            "Host *\nIdentityFile \(folder)/user\nIdentitiesOnly yes\nUserKnownHostsFile \(folder)/known_hosts\n",
            "config"
        )
        let process = Task {
            var options = PlatformOptions()
            options.teardownSequence = [.send(signal: .kill, allowedDurationToNextStep: .zero)]
            _ = try? await Subprocess.run(
                .path("/usr/sbin/sshd"),
                arguments: ["-D", "-e", "-f", "\(folder)/sshd_config"],
                platformOptions: options,
                output: .discarded,
                error: .discarded
            )
        }
        let server = SSHServer(folder: folder, port: port, process: process)
        let deadline = ContinuousClock.now + .seconds(30)
        while !isOpen(port) {
            try #require(ContinuousClock.now < deadline, "sshd does not listen")
            await Task.yield()
        }
        return server
    }

    func stop() {
        process.cancel()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private static func freePort() -> Int {
        withSocket { socket, address in
            var address = address
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = bind(socket, $0, length)
                    _ = getsockname(socket, $0, &length)
                }
            }
            return Int(UInt16(bigEndian: address.sin_port))
        }
    }

    private static func isOpen(_ port: Int) -> Bool {
        withSocket { socket, address in
            var address = address
            address.sin_port = UInt16(port).bigEndian
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
        }
    }

    private static func withSocket<Value>(_ body: (Int32, sockaddr_in) -> Value) -> Value {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return body(descriptor, address)
    }
}
