// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import IPAddresses
internal import Synchronization

/// Networks that are not served; it may be replaced at any time.
public final class BlockList: Sendable {
    /// Why a file is not a list.
    public struct InvalidFile: Error, Hashable, CustomStringConvertible {
        public let description: String
    }

    private let networks = Mutex<[IPNetwork]>([])
    private static let limit = 100_000

    public init() {}

    /// Whether an address is in one of the networks.
    public func contains(_ address: IPAddress?) -> Bool {
        guard let address else { return false }
        return networks.withLock { networks in networks.contains { $0.contains(address) } }
    }

    /// Takes the networks of a file: one address or CIDR per line; empty lines and what follows a `#` are skipped.
    /// - Returns: how many there are.
    /// - Throws: ``InvalidFile`` naming the line; the list stays as it was.
    @discardableResult
    public func replace(parsing text: String) throws(InvalidFile) -> Int {
        var found: [IPNetwork] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let entry = line.prefix { $0 != "#" }.filter { !$0.isWhitespace }
            guard !entry.isEmpty else { continue }
            guard let network = IPNetwork(String(entry)), found.count < Self.limit else {
                throw InvalidFile(
                    description: "line \(index + 1): expected an address or a network such as 192.0.2.0/24"
                )
            }
            found.append(network)
        }
        let taken = found
        networks.withLock { $0 = taken }
        return taken.count
    }
}
