// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Subprocess

/// Runs the server's programs as the server's user, with nothing of our environment.
struct ServerCommand: Sendable {
    let binaries: ServerBinaries
    let owner: ClusterOwner

    /// Runs a program to its end.
    ///
    /// - Throws: `.serverFailed` with what the program printed.
    func run(_ program: String, _ arguments: [String], input: String = "") async throws(EmbeddedPostgresError) {
        var options = PlatformOptions()
        // A terminal's Ctrl-C is for us: we stop the server in order.
        options.createSession = true
        if owner.isOther {
            options.userID = owner.userID
            options.groupID = owner.groupID
            options.supplementaryGroups = [owner.groupID]
        }
        let outcome: (isSuccess: Bool, text: String)
        do {
            let result = try await Subprocess.run(
                // The server's user may not be allowed into our working directory, which initdb does not forgive.
                .name("env"),
                arguments: Arguments(["--chdir=/", program] + arguments),
                environment: .custom(["PATH": "\(binaries.directory):/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"]),
                platformOptions: options,
                input: .string(input),
                output: .string(limit: 1 << 20),
                error: .combinedWithOutput
            )
            outcome = (result.terminationStatus.isSuccess, result.standardOutput)
        } catch {
            throw EmbeddedPostgresError(.serverFailed, "\(program) as \(owner.name) could not be run: \(error)")
        }
        guard outcome.isSuccess else {
            throw EmbeddedPostgresError(.serverFailed, "\(program) as \(owner.name) failed: \(outcome.text)")
        }
    }
}
