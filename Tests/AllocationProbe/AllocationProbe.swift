// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import CAllocationCount
import Crypto
import Foundation
import Glibc
import Logging
import Roughtime
import RoughtimeResponder

/// Prints what answering allocates and locks, as JSON, for the tests: batches in memory, then a responder with sockets.
@main
struct AllocationProbe {
    struct Report: Encodable {
        /// Allocations and locks of one tree of 1 and of 256 requests, by version.
        var trees: [String: [UInt64]] = [:]
        /// Answers, allocations and locks of the worker's thread for requests that come one at a time.
        var lone: [UInt64] = []
        /// The same for requests that come in bursts.
        var bursts: [UInt64] = []
    }

    static func main() async throws {
        var report = Report()
        let longTerm = Curve25519.Signing.PrivateKey()
        let publicKey = Array(longTerm.publicKey.rawRepresentation)
        let identity = try identity(longTerm)
        for version in Version.all {
            let counts = trees(version, identity, RequestRules(longTermPublicKeys: [publicKey]))
            report.trees[version.description] = counts
        }
        let responder = try Responder(
            options: ResponderOptions(
                addresses: [ListenAddress(host: "127.0.0.1", port: 0)],
                workers: 1,
                unsynchronised: .wide,
                greaseOneIn: 0
            ),
            longTermPublicKey: publicKey,
            holder: IdentityHolder(identity),
            environment: { _ in nil },
            logger: Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() }
        )
        // This thread waits in system calls.
        let serving = Task.detached { try await responder.run() }
        let client = try Client(port: responder.udpPorts[0])
        // The first requests find the worker's thread and whatever is made on first use.
        for _ in 0..<50 { _ = client.exchange(1) }
        report.lone = measure { (0..<200).reduce(0) { count, _ in count + client.exchange(1) } }
        report.bursts = measure { (0..<200).reduce(0) { count, _ in count + client.exchange(64) } }
        print(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
        serving.cancel()
        exit(0)
    }

    private static func measure(_ work: () -> UInt64) -> [UInt64] {
        let before = allocations_of("roughtime-0")
        let answers = work()
        let after = allocations_of("roughtime-0")
        return [answers, after.allocations - before.allocations, after.locks - before.locks]
    }

    /// What one tree of 1 and one of 256 requests allocate and lock.
    private static func trees(_ version: Version, _ identity: OnlineIdentity, _ rules: RequestRules) -> [UInt64] {
        let length = version == .google || version < .draft(5) && version != .rfc10049 ? 64 : 32
        guard let packet = Request(versions: [version], nonce: [UInt8](repeating: 1, count: length))?.packet else {
            return []
        }
        let batch = AnswerBatch(legacySignaturesPerSecond: 0)
        let time = StatedTime(
            unixMicroseconds: Int64(Date().timeIntervalSince1970 * 1e6),
            radiusSeconds: 3,
            radiusMicroseconds: 3_000_000
        )
        let identities = [OnlineIdentity?.some(identity)]
        func answer(_ count: Int) -> [UInt64] {
            for slot in 0..<count { batch.put(packet, slot) }
            let before = allocations_here()
            for slot in 0..<count {
                _ = batch.take(slot, length: packet.count, rules: rules, mayGrease: false)
            }
            batch.answer(with: identities, at: time, monotonicNanoseconds: 0)
            let after = allocations_here()
            return [after.allocations - before.allocations, after.locks - before.locks]
        }
        _ = answer(2)
        return answer(1) + answer(AnswerBatch.capacity)
    }

    private static func identity(_ longTerm: Curve25519.Signing.PrivateKey) throws -> OnlineIdentity {
        let online = Curve25519.Signing.PrivateKey()
        let now = Int64(Date().timeIntervalSince1970 * 1e6)
        var certificates: [DelegationProfile: [UInt8]] = [:]
        for profile in DelegationProfile.allCases {
            let delegation = Delegation(
                publicKey: Array(online.publicKey.rawRepresentation),
                notBefore: now - 600_000_000,
                notAfter: now + 86_400_000_000,
                format: profile.timeFormat
            )
            certificates[profile] = try Certificate(delegation, profile: profile, signedBy: longTerm).bytes
        }
        return try OnlineIdentity(
            longTermPublicKey: Array(longTerm.publicKey.rawRepresentation),
            onlineKey: online,
            certificates: certificates
        )
    }
}

/// Sends requests and counts answers.
struct Client {
    private let descriptor: Int32
    private let packet: [UInt8]

    init(port: UInt16) throws {
        packet = Request(versions: [.rfc10049], nonce: [UInt8](repeating: 7, count: 32))?.packet ?? []
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        self.descriptor = descriptor
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
        }
        var patience = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))

    }

    /// Sends so many requests at once; returns how many answers came.
    func exchange(_ count: Int) -> UInt64 {
        for _ in 0..<count { send(descriptor, packet, packet.count, 0) }
        var answer = [UInt8](repeating: 0, count: 2048)
        return (0..<count).reduce(0) { answers, _ in answers + (recv(descriptor, &answer, 2048, 0) > 0 ? 1 : 0) }
    }
}
