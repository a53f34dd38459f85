// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import ServiceLifecycle

/// Cancels the invoices that nobody has paid in time; a service to run.
public struct InvoiceExpiry: Service {
    private let gate: Gate

    public init(gate: Gate) { self.gate = gate }

    /// Looks every few seconds until graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await gate.cancelExpiredInvoices()
                try? await Task.sleep(for: .seconds(5))
            }
        }
    }
}
