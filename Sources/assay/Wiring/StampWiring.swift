// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Gateway
import LightningPrimitives
import Roughtime
import RoughtimeLink
import Settings
import TimeStamping

/// Turns settings into what stamps are made with.
struct StampWiring {
    let stamper: Stamper
    let desk: StampDesk

    /// What the module roughtime sells besides signed time.
    ///
    /// - Throws: ``Failure`` when a setting or a file it names is wrong.
    init(_ settings: Settings) throws {
        let link = try RoughtimeWiring.link(settings)
        let stamper = Stamper(
            publicKey: try RoughtimeWiring.publicKey(settings, ProcessInfo.processInfo.environment),
            answer: { try await link.answer($0) }
        )
        self.stamper = stamper
        desk = StampDesk(
            stamper: stamper,
            prices: StampDesk.Prices(
                stamp: .sat(Int64(settings.integer(.stampPrice) ?? 1)),
                archive: .sat(Int64(settings.integer(.stampArchivePrice) ?? 1))
            )
        )
    }
}
