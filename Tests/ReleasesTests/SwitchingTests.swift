// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import ReleaseFormat
import Releases
import Testing

@Suite("Switching releases")
struct SwitchingTests {
    let host: Host

    init() throws { host = try Host() }

    @Test("releases are installed, and rolling back goes to the one that was active before")
    func rollback() async throws {
        for version in ["1.0.0", "3.0.0"] { #expect(try await host.install(version).isChanged) }
        let downgrade = try await host.switcher().install(try host.pack("2.0.0"), allowDowngrade: true)
        #expect(downgrade.former?.description == "3.0.0")
        #expect(try host.installed == ["3.0.0", "2.0.0", "1.0.0"])
        // Not 1.0.0, the next lower version.
        #expect(try await host.switcher().rollBack().version.description == "3.0.0")
        #expect(try host.current == "3.0.0")
        #expect(try await host.switcher().rollBack().version.description == "2.0.0")
        #expect(try await host.switcher().rollBack(to: 3).version.description == "1.0.0")
        #expect(try await host.switcher().rollBack(to: 3).isChanged == false)
        for number in [0, -1, 4, .max] {
            #expect(await code { _ = try await host.switcher().rollBack(to: number) } == .missing)
        }
        #expect(try host.restarts == ["1.0.0", "3.0.0", "2.0.0", "3.0.0", "2.0.0", "1.0.0"])
    }

    @Test("a release that is not healthy gives way to the one before, and counts as never active")
    func unhealthy() async throws {
        try await host.install("1.0.0")
        try await host.install("2.0.0")
        #expect(await code { try await host.install("3.0.0", sick: "3.0.0") } == .unhealthy)
        #expect(try host.current == "2.0.0")
        #expect(try host.restarts.suffix(2) == ["3.0.0", "2.0.0"])
        #expect(try await host.switcher().rollBack().version.description == "1.0.0")
        // Rolling back to one that is not healthy is undone as well.
        #expect(await code { _ = try await host.switcher(sick: "2.0.0").rollBack() } == .unhealthy)
        #expect(try host.current == "1.0.0")
    }

    @Test("a restart that fails is undone as well")
    func failingRestart() async throws {
        try await host.install("1.0.0")
        let commands = ServiceCommands(restart: ["echo broken >&2; exit 3"], health: [])
        let switcher = ReleaseSwitcher(try host.store(), commands: commands, architecture: "x86_64") { 0 }
        #expect(await code { _ = try await switcher.install(try host.pack("2.0.0")) } == .unhealthy)
        #expect(try host.current == "1.0.0")
    }

    @Test("when the first release is not healthy, none is active")
    func firstUnhealthy() async throws {
        #expect(await code { try await host.install("1.0.0", sick: "1.0.0") } == .unhealthy)
        #expect(try host.current == nil)
        #expect(await code { _ = try await host.switcher().rollBack() } == .missing)
        #expect(try await host.install("1.0.0").isChanged)
    }

    @Test("a health command that never ends is ended")
    func patience() async throws {
        let marker = host.directory + "/alive"
        let commands = ServiceCommands(
            restart: [],
            health: ["sleep 600; touch \(marker)"],
            patience: .milliseconds(200)
        )
        let switcher = ReleaseSwitcher(try host.store(), commands: commands, architecture: "x86_64") { 0 }
        #expect(await code { _ = try await switcher.install(try host.pack("1.0.0")) } == .unhealthy)
        #expect(!FileManager.default.fileExists(atPath: marker))
    }

    @Test("an older release, another machine's, and one that needs a newer predecessor are refused")
    func unsuitable() async throws {
        try await host.install("2.0.0")
        func refusal(_ archive: String, allowDowngrade: Bool = false) async throws -> ReleaseError.Code? {
            let switcher = try host.switcher()
            return await code { _ = try await switcher.install(archive, allowDowngrade: allowDowngrade) }
        }
        #expect(try await refusal(try host.pack("2.0.0-rc.1")) == .unsuitable)
        #expect(try await refusal(try host.pack("3.0.0", architecture: "aarch64")) == .unsuitable)
        #expect(try await refusal(try host.pack("3.0.0", after: "2.0.1")) == .unsuitable)
        #expect(try await refusal(try host.pack("2.0.0", program: "other")) == .unsuitable)
        #expect(try host.installed == ["2.0.0"])
        #expect(try await refusal(try host.pack("3.0.0", after: "2.0.0")) == nil)
        #expect(try await refusal(try host.pack("2.0.0-rc.1"), allowDowngrade: true) == nil)
    }

    @Test("installing the active release again checks it and changes nothing")
    func again() async throws {
        try await host.install("1.0.0")
        #expect(try await host.install("1.0.0").isChanged == false)
        #expect(try host.restarts == ["1.0.0"])
        try host.write(host.root + "/current/bin/assay", "evil", mode: 0o755)
        #expect(await code { try await host.install("1.0.0") } == .altered)
    }

    @Test("an inactive release that is damaged is installed anew")
    func damaged() async throws {
        try await host.install("1.0.0")
        try await host.install("2.0.0")
        try host.write(host.root + "/releases/1.0.0/bin/assay", "evil", mode: 0o755)
        #expect(await code { _ = try await host.switcher().rollBack() } == .altered)
        #expect(try host.current == "2.0.0")
        #expect(try await host.switcher().install(try host.pack("1.0.0"), allowDowngrade: true).isChanged)
    }

    @Test("old releases go, but never the active one and the one before")
    func keep() async throws {
        for number in 1...4 { try await host.install("\(number).0.0", keep: 2) }
        #expect(try host.installed == ["4.0.0", "3.0.0"])
        _ = try await host.switcher().rollBack()
        #expect(try await host.install("5.0.0", keep: 2).removed.map(\.description) == ["4.0.0"])
        #expect(try host.installed == ["5.0.0", "3.0.0"])
    }

    @Test("two installations never overlap")
    func lock() async throws {
        try await host.install("1.0.0")
        let second = try host.pack("2.0.0")
        let switcher = try host.switcher()
        // The restart of the first tries the second.
        let marker = host.directory + "/started"
        let commands = ServiceCommands(
            restart: ["touch \(marker); while [ -e \(marker) ]; do sleep 0.05; done"],
            health: []
        )
        let slow = ReleaseSwitcher(try host.store(), commands: commands, architecture: "x86_64") { 0 }
        async let first = slow.install(second)
        while !FileManager.default.fileExists(atPath: marker) { await Task.yield() }
        #expect(await code { _ = try await switcher.rollBack() } == .locked)
        try FileManager.default.removeItem(atPath: marker)
        #expect(try await first.version.description == "2.0.0")
    }

    @Test("what an interrupted installation left behind is in nobody's way")
    func leftovers() async throws {
        try await host.install("1.0.0")
        try host.write(host.root + "/releases/.incoming/bin/assay", "half")
        try host.write(host.root + "/releases/.removed-0.1.0/bin/assay", "half")
        try host.write(host.root + "/history.json.new", "half")
        try FileManager.default.createSymbolicLink(
            atPath: host.root + "/current.new",
            withDestinationPath: "releases/9.9.9"
        )
        try await host.install("2.0.0")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: host.root + "/releases").sorted() == ["1.0.0", "2.0.0"]
        )
        #expect(try host.current == "2.0.0")
    }

    @Test("a switch that was interrupted after the link is finished by installing again, or undone")
    func interrupted() async throws {
        for version in ["1.0.0", "2.0.0"] { try await host.install(version) }
        let history = host.root + "/history.json"
        let text = try String(contentsOfFile: history, encoding: .utf8)
        // The last switch never came to its end.
        let parts = try #require(text.range(of: "\"active\"", options: .backwards))
        let unfinished = text.replacingCharacters(in: parts, with: "\"pending\"")
        try host.write(history, unfinished)
        #expect(try await host.install("2.0.0").isChanged)
        try host.write(history, unfinished)
        #expect(await code { try await host.install("2.0.0", sick: "2.0.0") } == .unhealthy)
        #expect(try host.current == "1.0.0")
    }

    @Test("a release whose switch was interrupted is nothing to go back to")
    func neverSeenHealthy() async throws {
        for version in ["1.0.0", "2.0.0"] { try await host.install(version) }
        let history = host.root + "/history.json"
        let text = try String(contentsOfFile: history, encoding: .utf8)
        let last = try #require(text.range(of: "\"active\"", options: .backwards))
        try host.write(history, text.replacingCharacters(in: last, with: "\"pending\""))
        #expect(await code { try await host.install("3.0.0", sick: "3.0.0") } == .unhealthy)
        #expect(try host.current == "1.0.0")
    }
}
