// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import ReleaseFormat
import Releases

extension ReleaseCommand {
    /// How a switch restarts the service and learns whether it is well.
    struct Switching: ParsableArguments {
        @Option(
            help: "A shell command that starts the service again; several run in order. Default: the enabled units."
        )
        var restartCommand: [String] = []

        @Option(
            help: "A shell command that succeeds when the service is well; all of several must. Default: healthcheck."
        )
        var healthCommand: [String] = []

        @Option(help: "Seconds that the service may take to become healthy, 1 to 600.")
        var healthSeconds = 20

        @Flag(help: "Only switch the link: restart nothing and check nothing.")
        var noRestart = false

        @Option(help: "How many releases stay on the host, 2 or more; the active one and the one before always do.")
        var keep = 5

        func validate() throws {
            guard (1...600).contains(healthSeconds) else { throw ValidationError("--health-seconds must be 1 to 600") }
            guard keep >= 2 else { throw ValidationError("--keep must be 2 or more") }
            guard !noRestart || restartCommand.isEmpty && healthCommand.isEmpty else {
                throw ValidationError("--no-restart goes with neither --restart-command nor --health-command")
            }
        }

        func switcher(_ store: ReleaseStore) -> ReleaseSwitcher {
            let commands = ServiceCommands(
                restart: noRestart ? [] : restartCommand.isEmpty ? Self.systemdRestart : restartCommand,
                health: noRestart ? [] : healthCommand.isEmpty ? Self.systemdHealth(store.root) : healthCommand,
                patience: .seconds(healthSeconds)
            )
            if commands.restart.isEmpty, !noRestart {
                Terminal.note("There is no systemd here, and no --restart-command: nothing will be restarted.")
            }
            return ReleaseSwitcher(store, commands: commands, architecture: architecture, keep: keep) {
                Int64(Date().timeIntervalSince1970)
            }
        }

        private static var hasSystemd: Bool { FileManager.default.fileExists(atPath: "/run/systemd/system") }

        /// Those of our units that this host has enabled.
        private static let units = """
            units=$(for unit in assay-serve assay-crawl assay-roughtime; do \
            ! systemctl is-enabled --quiet $unit 2>/dev/null || echo $unit; done)
            """

        private static var systemdRestart: [String] {
            hasSystemd ? ["\(units); [ -z \"$units\" ] || systemctl restart $units"] : []
        }

        /// Asks the new program about the service, if this host serves, and systemd about the units.
        private static func systemdHealth(_ root: String) -> [String] {
            guard hasSystemd else { return [] }
            return [
                "! systemctl is-enabled --quiet assay-serve || \(root)/current/bin/assay healthcheck --quiet",
                "\(units); for unit in $units; do systemctl is-active $unit || exit 1; done",
                // Whoever is asked must have a delegation and a clock, or it says nothing.
                "! systemctl is-enabled --quiet assay-roughtime || "
                    + "\(root)/current/bin/assay time query 127.0.0.1:5319 --key /etc/assay/roughtime/longterm.pub",
            ]
        }
    }

