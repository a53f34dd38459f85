// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ServiceLifecycle

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Cancels invoices when their time is up.
struct ExpiryWatcher: Sendable {
    let ledger: Ledger
    let clock: any SandboxClock

    /// Looks once a second until graceful shutdown or cancellation; looking costs nothing while nothing can expire.
    func run() async {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let now = clock.now
                try? await ledger.change { (state) throws(RPCError) in state.cancelExpired(now: now) }
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }
}

/// The machine's clock.
struct SystemSandboxClock: SandboxClock {
    var nowNs: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
