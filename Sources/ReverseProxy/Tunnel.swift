// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes
public import NIOCore
internal import Synchronization

/// An upgraded connection to the backend that waits to be joined with the client's.
///
/// First ``join(_:)``, then write the 101 head to the client, then ``run()``. Whoever does not run it closes it.
public final class Tunnel: Sendable {
    /// The head for the client: 101 with the backend's headers.
    public let head: HTTPResponse
    private let backend: any Channel
    private let ends: NIOLoopBound<Ends>
    private let ended: EventLoopPromise<Void>
    private let idleTimeout: TimeAmount
    private let totalTimeout: TimeAmount?

    /// Both ends, and when something last passed; on the event loop of both channels.
    final class Ends {
        let client: TunnelEnd
        let backend: TunnelEnd
        private let clock: Clock

        final class Clock {
            var last = NIODeadline.now()
        }

        init(ended: EventLoopPromise<Void>) {
            let clock = Clock()
            self.clock = clock
            client = TunnelEnd(isOpen: true, onActivity: { clock.last = .now() }, onEnd: { ended.succeed(()) })
            backend = TunnelEnd(isOpen: false, onActivity: { clock.last = .now() }, onEnd: { ended.succeed(()) })
        }

        var lastActivity: NIODeadline { clock.last }
    }

    init(head: HTTPResponse, backend: any Channel, ends: Ends, ended: EventLoopPromise<Void>, target: UpstreamTarget) {
        self.head = head
        self.backend = backend
        self.ends = NIOLoopBound(ends, eventLoop: backend.eventLoop)
        self.ended = ended
        idleTimeout = TimeAmount(target.tunnelIdleTimeout)
        totalTimeout = target.totalTimeout.map { TimeAmount($0) }
    }

    /// Takes over what the client sends from now on; what is written to the client still goes its usual way.
    ///
    /// - Parameter client: a plain connection on the event loop that the tunnel was opened with.
    public func join(_ client: any Channel) async throws {
        try await backend.eventLoop.submit { [ends] in
            TunnelEnd.join(ends.value.client, ends.value.backend)
            try client.pipeline.syncOperations.addHandler(ends.value.client, position: .first)
        }.get()
    }

    /// Lets the backend's bytes pass, and returns when either side has ended.
    public func run() async {
        let loop = backend.eventLoop
        loop.execute { [self] in
            ends.value.backend.open()
            watch(after: idleTimeout)
            if let totalTimeout { loop.scheduleTask(in: totalTimeout) { self.close() } }
        }
        await withTaskCancellationHandler {
            try? await ended.futureResult.get()
        } onCancel: {
            close()
        }
    }

    /// Ends the tunnel on both sides.
    public func close() {
        backend.close(promise: nil)
        // A tunnel that was never joined has nobody else to end it.
        backend.closeFuture.whenComplete { [ended] _ in ended.succeed(()) }
    }

    private func watch(after delay: TimeAmount) {
        let task = backend.eventLoop.scheduleTask(in: delay) { [self] in
            let due = ends.value.lastActivity + idleTimeout
            if due <= .now() { close() } else { watch(after: due - .now()) }
        }
        ended.futureResult.whenComplete { _ in task.cancel() }
    }
}