    /// Installs an archive.
    struct Install: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check an archive, unpack it, switch to it, and back if it is not healthy.",
            discussion: """
                Nothing is unpacked before the signatures and every hash are right. The same release again is checked, and \
                finished if its installation was interrupted.
                """
        )

        @Argument(help: "The archive.")
        var file: String

        @Flag(help: "Allow a release that is older than the active one.")
        var allowDowngrade = false

        @OptionGroup var place: Place
        @OptionGroup var switching: Switching

        func run() async throws {
            let switcher = switching.switcher(try place.store())
            try await tell { () async throws(ReleaseError) in
                try await switcher.install(file, allowDowngrade: allowDowngrade)
            }
        }
    }

    /// Switches to a release that was active before.
    struct RollBack: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rollback",
            abstract: "Go back to the release that was active before, or to the N-th newest.",
            discussion: """
                The release before is the one that history.json says, whatever its version; going back twice returns to \
                where you were. N is the index that 'assay release releases' shows.
                """
        )

        @Argument(help: "The index of the release, 1 for the newest.")
        var number: Int?

        @OptionGroup var place: Place
        @OptionGroup var switching: Switching

        func run() async throws {
            let switcher = switching.switcher(try place.store())
            try await tell { () async throws(ReleaseError) in
                if let number { return try await switcher.rollBack(to: number) }
                return try await switcher.rollBack()
            }
        }
    }

    /// Runs a switch and says how it went.
    private static func tell(
        _ body: () async throws(ReleaseError) -> ReleaseSwitcher.Outcome
    ) async throws {
        let outcome: ReleaseSwitcher.Outcome
        do {
            outcome = try await body()
        } catch {
            throw Failure(error)
        }
        let before = outcome.former.map { ", before it \($0)" } ?? ""
        Terminal.say(
            outcome.isChanged
                ? "Release \(outcome.version) is active\(before)."
                : "Release \(outcome.version) is active already; it was checked again."
        )
        for version in outcome.removed { Terminal.say("Release \(version) was removed.") }
    }

    /// Lists what is installed.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "releases",
            abstract: "List the installed releases, newest first; each is checked.",
            aliases: ["list"]
        )

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var place: Place

        struct Row: Encodable {
            let index: Int
            let version: String
            let built: String?
            let lastActivated: String?
            let verified: Bool
            let problem: String?
            let current: Bool
            let previous: Bool
        }

        func run() throws {
            let rows = try failing {
                let store = try place.store()
                let (current, history) = (try store.current(), try store.history())
                let previous = history.previous(current: current)
                return try store.installed().enumerated().map { index, version in
                    let result = Result { () throws(ReleaseError) in try store.verify(version) }
                    let signed = try? result.get()
                    let problem: String? = if case .failure(let error) = result { error.detail } else { nil }
                    return Row(
                        index: index + 1,
                        version: version.description,
                        built: signed.map { ReleaseCommand.text($0.manifest.buildTime) },
                        lastActivated: history.lastActive(version).map(ReleaseCommand.text),
                        verified: problem == nil,
                        problem: problem,
                        current: version == current,
                        previous: version == previous
                    )
                }
            }
            if json { return try Terminal.say(json: rows) }
            guard !rows.isEmpty else { return Terminal.say("No release is installed in \(place.root).") }
            Terminal.table([["#", "VERSION", "BUILT", "ACTIVATED", "VERIFIED", ""]] + rows.map(Self.cells))
        }

        private static func cells(_ row: Row) -> [String] {
            [
                "\(row.index)", row.version, row.built ?? "-", row.lastActivated ?? "-", row.verified ? "yes" : "NO",
                row.problem ?? (row.current ? "current" : row.previous ? "previous" : ""),
            ]
        }
    }

    /// Checks an archive or what is installed.
    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check the active release, or an archive, against its signed manifest.",
            discussion: """
                Without a file: the release that this program belongs to, or else the active one; every file in it, and the \
                program as it is running. The units do this at each start, with --if-keys-exist, so that a host without \
                trusted keys, where there is nothing to check against, starts as well.
                """
        )

        @Argument(help: "An archive.")
        var file: String?

        @Flag(help: "Succeed when this host has no file of trusted keys.")
        var ifKeysExist = false

        @Flag(help: "Print nothing when all is well.")
        var quiet = false

        @OptionGroup var place: Place

        func run() throws {
            if ifKeysExist, try failing({ try !TrustedKeys.exist(file: place.trustedKeys) }) {
                if !quiet { Terminal.note("\(place.trustedKeys) does not exist: nothing was checked.") }
                return
            }
            let keys = try place.keys()
            let (signed, names) = try failing {
                let signed =
                    try file.map { try ReleaseArchive($0).check(.keys(keys)) }
                    ?? place.store().verifyRunning(program: ProgramFiles.executable.path)
                return (signed, try keys.verify(signed.signatures, manifest: signed.manifest.bytes))
            }
            guard !quiet else { return }
            let manifest = signed.manifest
            Terminal.say(
                "Release \(manifest.version) (\(manifest.architecture), commit \(manifest.commit), built "
                    + "\(ReleaseCommand.text(manifest.buildTime)), \(manifest.files.count) files) is as signed by "
                    + names.joined(separator: ", ") + "."
            )
        }
    }
}
