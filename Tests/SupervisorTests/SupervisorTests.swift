// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import ServiceLifecycle
import Testing

@testable import Supervisor

@Suite("Supervisor")
final class SupervisorTests {
    let directory: String

    init() throws {
        directory = NSTemporaryDirectory() + "assay-supervisor-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    @Test("waiting times double to half a minute and start over after a long uptime")
    func backOff() {
        var backOff = BackOff()
        let waits = (0..<8).map { _ in backOff.wait(afterUptime: .zero) }
        #expect(waits.map { Int($0 / .milliseconds(1)) } == [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000])
        #expect(backOff.wait(afterUptime: .seconds(61)) == .milliseconds(500))
    }

    @Test("a child that is killed is started again, and shutdown ends it")
    func restart() async throws {
        let child = Child(
            name: "sleeper",
            executable: "/bin/sleep",
            arguments: ["600"],
            environment: [:],
            logFile: directory + "/sleeper.log"
        )
        let (starts, continuation) = AsyncStream.makeStream(of: Int32.self)
        let supervisor = ProcessSupervisor(child, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) {
            continuation.yield($0)
        }
        let task = Task { try await supervisor.run() }
        var ids = starts.makeAsyncIterator()
        let first = try #require(await ids.next())
        kill(first, SIGKILL)
        let second = try #require(await ids.next())
        #expect(first != second)
        task.cancel()
        try await task.value
        #expect(kill(second, 0) != 0)
    }

    @Test("a run file survives writing and reading, and only its owner may read it")
    func runFile() throws {
        let node = RunFile.Node(
            restUrl: "a",
            tlsCert: "b",
            invoiceMacaroon: "c",
            readonlyMacaroon: "d",
            payMacaroon: "e"
        )
        let file = RunFile(
            api: "http://127.0.0.1:1",
            crawlerMetrics: "http://127.0.0.1:2",
            database: "postgresql:///assay",
            lnd: node,
            payer: RunFile.Payer(restUrl: "f", tlsCert: "g", macaroon: "h"),
            operatorTokenFile: "i",
            apiKeyFile: "j",
            pids: ["serve": 7]
        )
        let path = directory + "/run.json"
        try file.write(to: path)
        #expect(try RunFile.read(path) == file)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
        #expect(mode?.intValue == 0o600)
    }

    @Test("a directory can be locked once at a time")
    func lock() throws {
        var first = DirectoryLock(directory: directory)
        #expect(first != nil)
        #expect(DirectoryLock(directory: directory) == nil)
        first = nil
        #expect(DirectoryLock(directory: directory) != nil)
    }

    @Test("a free port is found even when the preferred one is taken")
    func ports() throws {
        var ports = FreePorts()
        let found = ports.take(preferring: 0)
        let port = try #require(found)
        #expect((1...65535).contains(port))
        var others = FreePorts()
        let again = others.take(preferring: port)
        #expect(again == port)
    }

    @Test("no port is given twice, also when it is free and preferred")
    func portsOnce() throws {
        var ports = FreePorts()
        let found = ports.take(preferring: 0)
        let first = try #require(found)
        let isGiven = ports.give(first)
        #expect(!isGiven)
        let second = ports.take(preferring: first)
        #expect(second != first)
        var taken = Set<Int?>()
        for _ in 0..<500 { taken.insert(ports.take(preferring: 0)) }
        #expect(taken.count == 500 && !taken.contains(nil))
    }
}
