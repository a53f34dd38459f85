// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import L402
import LightningPrimitives
import Macaroons
import Testing

@Suite("L402 readers under hostile input")
struct L402FuzzTests {
    @Test("no truncation or flipped bit of a credential line is taken for another credential")
    func authorization() throws {
        let preimage = Preimage.random()
        let ring = try KeyRing(secret: [UInt8](repeating: 1, count: 32))
        let terms = TokenTerms(service: "assay", capabilities: nil, validUntil: 9)
        let macaroon = ring.mint(paymentHash: preimage.paymentHash, terms: terms)
        let token = Challenge(macaroon: macaroon, invoice: "").token
        let line = Array("L402 \(token):\(preimage.hex)".utf8)
        let scope = RequestScope(
            service: "assay",
            capability: "x",
            method: "GET",
            path: "/",
            clientAddress: nil,
            now: 1
        )
        func accepted(_ bytes: [UInt8]) -> Credential? {
            let text = String(decoding: bytes, as: UTF8.self)
            guard case .credential(let credential) = CredentialReader.read({ $0 == "authorization" ? [text] : [] }),
                (try? ring.verify(credential, for: scope)) != nil
            else { return nil }
            return credential
        }
        let original = try #require(accepted(line))
        for length in 0..<line.count { #expect(accepted(Array(line.prefix(length))) == nil) }
        for index in line.indices {
            for bit in 0..<8 {
                var altered = line
                altered[index] ^= 1 << UInt8(bit)
                // Letter case in scheme and preimage does not matter, and the location is a hint; nothing else may pass.
                guard let credential = accepted(altered) else { continue }
                #expect(credential.macaroon.signature == original.macaroon.signature)
                #expect(credential.macaroon.identifier == original.macaroon.identifier)
                #expect(credential.preimage == original.preimage)
            }
        }
    }

    @Test("random challenge lines never crash the reader")
    func challenges() {
        let pieces = [
            "L402 ", "LSAT", "macaroon", "=", "\"", "\\", ",", " ", "invoice", "token=a", "é", "\u{0}", "Payment ",
        ]
        for _ in 0..<20_000 {
            let line = (0..<Int.random(in: 0..<14)).compactMap { _ in pieces.randomElement() }.joined()
            for case .l402(let token, let invoice) in ChallengeReader.read([line]) {
                #expect(line.contains(token.prefix(1)) || token.isEmpty)
                #expect(line.contains(invoice.prefix(1)) || invoice.isEmpty)
            }
        }
    }

    @Test(
        "a path with an escape out of its root has no segments",
        arguments: ["/../a", "/a/%2e%2e", "/a\\b", "/%5c", "a", "", "/%", "/%zz", "/%00"]
    )
    func paths(path: String) {
        #expect(RequestPath.segments(path) == nil)
    }
}
