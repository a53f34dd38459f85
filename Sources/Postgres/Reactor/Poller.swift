// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Wakes the connections' thread from any other one: an eventfd.
final class Doorbell: Sendable {
    let descriptor: Int32

    /// Returns `nil` when the process has no descriptor left.
    init?() {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard descriptor >= 0 else { return nil }
    }

    deinit { close(descriptor) }

    /// Rings; never blocks, because the counter cannot overflow while the thread resets it.
    func ring() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    /// Makes the next ring wake the thread again.
    func reset() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}

/// Readiness of many descriptors: an epoll instance, level-triggered.
final class Poller {
    struct Interest: OptionSet {
        let rawValue: UInt32
        static let read = Interest(rawValue: EPOLLIN.rawValue)
        static let write = Interest(rawValue: EPOLLOUT.rawValue)
    }

    private let descriptor: Int32
    private var events = [epoll_event](repeating: epoll_event(), count: 64)

    /// Returns `nil` when the process has no descriptor left.
    init?() {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { return nil }
    }

    deinit { close(descriptor) }

    /// Watches a descriptor; `token` comes back with its events.
    func watch(_ watched: Int32, for interest: Interest, token: UInt64) {
        var event = epoll_event(events: interest.rawValue, data: epoll_data_t(u64: token))
        if epoll_ctl(descriptor, EPOLL_CTL_MOD, watched, &event) != 0 {
            _ = epoll_ctl(descriptor, EPOLL_CTL_ADD, watched, &event)
        }
    }

    /// Stops watching; does nothing for a descriptor that is not watched.
    func forget(_ watched: Int32) {
        guard watched >= 0 else { return }
        var event = epoll_event()
        _ = epoll_ctl(descriptor, EPOLL_CTL_DEL, watched, &event)
    }

    /// Waits for events and hands out their tokens; `nil` waits without limit.
    func wait(until deadline: ContinuousClock.Instant?, _ body: (_ token: UInt64) -> Void) {
        let count = epoll_wait(descriptor, &events, Int32(events.count), Self.milliseconds(until: deadline))
        guard count > 0 else { return }
        for index in 0..<Int(count) { body(events[index].data.u64) }
    }

    /// Rounds up, so that a deadline has passed when the wait ends.
    private static func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
        guard let deadline else { return -1 }
        let left = ContinuousClock.now.duration(to: deadline)
        guard left > .zero else { return 0 }
        let (seconds, attoseconds) = left.components
        guard seconds < 86_400 else { return 86_400_000 }
        return Int32(seconds) * 1000 + Int32(attoseconds / 1_000_000_000_000_000) + 1
    }
}
