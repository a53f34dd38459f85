// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// Runs the job "work" and says so:
//   JobCrashProbe CONNECTION OWNER hang      the scheduler's service, whose job never ends
//   JobCrashProbe CONNECTION OWNER finish    until the job has run once

import Crawler
import Foundation
import Logging
import Postgres
import Synchronization

guard CommandLine.arguments.count == 4 else { preconditionFailure("usage: JobCrashProbe CONNECTION OWNER hang|finish") }
let owner = CommandLine.arguments[2]
let hangs = CommandLine.arguments[3] == "hang"

/// Says something at once, although the output is a pipe.
@Sendable func say(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

let logger = Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() }
let client = PostgresClient(
    PostgresConfiguration(connectionString: CommandLine.arguments[1], connections: 2, applicationName: owner),
    logger: logger
)
let hasRun = Atomic<Bool>(false)
let job = Job(name: "work", interval: .seconds(3600), timeout: .seconds(600)) { _ in
    say("begin \(owner)")
    if hangs { try await Task.sleep(for: .seconds(600)) }
    hasRun.store(true, ordering: .relaxed)
}
let scheduler = JobScheduler([job], client: client, owner: owner, logger: logger)
if hangs {
    try await scheduler.run()
} else {
    try await scheduler.register()
    while !hasRun.load(ordering: .relaxed) { try await scheduler.runDueJobs() }
    say("end \(owner)")
}
await client.shutDown()
