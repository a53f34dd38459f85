// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningSandbox
import Logging
import ServiceLifecycle

/// The Lightning node: a process of its own, so that its work is not counted as the gate's.
enum NodeProcess {
    struct Place: Codable {
        let url: String
        let certificate: String
        let macaroon: String
    }

    static func run(directory: String) async throws {
        ChildProcess.endWithParent()
        let logger = Logger(label: "node") { _ in SwiftLogNoOpLogHandler() }
        let sandbox = Sandbox(
            configuration: SandboxConfiguration(directory: "\(directory)/node", accounts: [.init(name: "merchant")]),
            logger: logger
        )
        async let stopped: Void = sandbox.run()
        guard let account = try await sandbox.ready().first else { return }
        let place = Place(
            url: account.restURL,
            certificate: account.tlsCertPath,
            macaroon: account.invoiceMacaroonPath
        )
        try ChildProcess.announce(place, at: "\(directory)/node.json")
        try await stopped
    }
}
