// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import CLinux
internal import Foundation
internal import Glibc
public import Logging
internal import Metrics
internal import Roughtime
public import RoughtimeLink
public import ServiceLifecycle
internal import Synchronization

/// The Roughtime server: UDP workers, TCP, and the gateway's socket, with one identity.
public final class Responder: Service, Sendable {
    private let options: ResponderOptions
    private let longTermPublicKey: [UInt8]
    private let holder: IdentityHolder
    private let sockets: BoundSockets
    private let queue: AnswerQueue
    private let notifier: ServiceNotifier
    private let metrics = ResponderMetrics()
    private let logger: Logger

    /// Opens the sockets; inherited ones take the place of those in the options.
    ///
    /// - Parameters:
    ///   - longTermPublicKey: the key that clients know.
    ///   - holder: where the identity comes from; nothing is answered while it is empty.
    ///   - environment: for inherited sockets and the service manager.
    public init(
        options: ResponderOptions,
        longTermPublicKey: [UInt8],
        holder: IdentityHolder,
        environment: (String) -> String?,
        logger: Logger
    ) throws(ResponderError) {
        guard let queue = AnswerQueue() else { throw ResponderError("the kernel has no event descriptor left") }
        var sockets =
            if let inherited = try SystemdSockets.inherited(options, environment: environment) { inherited } else {
                try BoundSockets.bind(options)
            }
        if let path = options.localSocket { sockets.local.append(try LocalSocket.listen(path)) }
        self.options = options
        self.longTermPublicKey = longTermPublicKey
        self.holder = holder
        self.sockets = sockets
        self.queue = queue
        notifier = ServiceNotifier(environment: environment)
        self.logger = logger
    }

    public var udpPorts: [UInt16] { sockets.udpPorts }
    public var tcpPorts: [UInt16] { sockets.tcpPorts }

    public func run() async throws {
        let streams = StreamServer(queue: queue, limits: options.streams)
        for socket in sockets.stream { try await streams.serveTCP(socket) }
        for socket in sockets.local { try await streams.serveLocal(socket) { [self] in status() } }
        let workers = try (0..<options.workers).map { try worker($0) }
        let ended = Mutex(workers.count)
        for (number, worker) in workers.enumerated() {
            let thread = Thread {
                clinux_set_thread_name("roughtime-\(number)")
                worker.run()
                ended.withLock { $0 -= 1 }
            }
            thread.stackSize = 1 << 20
            thread.start()
        }
        logger.info("answering", metadata: ["udp": "\(udpPorts)", "tcp": "\(tcpPorts)", "workers": "\(workers.count)"])
        notifier.notify("READY=1")
        await watch()
        notifier.notify("STOPPING=1")
        // While somebody listens there the name is ours; a moment later it may be our successor's.
        if let path = options.localSocket { unlink(path) }
        workers.forEach { $0.stop() }
        // Threads look up at least twice a second.
        for _ in 0..<200 where ended.withLock({ $0 > 0 }) { try? await Task.sleep(for: .milliseconds(10)) }
        // The streams hear of what is refused, so they end last.
        queue.shutDown()
        await streams.shutDown()
        for socket in sockets.datagram.joined() { close(socket) }
    }

    private func worker(_ number: Int) throws(ResponderError) -> Worker {
        try Worker(
            sockets: sockets.sockets(worker: number, of: options.workers),
            queue: queue,
            rules: RequestRules(versions: options.versions, longTermPublicKeys: [longTermPublicKey]),
            holder: holder,
            clock: clock,
            options: options,
            metrics: metrics,
            logger: logger
        )
    }

    private var clock: SigningClock<SystemClockSource> {
        SigningClock(source: SystemClockSource(), rules: options.radius, policy: options.unsynchronised)
    }

    /// Keeps the gauges and the service manager up to date until the service stops.
    private func watch() async {
        await cancelWhenGracefulShutdown {
            var clock = self.clock
            var hasWarned = false
            let step = min(self.notifier.watchdogInterval ?? .seconds(1), .seconds(1))
            while !Task.isCancelled {
                let (time, _) = clock.read()
                self.setGauges(time, isSynchronised: clock.isSynchronised, maximumError: clock.maximumError)
                if !clock.isSynchronised, !hasWarned {
                    hasWarned = true
                    self.logger.warning("\(self.unsynchronisedText)")
                }
                // Only a worker finds that an empty question is too short; a full queue has another reason to refuse it.
                if self.notifier.watchdogInterval != nil, await self.queue.answer([], .http) == .failure(.size) {
                    self.notifier.notify("WATCHDOG=1")
                }
                try? await Task.sleep(for: step)
            }
        }
    }

    private var unsynchronisedText: String {
        switch options.unsynchronised {
        case .wide: "the clock is not synchronised; answers state a radius of 16 s or more"
        case .silent: "the clock is not synchronised; nothing is answered until it is (timedatectl shows its state)"
        }
    }

    private func setGauges(_ time: Result<StatedTime, DropReason>, isSynchronised: Bool, maximumError: Int64) {
        Gauge(label: "roughtime_clock_synchronised").record(isSynchronised ? 1 : 0)
        Gauge(label: "roughtime_clock_max_error_seconds").record(Double(maximumError) / 1e6)
        if case .success(let time) = time { Gauge(label: "roughtime_radius_seconds").record(Int(time.radiusSeconds)) }
        let end = holder.identity.map { $0.notAfter / 1_000_000 } ?? 0
        Gauge(label: "roughtime_delegation_not_after_seconds").record(end)
    }

    /// What the responder says of itself.
    public func status() -> ResponderStatus {
        var clock = clock
        let identity = holder.identity
        let time = try? clock.read().time.get()
        return ResponderStatus(
            publicKey: Base64.encode(longTermPublicKey),
            versions: (identity?.versions ?? options.versions).versions.map(\.rawValue),
            udpPorts: udpPorts,
            tcpPorts: tcpPorts,
            delegation: identity.map {
                .init(
                    notBefore: $0.notBefore / 1_000_000,
                    notAfter: $0.notAfter / 1_000_000,
                    publicKey: Base64.encode($0.onlinePublicKey)
                )
            },
            radius: time?.radiusSeconds
        )
    }
}
