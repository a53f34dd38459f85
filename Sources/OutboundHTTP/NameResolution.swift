// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import IPAddresses
internal import NIOPosix
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Finds the addresses of a name.
public protocol NameResolver: Sendable {
    /// The addresses, in order of preference; empty when the name has none.
    /// - Throws: ``OutboundError/busy`` when nobody could look: that says nothing about the name.
    func addresses(of name: String) async throws(OutboundError) -> [IPAddress]
}

/// Something that has happened or has not.
final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    func raise() { value.store(true, ordering: .releasing) }
    var isRaised: Bool { value.load(ordering: .acquiring) }
}

/// The system's resolver, on threads of its own because it blocks.
///
/// A name server that answers slowly or never holds up nobody else: who waits gives up after five seconds, and of look-ups
/// that are still stuck there is a limited number. A name whose look-up did not even begin is not held to be missing:
/// otherwise the owner of slow names could make all others look dead.
public struct SystemResolver: NameResolver {
    private static let pool: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
        return pool
    }()
    private static let underWay = Atomic<Int>(0)
    static let threads = 32
    private static let limit = 128
    private static let patience = Duration.seconds(5)

    public init() {}

    public func addresses(of name: String) async throws(OutboundError) -> [IPAddress] {
        try await Self.look(within: Self.patience) { Self.lookUp(name) }
    }

    /// Looks on a thread of the pool.
    static func look(
        within patience: Duration,
        _ lookUp: @escaping @Sendable () -> [IPAddress]
    ) async throws(OutboundError) -> [IPAddress] {
        guard underWay.add(1, ordering: .relaxed).newValue <= limit else {
            underWay.subtract(1, ordering: .relaxed)
            throw .busy
        }
        let (answers, answer) = AsyncStream<[IPAddress]>.makeStream(bufferingPolicy: .bufferingOldest(1))
        let hasBegun = Flag()
        pool.submit { _ in
            hasBegun.raise()
            answer.yield(lookUp())
            underWay.subtract(1, ordering: .relaxed)
        }
        let timeout = Task {
            try await Task.sleep(for: patience)
            answer.yield([])
        }
        defer { timeout.cancel() }
        var found: [IPAddress] = []
        for await addresses in answers {
            found = addresses
            break
        }
        guard hasBegun.isRaised else { throw .busy }
        return found
    }

    private static func lookUp(_ name: String) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = SocketKind.stream
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [IPAddress] = []
        var entry = list
        while let current = entry {
            if let address = current.pointee.ai_addr.flatMap(SocketKind.address), !found.contains(address) {
                found.append(address)
            }
            entry = current.pointee.ai_next
        }
        return found
    }
}

/// The addresses of this machine's interfaces.
public enum OwnAddresses {
    /// Reads them from the system.
    public static func read() -> Set<IPAddress> {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: Set<IPAddress> = []
        var entry = list
        while let current = entry {
            if let address = current.pointee.ifa_addr.flatMap(SocketKind.address) { found.insert(address) }
            entry = current.pointee.ifa_next
        }
        return found
    }
}

private enum SocketKind {
    #if canImport(Glibc)
        static let stream = Int32(SOCK_STREAM.rawValue)
    #else
        static let stream = SOCK_STREAM
    #endif

    /// Reads an address by its text, which is the same on every system.
    static func address(_ pointer: UnsafeMutablePointer<sockaddr>) -> IPAddress? {
        let length: Int
        switch Int32(pointer.pointee.sa_family) {
        case AF_INET: length = MemoryLayout<sockaddr_in>.size
        case AF_INET6: length = MemoryLayout<sockaddr_in6>.size
        default: return nil
        }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let status = getnameinfo(
            pointer,
            socklen_t(length),
            &text,
            socklen_t(text.count),
            nil,
            0,
            NI_NUMERICHOST
        )
        guard status == 0 else { return nil }
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        // A link-local address carries the name of its interface.
        return IPAddress(String(decoding: bytes, as: UTF8.self).prefix { $0 != "%" })
    }
}
