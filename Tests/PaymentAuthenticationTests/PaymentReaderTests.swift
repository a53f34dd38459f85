// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import LightningPrimitives
import PaymentAuthentication
import Testing

@Suite("Payment readers under odd and hostile input")
struct PaymentReaderTests {
    let secret = PaymentChallengeSecret([UInt8](repeating: 9, count: 32))
    let preimage = Preimage.random()
    let binding = PaymentBinding(service: "assay", method: "GET", route: "/x")

    func credential() throws -> PaymentCredential {
        let request = ChargeRequest(
            sats: 1,
            invoice: "lnbc1",
            network: .mainnet,
            paymentHash: preimage.paymentHash
        )
        let challenge = secret.challenge(realm: "assay", request: request, binding: binding, now: 0)
        return PaymentCredential(challenge: try #require(challenge), preimage: preimage)
    }

    @Test("lines of other schemes are ignored, and the scheme's name may have any case and blanks")
    func tolerance() throws {
        let credential = try credential()
        let token = credential.headerValue.dropFirst("Payment ".count)
        let expected = PaymentCredentialReading.credential(credential)
        let others = ["L402 AA:00", "Bearer x", "Nostr e30=", "Digest realm=\"a, Payment e30\"", ""]
        #expect(PaymentCredentialReader.read(others) == .none)
        for line in ["payment \(token)", "  PAYMENT \t \(token) ", "Payment \(token), L402 AA:00", "pAYMENT\t\(token)"]
        {
            #expect(PaymentCredentialReader.read([line]) == expected)
            #expect(PaymentCredentialReader.read(others + [line]) == expected)
            #expect(PaymentCredentialReader.read([line] + others + [line]) == expected)
        }
        #expect(PaymentCredentialReader.read(["Paymentx \(token)", "Pay \(token)"]) == .none)
    }

    @Test("two different credentials, or one that cannot be read, are malformed")
    func malformed() throws {
        let (first, second) = (try credential(), try credential())
        let other = PaymentCredential(challenge: second.challenge, preimage: .random())
        #expect(PaymentCredentialReader.read([first.headerValue, other.headerValue]) == .malformed)
        #expect(PaymentCredentialReader.read([first.headerValue + ", " + other.headerValue]) == .malformed)
        let broken = ["Payment", "Payment ", "Payment id=\"x\"", "Payment e30", "Payment bnVsbA", "Payment \u{0}"]
        for line in broken {
            #expect(PaymentCredentialReader.read([line]) == .malformed)
            #expect(PaymentCredentialReader.read([first.headerValue, line]) == .malformed)
        }
    }

    @Test("a credential in another encoding than UTF-8 is malformed")
    func encodings() throws {
        let token = try credential().headerValue.dropFirst("Payment ".count)
        let json = try #require(Base64.decode(token, alphabet: .urlSafe, padding: .forbidden))
        let little: [UInt8] = json.flatMap { [$0, 0] }
        let big: [UInt8] = json.flatMap { [0, $0] }
        for bytes in [little, big, [0xFF, 0xFE] + little] {
            let line = "Payment " + Base64.encode(bytes, alphabet: .urlSafe, padded: false)
            #expect(PaymentCredentialReader.read([line]) == .malformed)
        }
    }

    @Test("64 KiB are read, one byte more is too large")
    func size() throws {
        let token = try credential().headerValue.dropFirst("Payment ".count)
        let json = try #require(Base64.decode(token, alphabet: .urlSafe, padding: .forbidden))
        for (size, padded) in [(65_536, false), (65_536, true), (65_537, false), (65_537, true), (200_000, false)] {
            let text = json + [UInt8](repeating: UInt8(ascii: " "), count: size - json.count)
            let line = "Payment " + Base64.encode(text, alphabet: .urlSafe, padded: padded)
            let reading = PaymentCredentialReader.read([line])
            if size > 65_536 {
                #expect(reading == .tooLarge)
            } else {
                #expect(reading == .credential(try credential()))
            }
        }
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 60_000)
        let line = "Payment " + Base64.encode(deep, alphabet: .urlSafe, padded: false)
        #expect(PaymentCredentialReader.read([line]) == .malformed)
    }

