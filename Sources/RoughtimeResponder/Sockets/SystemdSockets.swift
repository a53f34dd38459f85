// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Sockets that systemd opened for us (`sd_listen_fds(3)`), and word to it that we are ready (`sd_notify(3)`).
enum SystemdSockets {
    private static let first: Int32 = 3
    private static let most: Int32 = 256

    /// The inherited sockets; nil when there are none.
    static func inherited(
        _ options: ResponderOptions,
        environment: (String) -> String?
    ) throws(ResponderError) -> BoundSockets? {
        guard let count = environment("LISTEN_FDS").flatMap({ Int32($0) }), count > 0 else { return nil }
        if let process = environment("LISTEN_PID"), Int32(process) != getpid() { return nil }
        guard count <= most else { throw ResponderError("LISTEN_FDS is \(count); at most \(most) sockets are taken") }
        var sockets = BoundSockets()
        var groups: [[UInt8]: Int] = [:]
        for descriptor in first..<first + count {
            guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0,
                fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0
            else { throw ResponderError("LISTEN_FDS names descriptor \(descriptor), which is not open") }
            switch (kind(descriptor), SocketAddress.family(descriptor)) {
            case (Int32(SOCK_DGRAM.rawValue), AF_INET), (Int32(SOCK_DGRAM.rawValue), AF_INET6):
                try BoundSockets.prepare(descriptor, options)
                let key = SocketAddress.key(descriptor)
                if let group = groups[key] {
                    sockets.datagram[group].append(descriptor)
                } else {
                    groups[key] = sockets.datagram.count
                    sockets.datagram.append([descriptor])
                }
            case (Int32(SOCK_STREAM.rawValue), AF_UNIX): sockets.local.append(descriptor)
            case (Int32(SOCK_STREAM.rawValue), AF_INET), (Int32(SOCK_STREAM.rawValue), AF_INET6):
                sockets.stream.append(descriptor)
            default:
                throw ResponderError("inherited descriptor \(descriptor) is neither a UDP, a TCP nor a Unix socket")
            }
        }
        return sockets
    }

    private static func kind(_ descriptor: Int32) -> Int32 {
        var kind: Int32 = -1
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &kind, &length)
        return kind
    }
}

/// Tells the service manager about our state.
public struct ServiceNotifier: Sendable {
    private let path: String?
    /// How often the manager wants a sign of life; nil when it does not.
    public let watchdogInterval: Duration?

    public init(environment: (String) -> String?) {
        path = environment("NOTIFY_SOCKET")
        let isOurs = environment("WATCHDOG_PID").map { Int32($0) == getpid() } ?? true
        let interval = environment("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
        // As sd_watchdog_enabled(3): nothing, or less, asks for nothing.
        watchdogInterval = isOurs && interval > 1 ? .microseconds(interval / 2) : nil
    }

    /// Sends a state such as `READY=1`.
    public func notify(_ state: String) {
        guard let path, path.hasPrefix("/") || path.hasPrefix("@") else { return }
        // A pair, of which one end can send anywhere: the unit forbids socket(2) altogether (RestrictAddressFamilies=none).
        var pair: [Int32] = [-1, -1]
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        let isMade = socketpair(AF_UNIX, kind, 0, &pair) == 0
        guard isMade else { return }
        defer {
            close(pair[0])
            close(pair[1])
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        // An abstract socket's name begins with a zero byte.
        if path.hasPrefix("@") { name[0] = 0 }
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard name.count < capacity else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        _ = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                state.withCString { sendto(pair[0], $0, strlen($0), Int32(MSG_NOSIGNAL), pointer, length) }
            }
        }
    }
}
