// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CDatagrams
internal import Glibc

/// The sockets of a responder, bound by us or inherited.
struct BoundSockets {
    /// UDP sockets; those of one address stand together, one for each worker where there are as many.
    var datagram: [[Int32]] = []
    /// Listening TCP sockets.
    var stream: [Int32] = []
    /// Listening Unix sockets.
    var local: [Int32] = []

    /// The UDP sockets of one of so many workers, of every address at least one.
    ///
    /// Workers share where there are fewer sockets; where there are more, every socket is still read by one of them: the
    /// kernel hands datagrams to all.
    func sockets(worker: Int, of workers: Int) -> [Int32] {
        datagram.flatMap { group in
            group.count <= workers
                ? [group[worker % group.count]] : stride(from: worker, to: group.count, by: workers).map { group[$0] }
        }
    }

    var udpPorts: [UInt16] { Set(datagram.compactMap { $0.first.flatMap(SocketAddress.port) }).sorted() }
    var tcpPorts: [UInt16] { Set(stream.compactMap(SocketAddress.port)).sorted() }

    func closeAll() {
        for socket in datagram.joined() { close(socket) }
        for socket in stream + local { close(socket) }
    }

    /// Binds everything that the options name.
    static func bind(_ options: ResponderOptions) throws(ResponderError) -> BoundSockets {
        var sockets = BoundSockets()
        do throws(ResponderError) {
            for address in options.addresses {
                var group: [Int32] = []
                var port = address.port
                for _ in 0..<options.workers {
                    let socket = try open(address.host, port, SOCK_DGRAM, options)
                    group.append(socket)
                    // A free port once found is everybody's.
                    if port == 0 { port = SocketAddress.port(socket) ?? 0 }
                }
                sockets.datagram.append(group)
                guard options.listensOnTCP else { continue }
                do throws(ResponderError) {
                    sockets.stream.append(try open(address.host, port, SOCK_STREAM, options))
                } catch {
                    // The number that was free for UDP may be somebody's for TCP; then any other will do.
                    guard address.port == 0 else { throw error }
                    sockets.stream.append(try open(address.host, 0, SOCK_STREAM, options))
                }
            }
        } catch {
            sockets.closeAll()
            throw error
        }
        return sockets
    }

    private static func open(
        _ host: String,
        _ port: UInt16,
        _ kind: __socket_type,
        _ options: ResponderOptions
    ) throws(ResponderError) -> Int32 {
        do throws(ResponderError) {
            return try openExactly(host, port, kind, options)
        } catch {
            // A machine without IPv6 still has all of IPv4.
            guard host == "::" else { throw error }
            return try openExactly("0.0.0.0", port, kind, options)
        }
    }

    private static func openExactly(
        _ host: String,
        _ port: UInt16,
        _ kind: __socket_type,
        _ options: ResponderOptions
    ) throws(ResponderError) -> Int32 {
        guard let address = SocketAddress(host: host, port: port) else {
            throw ResponderError("\(host) is not an IP address to listen on")
        }
        let flags = Int32(kind.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.family, flags, 0)
        func failure(_ what: String) -> ResponderError {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            return ResponderError("cannot \(what) \(ListenAddress(host: host, port: port)): \(reason)")
        }
        guard descriptor >= 0 else { throw failure("open a socket for") }
        set(descriptor, SOL_SOCKET, kind == SOCK_DGRAM ? SO_REUSEPORT : SO_REUSEADDR, 1)
        if address.family == AF_INET6 { set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        guard address.withPointer({ Glibc.bind(descriptor, $0, $1) }) == 0 else { throw failure("listen on") }
        if kind == SOCK_DGRAM {
            try prepare(descriptor, options)
        } else {
            guard listen(descriptor, 1024) == 0 else { throw failure("listen on") }
        }
        return descriptor
    }

    /// Sets up a UDP socket, also one that was inherited.
    static func prepare(_ descriptor: Int32, _ options: ResponderOptions) throws(ResponderError) {
        // Beyond the system's limit only root may go; less is no reason not to serve.
        set(descriptor, SOL_SOCKET, SO_RCVBUF, Int32(clamping: options.receiveBuffer))
        set(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, Int32(clamping: options.receiveBuffer))
        set(descriptor, SOL_SOCKET, SO_SNDBUF, Int32(clamping: options.receiveBuffer))
        let family = SocketAddress.family(descriptor)
        guard datagram_prepare(descriptor, family) == 0 else {
            throw ResponderError("cannot set up a UDP socket: \(String(cString: strerror(errno)))")
        }
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
