// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import Glibc
import L402
import LightningPrimitives
import Macaroons

/// Verification of a token with four caveats, without store and without HTTP.
enum VerificationBenchmark {
    static func measure() throws -> [Figure] {
        let ring = try KeyRing(secret: [UInt8](repeating: 1, count: 32))
        let preimage = ring.preimage(for: .call)
        let terms = TokenTerms(
            service: "assay",
            capabilities: ["score"],
            validUntil: 4_000_000_000,
            method: "GET"
        )
        let macaroon = ring.mint(paymentHash: preimage.paymentHash, terms: terms)
        precondition(macaroon.caveats.count == 4, "a token with four caveats")
        let credential = Credential(macaroon: macaroon, preimage: preimage)
        let line = "L402 \(macaroon.token):\(preimage.hex)"
        let scope = RequestScope(
            service: "assay",
            capability: "score",
            method: "GET",
            path: "/api/score",
            clientAddress: nil,
            now: 1_800_000_000
        )
        let chain = microseconds { hmacChain(macaroon, start: [UInt8](repeating: 1, count: 32)) }
        let verify = try microseconds { _ = try ring.verify(credential, for: scope) }
        let read = try microseconds {
            guard case .credential(let found) = CredentialReader.read({ $0 == "authorization" ? [line] : [] }) else {
                preconditionFailure("a credential of ours")
            }
            _ = try ring.verify(found, for: scope)
        }
        let baseline = "its six HMACs, by swift-crypto"
        return [
            Figure(
                name: "(a) verify a parsed token of 4 caveats",
                unit: "us",
                ours: verify,
                baselineName: baseline,
                baseline: chain,
                target: 10
            ),
            Figure(
                name: "(a) read the header and verify",
                unit: "us",
                ours: read,
                baselineName: baseline,
                baseline: chain
            ),
        ]
    }

    /// What any implementation has to compute: key derivation, identifier and one HMAC a caveat.
    private static func hmacChain(_ macaroon: Macaroon, start: [UInt8]) {
        func tag(_ key: some ContiguousBytes, _ message: [UInt8]) -> HMAC<SHA256>.MAC {
            HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key))
        }
        let key = tag(Array("macaroons-key-generator".utf8), start)
        let end = macaroon.caveats.reduce(tag(key, macaroon.identifier)) { tag($0, $1.identifier) }
        precondition(end.byteCount == 32, "an authentication code has 32 bytes")
    }

    /// The median of 15 rounds of 4,000 calls, in processor time.
    private static func microseconds(_ call: () throws -> Void) rethrows -> Double {
        var rounds: [Double] = []
        for _ in 0..<15 {
            let begin = processorSeconds()
            for _ in 0..<4_000 { try call() }
            rounds.append((processorSeconds() - begin) * 1e6 / 4_000)
        }
        return rounds.sorted()[rounds.count / 2]
    }

    /// The process has but one thread at work.
    private static func processorSeconds() -> Double { Double(clock()) / Double(CLOCKS_PER_SEC) }
}