    @Test("a payload as deep as a reader may meet is read or refused, never fatal", arguments: [100, 500, 510, 5000])
    func depth(levels: Int) throws {
        let nested = String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        let json =
            #"{"challenge":{"id":"i","realm":"r","method":"m","intent":"i","request":"q"},"payload":{"x":"#
            + nested + "}}"
        let reading = PaymentCredentialReader.read([
            "Payment " + Base64.encode(json.utf8, alphabet: .urlSafe, padded: false)
        ])
        #expect(reading != .none)
    }

    @Test("no truncation or flipped bit of a credential pays")
    func mutations() throws {
        let line = Array(try credential().headerValue.utf8)
        func paid(_ bytes: [UInt8]) -> PaymentCredential? {
            let reading = PaymentCredentialReader.read([String(decoding: bytes, as: UTF8.self)])
            guard case .credential(let credential) = reading else { return nil }
            return (try? secret.verify(credential, binding: binding, now: 1)) == nil ? nil : credential
        }
        #expect(paid(line) == (try credential()))
        for length in 0..<line.count { #expect(paid(Array(line.prefix(length))) == nil) }
        for index in line.indices {
            for bit in 0..<8 {
                var altered = line
                altered[index] ^= 1 << UInt8(bit)
                // The letter case of the scheme and of hexadecimal digits does not matter; nothing else may pass.
                guard let credential = paid(altered) else { continue }
                #expect(credential.challenge == (try self.credential()).challenge)
                #expect(credential.preimage == preimage)
            }
        }
    }

    @Test("what is read from a random line can be written and read again")
    func randomChallenges() {
        let pieces = [
            "Payment ", "payment", "id", "realm=", "method=\"a\"", ", intent=x, ", "request", "=", "\"", "\\", ",", " ",
            "é", "\u{0}", "id=\"1\", realm=\"r\", method=\"m\", intent=\"i\", request=\"q\"", "L402 ", "\t",
        ]
        var seen = 0
        for _ in 0..<20_000 {
            let line = (0..<Int.random(in: 0..<14)).compactMap { _ in pieces.randomElement() }.joined()
            for challenge in PaymentChallenge.read([line]) {
                seen += 1
                #expect(PaymentChallenge.read([challenge.headerValue]) == [challenge])
            }
        }
        #expect(seen > 0)
    }

    @Test("challenges that differ in unknown parameters only are one")
    func unknownParameters() {
        let line = #"Payment id="a", realm="r", method="m", intent="i", request="e30""#
        #expect(PaymentChallenge.read([line, line + #", new="1""#, line + #", new="2""#]).count == 1)
    }

    @Test("random bytes are never a credential, a request or a receipt, and never fatal")
    func randomBytes() {
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 0..<80)).map { _ in UInt8.random(in: .min ... .max) }
            let text = Base64.encode(bytes, alphabet: .urlSafe, padded: false)
            #expect(PaymentCredentialReader.read(["Payment \(text)"]) == .malformed)
            #expect(ChargeRequest(parameter: text) == nil)
            #expect(PaymentReceipt(headerValue: text) == nil)
            #expect(ChargeRequest(parameter: String(decoding: bytes, as: UTF8.self)) == nil)
            #expect(PaymentReceipt(headerValue: String(decoding: bytes, as: UTF8.self)) == nil)
        }
    }

    @Test("every number reads back as itself and has one text")
    func numbers() throws {
        for _ in 0..<20_000 {
            let value = Double(bitPattern: .random(in: .min ... .max))
            guard value.isFinite else { continue }
            let text = CanonicalJSON.text(.number(value))
            #expect(CanonicalJSON.read(Array(text.utf8)) == .number(value))
        }
        #expect(CanonicalJSON.read(Array("1e400".utf8)) == nil)
    }

    @Test("a receipt is read whole or not at all")
    func receipts() {
        let receipt = PaymentReceipt(reference: preimage.paymentHash.hex, challengeID: "c/\"é", at: 1_773_176_400)
        #expect(receipt.timestamp == "2026-03-10T21:00:00Z")
        let text = receipt.headerValue
        #expect(PaymentReceipt(headerValue: text) == receipt)
        for length in 0..<text.count { #expect(PaymentReceipt(headerValue: String(text.prefix(length))) == nil) }
    }
}
