// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Subprocess

/// Runs the server's programs as the server's user, with nothing of our environment.
struct ServerCommand: Sendable {
    let binaries: ServerBinaries
    let owner: ClusterOwner

    /// Runs a program to its end, even when the calling task is cancelled: half of an `initdb` is worth nothing, and a
    /// server whose `pg_ctl` is killed is one that nobody stops.
    ///
    /// - Throws: `.serverFailed` with what the program printed.
    func run(_ program: String, _ arguments: [String], input: String = "") async throws(EmbeddedPostgresError) {
        let result = await Task { await outcome(program, arguments, input) }.value
        switch result {
        case .success(let record) where record.terminationStatus.isSuccess: return
        case .success(let record):
            throw EmbeddedPostgresError(
                .serverFailed,
                "\(program) as \(owner.name) failed: \(record.terminationStatus) \(record.standardOutput)"
            )
        case .failure(let error):
            throw EmbeddedPostgresError(.serverFailed, "\(program) as \(owner.name) could not be run: \(error)")
        }
    }

    private typealias Record = ExecutionResult<Void, StringOutput<UTF8>, CombinedErrorOutput>

    private func outcome(
        _ program: String,
        _ arguments: [String],
        _ input: String
    ) async -> Result<Record, any Error> {
        var options = PlatformOptions()
        // A terminal's Ctrl-C is for us: we stop the server in order.
        options.createSession = true
        // The server's user may not be allowed into our working directory, which initdb does not forgive.
        let words = asOwner + ["env", "--chdir=/", program] + arguments
        do {
            let record = try await Subprocess.run(
                .name(words[0]),
                arguments: Arguments(Array(words.dropFirst())),
                environment: .custom(["PATH": "\(binaries.directory):/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"]),
                platformOptions: options,
                input: .string(input),
                output: .string(limit: 1 << 20),
                error: .combinedWithOutput
            )
            return .success(record)
        } catch {
            return .failure(error)
        }
    }

    /// The words in front of a command that make it run as the server's user.
    ///
    /// Not swift-subprocess's own options: they call glibc's `setgroups` in a child of `clone`, which waits for ever when
    /// another thread was being made at that moment (docs/adr/0006).
    private var asOwner: [String] {
        guard owner.isOther else { return [] }
        return ["setpriv", "--reuid=\(owner.userID)", "--regid=\(owner.groupID)", "--clear-groups"]
    }
}
