// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// An IPv4 or IPv6 address in binary form.
///
/// An IPv4-mapped IPv6 address (`::ffff:a.b.c.d`, RFC 4291 section 2.5.5.2) becomes the IPv4 address it stands for, so
/// that one client has one address.
public struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    /// The address, 4 or 16 bytes in network order.
    public let bytes: [UInt8]

    /// Makes an address from 4 or 16 bytes, or returns `nil`.
    public init?(bytes: [UInt8]) {
        let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        switch bytes.count {
        case 4: self.bytes = bytes
        case 16 where Array(bytes.prefix(12)) == mappedPrefix: self.bytes = Array(bytes.suffix(4))
        case 16: self.bytes = bytes
        default: return nil
        }
    }

    /// Reads dotted decimal IPv4 or RFC 4291 IPv6 text, without brackets, zone or port.
    public init?(_ text: some StringProtocol) {
        let text = String(text)
        var v4 = in_addr()
        var v6 = in6_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            self.init(bytes: withUnsafeBytes(of: v4) { Array($0) })
        } else if inet_pton(AF_INET6, text, &v6) == 1 {
            self.init(bytes: withUnsafeBytes(of: v6) { Array($0) })
        } else {
            return nil
        }
    }

    /// Whether this is an IPv4 address.
    public var isIPv4: Bool { bytes.count == 4 }

    /// Whether the address is of this machine: 127.0.0.0/8 or ::1.
    public var isLoopback: Bool {
        isIPv4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
    }

    /// The network of this address with the given prefix lengths.
    /// - Parameters:
    ///   - v4: prefix length for IPv4, 0 to 32.
    ///   - v6: prefix length for IPv6, 0 to 128.
    public func network(v4: Int, v6: Int) -> IPNetwork {
        IPNetwork(address: self, prefixLength: isIPv4 ? v4 : v6)
    }

    /// The usual text form; IPv6 without compression of zeros.
    public var description: String {
        guard !isIPv4 else { return bytes.map(String.init).joined(separator: ".") }
        return stride(from: 0, to: 16, by: 2)
            .map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }
            .joined(separator: ":")
    }
}

/// A block of addresses in CIDR form (RFC 4632).
public struct IPNetwork: Sendable, Hashable, CustomStringConvertible {
    /// The first address of the block.
    public let address: IPAddress
    /// Number of leading bits that all addresses share.
    public let prefixLength: Int

    init(address: IPAddress, prefixLength: Int) {
        let bits = min(max(prefixLength, 0), address.bytes.count * 8)
        let masked = address.bytes.enumerated().map { index, byte in
            let kept = min(max(bits - index * 8, 0), 8)
            return byte & ~UInt8(truncatingIfNeeded: 0xFF >> kept)
        }
        self.address = IPAddress(bytes: masked) ?? address
        self.prefixLength = bits
    }

    /// Reads `address` or `address/length`; bits beyond the length are cleared.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(first) else { return nil }
        let width = address.bytes.count * 8
        guard parts.count == 2 else {
            self.init(address: address, prefixLength: width)
            return
        }
        guard parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let length = Int(parts[1]), length <= width else {
            return nil
        }
        self.init(address: address, prefixLength: length)
    }

    /// Whether the address lies inside the block; never across IPv4 and IPv6.
    public func contains(_ other: IPAddress) -> Bool {
        other.isIPv4 == address.isIPv4 && IPNetwork(address: other, prefixLength: prefixLength).address == address
    }

    /// Whether the other block lies wholly inside this one.
    public func contains(_ other: IPNetwork) -> Bool {
        other.prefixLength >= prefixLength && contains(other.address)
    }

    public var description: String { "\(address)/\(prefixLength)" }
}
