// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Settings
import Supervisor

/// Works on the database of a run.
struct DatabaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db",
        abstract: "Print the database's URL, or open psql or pg_dump on it.",
        discussion: """
            The database is that of DATABASE_URL, or of the run whose data directory is given.

              assay db url --data ./assay-data
              assay db psql --data ./assay-data
              assay db dump --data ./assay-data > assay.dump
            """
    )

    enum Action: String, ExpressibleByArgument, CaseIterable {
        case url, psql, dump, restore
    }

    @Argument(help: "url, psql, dump (to standard output) or restore (from standard input).")
    var action: Action

    @Option(help: "The data directory of 'assay run'.")
    var data: String?

    func run() async throws {
        let url = try connectionURL()
        switch action {
        case .url: print(url)
        case .psql: try replaceProcess(["psql", url])
        case .dump: try replaceProcess(["pg_dump", "-Fc", "-d", url])
        case .restore: try replaceProcess(["pg_restore", "--clean", "--if-exists", "--no-owner", "-d", url])
        }
    }

    private func connectionURL() throws -> String {
        if let data {
            guard let file = try? RunFile.read(data + "/run.json") else {
                throw Failure(
                    Failure.unavailable,
                    "\(data)/run.json cannot be read: is 'assay run --data \(data)' running?"
                )
            }
            return file.database
        }
        guard let url = try Settings.load().secret(.databaseURL) else {
            throw ValidationError("give --data DIR of a run, or set DATABASE_URL")
        }
        return url.text
    }

    private func replaceProcess(_ words: [String]) throws {
        var arguments = words.map { strdup($0) } + [nil]
        execvp(words[0], &arguments)
        throw Failure(
            Failure.unavailable,
            "\(words[0]) cannot be started; install it: apt-get install --no-install-recommends postgresql-client"
        )
    }
}
