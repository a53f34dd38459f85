// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KeyShares
import ShareEnvelopes

/// What the crypto of a read costs, and that of the checks at registration, on one core.
enum Cryptography {
    static func measure() throws {
        let dealing = try ShareDealing(splitting: secret, threshold: 2, among: nodes(.secp256k1))
        let share = dealing.shares[0]
        let (old, new) = try (oldRead(share), newRead(share))
        print("read of version 1: \(text(old)); of version 2: \(text(new)), \(Int(old / new)) times as fast")
        print("reads of version 2 on one core: \(Int(.seconds(1) / new)) a second")
        for curve in ShareCurve.allCases {
            let dealing = try ShareDealing(splitting: secret, threshold: 2, among: nodes(curve))
            let bytes = dealing.shares[0].bytes
            let key = dealing.commitments.points[0]
            let check = try measure(2_000) {
                _ = try WalletPublicKey(curve, key)
                _ = try ShamirShare(curve, bytes)
            }
            let feldman = try measure(500) { try dealing.commitments.check(dealing.shares[0]) }
            print("\(curve): share and key checked in \(text(check)), against commitments in \(text(feldman))")
        }
    }

    private static let secret: [UInt8] = [0] + (1...30).map { UInt8($0) } + [0]

    private static func nodes(_ curve: ShareCurve) -> [NodeIdentifier] {
        (0..<3).map { NodeIdentifier(nodeName: "node-\($0)", curve: curve) }
    }

    private static func oldRead(_ share: ShamirShare) throws -> Duration {
        let secret = try OkoSecret(file: Array("a secret of the benchmark".utf8))
        let envelope = try OkoEnvelope(sealingHexadecimal: share.bytes, with: secret)
        return try measure(20) { _ = try OkoEnvelope(envelope.text).openHexadecimal(with: secret) }
    }

    private static func newRead(_ share: ShamirShare) throws -> Duration {
        let ring = try EnvelopeKeyRing(root: .random(), current: 1)
        let key = [UInt8](repeating: 2, count: 33)
        let row = EnvelopeRow(shareID: UUID(), walletID: UUID(), curve: .secp256k1, publicKey: key)
        let envelope = try share.bytes.withUnsafeBytes { try ShareEnvelope(sealing: $0, for: row, with: ring) }
        return try measure(100_000) {
            try ShareEnvelope(envelope.bytes).withOpened(for: row, with: ring) { precondition($0.count == 64) }
        }
    }

    private static func measure(_ count: Int, _ body: () throws -> Void) rethrows -> Duration {
        try body()
        return try ContinuousClock().measure { for _ in 0..<count { try body() } } / count
    }

    private static func text(_ duration: Duration) -> String {
        String(format: "%.1f us", duration / .microseconds(1))
    }
}
