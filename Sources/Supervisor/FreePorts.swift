// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Glibc

/// Finds TCP ports of the loopback that nobody listens on, each a different one.
public struct FreePorts: Sendable {
    private var given: Set<Int> = []

    public init() {}

    /// The preferred port if it is free and was not given before, or any such one.
    ///
    /// Other ports come from below the range in which the kernel places outgoing connections, so that none of those takes a
    /// port before its user listens there. The port is free at the moment of asking; its user still has to cope with losing
    /// the race.
    public mutating func take(preferring port: Int) -> Int? {
        if port != 0, give(port) { return port }
        for _ in 0..<Self.tries where !Self.range.isEmpty {
            let port = Int.random(in: Self.range)
            if give(port) { return port }
        }
        // A host whose ephemeral range begins this low, or is this full, leaves the choice to the kernel.
        for _ in 0..<Self.tries {
            if let port = Self.bound(0), given.insert(port).inserted { return port }
        }
        return nil
    }

    /// Takes a port of one's own choice.
    ///
    /// - Returns: whether nobody listens there and it was not given before.
    public mutating func give(_ port: Int) -> Bool {
        guard !given.contains(port), Self.bound(port) != nil else { return false }
        given.insert(port)
        return true
    }

    private static let tries = 200

    /// Above what services have by custom, below what the kernel gives to outgoing connections.
    private static let range: Range<Int> = {
        let path = "/proc/sys/net/ipv4/ip_local_port_range"
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        let first = text.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) } ?? 32_768
        return 20_000..<max(20_000, min(first, 32_768))
    }()

    private static func bound(_ port: Int) -> Int? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var reuse: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(truncatingIfNeeded: port)).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                guard bind(descriptor, generic, length) == 0, getsockname(descriptor, generic, &length) == 0 else {
                    return nil
                }
                return Int(UInt16(bigEndian: pointer.pointee.sin_port))
            }
        }
    }
}
