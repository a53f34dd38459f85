// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Metrics
public import ServiceLifecycle

/// Watches a node: whether it is there every 15 seconds, and whether it takes the macaroons every minute.
public final class LNDWatch: Service, Sendable {
    private let clients: [(purpose: MacaroonPurpose, client: LNDClient)]

    private let isMainNode: Bool

    /// - Parameters:
    ///   - clients: of one node, each with what its macaroon is for; the first one asks for the state.
    ///   - isMainNode: whether the gauge of reachability speaks of this node.
    public init(_ clients: [(purpose: MacaroonPurpose, client: LNDClient)], isMainNode: Bool = true) {
        self.clients = clients
        self.isMainNode = isMainNode
    }

    /// Watches until graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var round = 0
            while !Task.isCancelled {
                await self.look(withMacaroons: round % 4 == 0)
                round += 1
                try? await Task.sleep(for: .seconds(15))
            }
        }
    }

    /// Looks once.
    func look(withMacaroons: Bool) async {
        guard let first = clients.first else { return }
        let state = try? await first.client.walletState()
        let isActive = state == .rpcActive || state == .serverActive
        if isMainNode { Gauge(label: "lnd_reachable").record(isActive ? 1 : 0) }
        guard isActive, withMacaroons else { return }
        for (purpose, client) in clients { await client.checkMacaroon(purpose) }
    }
}
