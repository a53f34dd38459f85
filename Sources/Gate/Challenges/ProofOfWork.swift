// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import IPAddresses
internal import L402
internal import OrderedCollections

/// Puzzles that a client may solve instead of waiting for its turn to get a challenge.
///
/// `L402-PoW: <salt>;<bits>` asks for a nonce such that SHA-256(salt || nonce) begins with so many zero bits; the client
/// repeats its request with `L402-PoW: <salt>;<nonce>`, both in hexadecimal. A salt belongs to a network of clients and
/// a minute, so that nothing is stored before it is solved; each solution is good for one challenge.
struct ProofOfWork: Sendable {
    /// Leading zero bits asked for; 0 switches puzzles off.
    let bits: Int
    private var spent: OrderedSet<[UInt8]> = []
    private let spentLimit = 65_536

    init(bits: Int) { self.bits = min(max(0, bits), 64) }

    /// The puzzle for a client, as the header's value; `nil` when puzzles are off.
    func puzzle(for client: IPAddress?, ring: KeyRing, now: Int64) -> String? {
        bits > 0 ? "\(Hex.encode(Self.salt(client, ring, minute: now / 60)));\(bits)" : nil
    }

    /// Whether a header's value solves a puzzle of this or the last minute; each solution counts once.
    mutating func accepts(_ value: String, from client: IPAddress?, ring: KeyRing, now: Int64) -> Bool {
        let parts = value.split(separator: ";", omittingEmptySubsequences: false)
        guard bits > 0, parts.count == 2, parts[1].utf8.count <= 64, let salt = Hex.decode(parts[0]),
            let nonce = Hex.decode(parts[1]), !nonce.isEmpty
        else { return false }
        let isOurs = [now / 60, now / 60 - 1].contains { minute in
            constantTimeEqual(salt, Self.salt(client, ring, minute: minute))
        }
        guard isOurs, Self.leadingZeroBits(SHA256.hash(data: salt + nonce)) >= bits else { return false }
        if spent.count >= spentLimit { spent.removeFirst(spentLimit / 4) }
        return spent.append(salt + nonce).inserted
    }

    private static func salt(_ client: IPAddress?, _ ring: KeyRing, minute: Int64) -> [UInt8] {
        ring.salt(for: "\(client.map { "\($0.network(v4: 24, v6: 48))" } ?? "") \(minute)")
    }

    private static func leadingZeroBits(_ digest: SHA256.Digest) -> Int {
        var count = 0
        for byte in digest {
            count += byte.leadingZeroBitCount
            guard byte == 0 else { break }
        }
        return count
    }
}
