// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Subprocess

/// A directory that holds `postgres`, `initdb` and `pg_ctl` of one major version.
struct ServerBinaries: Hashable, Sendable {
    let directory: String
    let majorVersion: Int

    private static let programs = ["postgres", "initdb", "pg_ctl"]

    /// Finds the programs: those of the version a data directory needs, else the newest.
    ///
    /// - Parameters:
    ///   - candidates: directories to look in, in place of Debian's and those of `PATH`.
    ///   - wanted: the major version of an existing data directory.
    static func find(
        in candidates: [String]?,
        matching wanted: Int?,
        path: String?
    ) async throws(EmbeddedPostgresError) -> ServerBinaries {
        var found: [ServerBinaries] = []
        for directory in candidates ?? debianDirectories() + (path ?? "").split(separator: ":").map(String.init) {
            let isComplete = programs.allSatisfy {
                FileManager.default.isExecutableFile(atPath: "\(directory)/\($0)")
            }
            guard isComplete, let version = await majorVersion(in: directory) else { continue }
            found.append(ServerBinaries(directory: directory, majorVersion: version))
        }
        guard let newest = found.max(by: { $0.majorVersion < $1.majorVersion }) else {
            throw notFound(candidates)
        }
        guard let wanted else { return newest }
        guard let match = found.first(where: { $0.majorVersion == wanted }) else {
            throw mismatch(wanted: wanted, found: newest)
        }
        return match
    }

    /// What `postgres --version` says, such as 15 for `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
    private static func majorVersion(in directory: String) async -> Int? {
        let result = try? await Subprocess.run(
            .name("postgres"),
            arguments: ["--version"],
            environment: .custom(["PATH": directory, "LC_ALL": "C"]),
            output: .string(limit: 4096)
        )
        guard let words = result?.standardOutput.split(separator: " "), words.count > 2 else { return nil }
        return Int(words[2].prefix { $0.isNumber })
    }

    private static func debianDirectories() -> [String] {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return versions.map { "\(root)/\($0)/bin" }
    }

    private static func notFound(_ directories: [String]?) -> EmbeddedPostgresError {
        let places = directories?.joined(separator: ", ") ?? "/usr/lib/postgresql/*/bin and PATH"
        return EmbeddedPostgresError(
            .serverNotFound,
            """
            no database: looked for the PostgreSQL server programs (\(programs.joined(separator: ", "))) in \(places).
            Either install them: apt-get install --no-install-recommends postgresql
            or name a database: DATABASE_URL=postgresql://user@host/name
            (On Debian, "create_main_cluster = false" in /etc/postgresql-common/createcluster.conf avoids a system cluster.)
            """
        )
    }

    private static func mismatch(wanted: Int, found: ServerBinaries) -> EmbeddedPostgresError {
        EmbeddedPostgresError(
            .versionMismatch,
            """
            the data directory was made by PostgreSQL \(wanted), installed is \(found.majorVersion) in \(found.directory).
            Either install the old one: apt-get install --no-install-recommends postgresql-\(wanted)
            or convert the data with both installed: stop assay, initdb a new directory with \(found.majorVersion), run
            pg_upgrade -b OLD/bin -B \(found.directory) -d OLD/data -D NEW/data as the server's user, put NEW in place.
            """
        )
    }
}
