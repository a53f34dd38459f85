// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Gateway
import LightningPrimitives
import Logging
import Oracle
import Postgres
import RoughtimeClient
import RoughtimeLink
import ServiceLifecycle
import Settings
import TimeArchive
import TimeStamping

/// Turns settings into what stamps are made with.
struct StampWiring {
    let desk: StampDesk
    /// Stamps the scores; none where that is switched off.
    let services: [any Service]

    /// What the module roughtime sells besides signed time.
    ///
    /// - Parameter oracle: whose scores are stamped; nil in a gateway without them.
    /// - Throws: ``Failure`` when a setting or a file it names is wrong.
    init(_ settings: Settings, _ client: PostgresClient, oracle: TrustOracle?, logger: Logger) throws {
        let link = try RoughtimeWiring.link(settings)
        let stamper = Stamper(
            publicKey: try RoughtimeWiring.publicKey(settings, ProcessInfo.processInfo.environment),
            answer: { try await link.answer($0) },
            extend: try Self.witnesses(settings)
        )
        let archive = ScoreArchive(client: client)
        desk = StampDesk(
            stamper: stamper,
            prices: StampDesk.Prices(
                stamp: .sat(Int64(settings.integer(.stampPrice) ?? 1)),
                archive: .sat(Int64(settings.integer(.stampArchivePrice) ?? 1))
            ),
            archive: oracle == nil ? nil : archive,
            link: link
        )
        let seconds = settings.integer(.stampScoresEvery) ?? 60
        guard let oracle, seconds > 0 else {
            services = []
            return
        }
        services = [
            ScoreStamper(
                stamper: stamper,
                archive: archive,
                source: ScoreSource(oracle),
                interval: .seconds(seconds),
                logger: logger
            )
        ]
    }
}

extension StampWiring {
    /// Servers of others that sign a stamp after our own.
    private static let witnessesWanted = 2
    /// For all of them; a caller waits for the stamp.
    private static let patience = Duration.seconds(6)

    private static func witnesses(_ settings: Settings) throws -> Stamper.Extension {
        guard let servers = try ClockWiring.servers(settings, .stampServers) else { return { $0 } }
        let sequence = ChainSequence(rounds: 1, perServer: .seconds(2), enough: witnessesWanted)
        return { links in
            let run = await sequence.run(servers.shuffled(), after: links, within: patience)
            return links + run.links
        }
    }
}

extension ScoreSource {
    /// The scores that an oracle has loaded.
    init(_ oracle: TrustOracle) {
        self.init {
            let snapshot = oracle.snapshot
            guard let version = snapshot.version else { return nil }
            return Edition(version: version) {
                snapshot.statements.map { statement in
                    StampableScore(
                        node: statement.node,
                        content: { Array(try statement.content()) },
                        document: { Array(try statement.json(after: $0)) }
                    )
                }
            }
        }
    }
}
