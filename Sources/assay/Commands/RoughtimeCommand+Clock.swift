// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RoughtimeKeys
import Settings

extension RoughtimeCommand {
    /// Says whether delegations may be signed by this machine's clock.
    struct Clock: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether the kernel holds the clock for synchronised.",
            discussion: """
                assay-roughtime-delegate.service asks this before the key is unsealed. ASSAY_ROUGHTIME_UNSYNC=wide makes \
                every clock good enough.

                Exit codes: 0 synchronised, or good enough; 77 not; 69 the kernel does not say.
                """
        )

        func run() throws {
            let settings = try Settings.load()
            try RoughtimeCommand.guarding {
                let clock = try KernelClock.read()
                if settings.text(.roughtimeUnsynchronised) != "wide" { try clock.requireSynchronised() }
                Terminal.say(
                    clock.isSynchronised ? "synchronised" : "not synchronised, allowed by ASSAY_ROUGHTIME_UNSYNC"
                )
            }
        }
    }
}
