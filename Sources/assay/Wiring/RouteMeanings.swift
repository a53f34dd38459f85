// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crawler
import LND
import LightningPrimitives
import Logging
import Metrics
import Postgres
import ServiceLifecycle

/// Makes sure that the node's sentences about routes are understood, whichever version it has.
///
/// What was learnt of the version is read from the table `lnd_meanings`; then two questions whose answers are known ask
/// for the rest. That happens once a process, and again as soon as the node says that it has another version.
struct RouteMeanings: Service {
    private static let known = Statement(
        "lnd.meanings",
        "SELECT call, code, message, meaning FROM lnd_meanings WHERE version = $1"
    )
    private static let insert = Statement(
        "lnd.meaning",
        """
        INSERT INTO lnd_meanings (version, call, code, message, meaning) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING
        """
    )

    let lnd: LNDClient
    let live: LiveGraph<LNDGraphSource>
    let client: PostgresClient
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var read = ""
            var verified = ""
            while !Task.isCancelled {
                // The node's watch asks for the version once a minute.
                let version = self.lnd.knownVersion
                do {
                    if !version.isEmpty, version != read {
                        try await self.adopt(version)
                        read = version
                    }
                    if !version.isEmpty, version != verified, try await self.verify(version) { verified = version }
                } catch {
                    self.logger.warning("sentences of the node are not kept", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: .seconds(5))
            }
        }
    }

    private func adopt(_ version: String) async throws {
        var meanings: [LearntMeaning] = []
        for row in try await client.query(Self.known, [.text(version)]) {
            guard let meaning = LNDError.Meaning(rawValue: try row.text(3)) else { continue }
            let (call, code, message) = (try row.text(0), Int(try row.int4(1)), try row.text(2))
            meanings.append(LearntMeaning(call: call, code: code, message: message, meaning: meaning))
        }
        lnd.adopt(meanings, of: version)
    }

    /// - Returns: whether the questions could be asked.
    private func verify(_ version: String) async throws -> Bool {
        guard let canaries = await live.canaries() else { return false }
        let learnt = await lnd.learnRouteMeanings(
            hub: canaries.hub,
            small: canaries.small,
            capacity: canaries.capacity,
            beyondBalance: .sat(1_000_000_000_000)
        )
        Gauge(label: "lnd_meanings_unconfirmed").record(learnt.count)
        for entry in learnt {
            logger.error(
                "the node has new words for a known answer; confirm their meaning",
                metadata: ["lnd.message": "\(entry.message)", "lnd.meaning": "\(entry.meaning)"]
            )
            try await client.execute(
                Self.insert,
                [
                    .text(version), .text(entry.call), .int4(Int32(clamping: entry.code)), .text(entry.message),
                    .text(entry.meaning.rawValue),
                ]
            )
        }
        return true
    }
}
