// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Settings
import Testing

@Suite("Settings of a key share node")
struct KeyShareSettingsTests {
    private static let oko = [
        "PORT", "DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME", "DB_SSL", "ENCRYPTION_SECRET_PATH",
        "ADMIN_PASSWORD", "DUMP_DIR", "TELEGRAM_BOT_TOKEN", "OKO_API_BASE_URL", "KS_NODE_REPORT_PASSWORD",
    ]

    @Test("Oko's thirteen names, and those of its compose file, are known")
    func names() {
        let known = Set(Setting.keyShareNode.map(\.name))
        #expect(known.isSuperset(of: Self.oko))
        #expect(
            known.isSuperset(of: ["PG_DATA_DIR", "LOG_DIR", "SERVER_PORT", "ENCRYPTION_SECRET_FILE_PATH", "LOG_LEVEL"])
        )
        #expect(
            known.isSuperset(of: [
                "KS_ROOT_SECRET_FILE", "KS_ADMIN_LISTEN", "KS_ADMIN_PASSWORD_HASH", "KS_TRUSTED_PROXIES",
                "KS_COMMIT_REVEAL", "KS_PROVIDERS", "KS_TELEGRAM_HMAC", "KS_TELEGRAM_MAX_AGE_S", "KS_BACKUP_AT",
                "KS_BACKUP_RECIPIENTS", "KS_BACKUP_WEEKLY", "KS_BACKUP_MONTHLY", "KS_OFFSITE", "KS_WRITE_FORMAT",
                "KS_CORS_ORIGINS", "KS_PRICES", "LOG_FORMAT", "KS_CHECK_AUTH",
            ])
        )
        #expect(Set(Setting.keyShareNode.map(\.name)).count == Setting.keyShareNode.count)
    }

    @Test("the node listens on 4201 by default, the gateway as ever on 3000")
    func ports() throws {
        let node = try Settings(environment: [:], table: Setting.keyShareNode)
        #expect(node.integer(.keySharePort) == 4201)
        #expect(try Settings(environment: [:]).integer(.port) == 3000)
        let given = ["PORT": "5000"]
        #expect(try Settings(environment: given, table: Setting.keyShareNode).integer(.keySharePort) == 5000)
    }

    @Test("all that is missing is said at once, with what it is for, and unknown KS_ names are refused")
    func missing() {
        do {
            _ = try Settings(
                environment: ["KS_ROOT_SECRT_FILE": "x", "DB_SSL": "perhaps"],
                table: Setting.keyShareNode,
                required: [.databaseHost, .databaseUser, .databaseName]
            )
            Issue.record("accepted")
        } catch {
            #expect(error.problems.count == 5)
            #expect(error.problems.contains { $0.hasPrefix("DB_HOST is not set: ") })
            #expect(error.problems.contains("KS_ROOT_SECRT_FILE is not a setting"))
        }
        // The gateway refuses them as well.
        #expect(throws: Settings.Invalid.self) { try Settings(environment: ["KS_TYPO": "1"]) }
    }

    @Test("an empty KS_ADMIN_LISTEN is a value, an empty PORT is none")
    func empty() throws {
        let settings = try Settings(environment: ["KS_ADMIN_LISTEN": "", "PORT": ""], table: Setting.keyShareNode)
        #expect(settings.text(.keyShareAdminListen) == "")
        #expect(settings.integer(.keySharePort) == 4201)
        #expect(
            try Settings(environment: [:], table: Setting.keyShareNode).text(.keyShareAdminListen) == "127.0.0.1:4301"
        )
    }

    @Test("a secret comes from its file, and is never shown")
    func secrets() throws {
        let path = NSTemporaryDirectory() + "assay-secret-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(
            FileManager.default.createFile(
                atPath: path,
                contents: Data("from the file\n".utf8),
                attributes: [.posixPermissions: 0o600]
            )
        )
        let environment = ["DB_PASSWORD_FILE": path, "ADMIN_PASSWORD": "seven brown foxes"]
        let settings = try Settings(environment: environment, table: Setting.keyShareNode)
        #expect(settings.secret(.databasePassword)?.text == "from the file")
        #expect(settings.shown(.databasePassword) == "[redacted]")
        #expect(settings.shown(.keyShareAdminPassword) == "[redacted]")
    }

    @Test("files of settings are read as Docker and dotenv read them")
    func files() throws {
        let text = """
            # a comment

            PORT=4202
            export DB_HOST = localhost
            DB_PASSWORD="a # b = c"  # and this
            DB_NAME='with "quotes"'
            DB_USER=plain # comment
            LOG_DIR=
            KS_CORS_ORIGINS=https://a.example#b\r
            """
        let values = try EnvironmentText.values(text).map { "\($0.name)=\($0.value)" }
        #expect(
            values == [
                "PORT=4202", "DB_HOST=localhost", "DB_PASSWORD=a # b = c", "DB_NAME=with \"quotes\"", "DB_USER=plain",
                "LOG_DIR=", "KS_CORS_ORIGINS=https://a.example#b",
            ]
        )
        for (bad, line) in [("PORT", 1), ("A=1\n=2", 2), ("A B=1", 1), ("A=\"open", 1), ("A=\"x\" y", 1)] {
            #expect(throws: EnvironmentText.Malformed(line: line)) { try EnvironmentText.values(bad) }
        }
    }

    @Test("files of settings that are anything never crash the reader")
    func anything() {
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0...60)).map { _ in UInt8.random(in: 0...127) }
            _ = try? EnvironmentText.values(String(decoding: bytes, as: UTF8.self))
        }
    }
}
