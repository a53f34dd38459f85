// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// Makes or restores a backup until it reaches a stage, says so, and waits to be killed:
//   BackupCrashProbe HOST USER DATABASE DIRECTORY STAGE [FILE]

import BackupContainers
import Glibc
import IdentityProviders
import KeyShareBackups
import KeyShareNode
import KeyShareProtocol
import Logging
import Postgres
import ShareEnvelopes

let words = CommandLine.arguments
guard words.count >= 6, let stage = BackupStage(rawValue: words[5]) else {
    preconditionFailure("usage: BackupCrashProbe HOST USER DATABASE DIRECTORY STAGE [FILE]")
}
let logger = Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() }
let client = PostgresClient(
    PostgresConfiguration(
        connectionString: "host='\(words[1])' user='\(words[2])' dbname='\(words[3])'",
        applicationName: "probe"
    ),
    logger: logger
)
let root = try RootSecret(file: [UInt8](repeating: 0x5A, count: 32))
let service = KeyShareService(
    configuration: KeyShareConfiguration(),
    client: client,
    identities: IdentityDirectory([:]),
    secrets: try ShareSecrets(root: root),
    logger: logger
)
try await service.prepare()
let backups = BackupService(
    configuration: BackupConfiguration(directory: words[4]),
    database: BackupDatabase(host: words[1], user: words[2], name: words[3]),
    client: client,
    service: service,
    keys: BackupKeySource { BackupKey(root: root) },
    observe: { reached in
        guard reached == stage else { return }
        print("there")
        fflush(nil)
        while true { try? await Task.sleep(for: .seconds(3600)) }
    },
    logger: logger
)
if words.count > 6, let path = DumpPath(words[6]) {
    _ = try await backups.restore(path)
} else {
    _ = try await backups.makeBackup()
}
print("missed")
