// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import L402
import LightningPrimitives
import Macaroons
import ServiceChecks
import Testing

/// Reading what strangers' servers answer.
struct ServiceAnswerTests {
    private static let macaroon = Macaroon(
        rootKey: [UInt8](repeating: 7, count: 32),
        identifier: L402Identifier(paymentHash: Preimage.random().paymentHash, tokenID: .random(epoch: 0)).bytes,
        location: "test",
        caveats: ["services=x:0"]
    )
    private static var v2: String { Base64.encode(macaroon.serialized()) }

    /// The packets of version 1 (libmacaroons).
    private static var v1Bytes: [UInt8] {
        func packet(_ name: String, _ value: [UInt8]) -> [UInt8] {
            let content = Array("\(name) ".utf8) + value + [0x0A]
            let length = String(content.count + 4, radix: 16)
            return Array((String(repeating: "0", count: 4 - length.count) + length).utf8) + content
        }
        return packet("location", Array("test".utf8)) + packet("identifier", macaroon.identifier)
            + packet("signature", macaroon.signature)
    }

    private static func answer(_ lines: String..., status: Int = 402, body: String = "") -> ServiceAnswer {
        ServiceAnswer(
            status: status,
            headers: lines.map { ("WWW-AUTHENTICATE", $0) },
            body: Array(body.utf8)
        )
    }

    @Test("the format of a token is named as 402index names it")
    func formats() {
        #expect(TokenFormat(of: Self.v2) == .v2)
        #expect(TokenFormat(of: Base64.encode(Self.macaroon.serialized(), alphabet: .urlSafe)) == .v2)
        #expect(TokenFormat(of: Base64.encode(Self.v1Bytes)) == .v1)
        #expect(TokenFormat(of: "0011location test\n0023identifier x") == .v0)
        #expect(TokenFormat(of: #"{"v":2,"i":"x"}"#) == .json)
        #expect(TokenFormat(of: Base64.encode(Array(#"{"v":1}"#.utf8))) == .json)
        let payload = Base64.encode(Array(#"{"ph":"00"}"#.utf8), alphabet: .urlSafe)
        #expect(TokenFormat(of: payload + ".c2ln") == .json)
        for text in ["", "x", "AgEE", "not base64 !", String(repeating: "A", count: 20_000)] {
            #expect(TokenFormat(of: text) == .unknown, "\(text.prefix(20))")
        }
    }

    @Test("no cut or flipped token crashes the classification, and none but the whole one is a macaroon of its kind")
    func tokenFuzz() {
        var generator = SystemRandomNumberGenerator()
        for bytes in [Self.macaroon.serialized(), Self.v1Bytes] {
            for length in 0..<bytes.count {
                #expect(TokenFormat(of: Base64.encode(Array(bytes.prefix(length)))) == .unknown)
            }
            for index in bytes.indices {
                var flipped = bytes
                flipped[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                _ = TokenFormat(of: Base64.encode(flipped))
            }
        }
    }

    @Test("what lnget can read is told apart from what others can read")
    func lnget() throws {
        func isReadable(_ lines: [String]) -> Bool {
            guard
                case .l402(let offer) = ServiceAnswer(
                    status: 402,
                    headers: lines.map { ("www-authenticate", $0) },
                    body: []
                )
            else { return false }
            return offer.isReadableByLnget
        }
        #expect(isReadable(["L402 macaroon=\"\(Self.v2)\", invoice=\"lnbc1\", version=\"0\""]))
        #expect(isReadable(["LSAT macaroon=\"\(Self.v2)\", invoice=\"lnbc1\""]))
        #expect(!isReadable(["L402 token=\"\(Self.v2)\", invoice=\"lnbc1\""]))
        #expect(!isReadable(["Payment id=\"x\", L402 macaroon=\"\(Self.v2)\", invoice=\"lnbc1\""]))
        #expect(!isReadable(["L402 macaroon=\"e30.c2ln\", invoice=\"lnbc1\""]))
    }

    @Test("x402 is filed as x402, and L402 beside it stays L402")
    func x402() {
        let body = #"{"x402Version":1,"accepts":[{"scheme":"exact","network":"base","payTo":"0x1"}]}"#
        #expect(Self.answer(body: body) == .x402)
        #expect(Self.answer(body: #"{"accepts":[{"scheme":"exact","network":"base","payTo":"0x1"}]}"#) == .x402)
        #expect(ServiceAnswer(status: 402, headers: [("PAYMENT-REQUIRED", "e30=")], body: []) == .x402)
        #expect(Self.answer(body: #"{"accepts":["json"]}"#) == .otherPayment)
        #expect(Self.answer(body: body).provesChallenge == nil)
        guard case .l402 = Self.answer("L402 macaroon=\"\(Self.v2)\", invoice=\"lnbc1\"", body: body) else {
            Issue.record("L402 lost to x402")
            return
        }
        #expect(Self.answer("L402 realm=\"x\"", body: body) == .brokenChallenge)
    }

    @Test("each kind of answer has its meaning")
    func kinds() {
        let cases: [(ServiceAnswer, String, Bool?)] = [
            (Self.answer(status: 200), "open", false),
            (Self.answer(status: 302), "redirect", false),
            (Self.answer(status: 404), "gone", false),
            (Self.answer(status: 410), "gone", false),
            (Self.answer(status: 403), "refused", false),
            (Self.answer(status: 503), "failing", false),
            (Self.answer(status: 0), "failing", false),
            (Self.answer(status: 429), "rate_limited", nil),
            (Self.answer(), "payment_unknown", false),
            (Self.answer("Basic realm=\"x\""), "payment_unknown", false),
            (Self.answer("L402 invoice=\"lnbc1\""), "challenge_broken", false),
            (Self.answer("Payment id=\"1\", method=\"lightning\""), "protocol_payment", nil),
        ]
        for (answer, label, proof) in cases {
            #expect(answer.label == label)
            #expect(answer.provesChallenge == proof, "\(label)")
        }
        let method = ServiceAnswer(status: 405, headers: [("Allow", "post, OPTIONS")], body: [])
        #expect(method == .wrongMethod(allowed: ["POST", "OPTIONS"]))
        let later = ServiceAnswer(status: 429, headers: [("Retry-After", "999999999")], body: [])
        #expect(later == .tooManyRequests(retryAfterSeconds: 86_400))
    }

    @Test("random answers never crash the reader")
    func fuzz() {
        var generator = SystemRandomNumberGenerator()
        let pieces = [
            "L402", " ", "macaroon", "=", "\"", ",", "invoice", "\\", "\u{0}", "é", "{", "[", "x402Version", "1",
        ]
        for _ in 0..<2000 {
            let text = (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                pieces[Int.random(in: 0..<pieces.count, using: &generator)]
            }.joined()
            _ = Self.answer(text, body: text)
            _ = BodyQuality(status: 200, contentType: "application/json", body: Array(text.utf8))
        }
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
        #expect(BodyQuality(status: 200, contentType: nil, body: deep).isGood)
        #expect(ServiceAnswer(status: 402, headers: [], body: deep) == .otherPayment)
    }

    @Test("a body is judged by what it says, not by the words in it")
    func bodies() {
        func reason(_ body: String, _ type: String? = "application/json") -> String? {
            BodyQuality(status: 200, contentType: type, body: Array(body.utf8)).reason
        }
        #expect(reason(#"{"errors":[],"data":{"error_rate":0.1}}"#) == nil)
        #expect(reason(#"{"success":false,"data":[1,2,3]}"#) == "the member 'success' is false")
        #expect(reason(#"{"status":"error","detail":"x"}"#) == "the member 'status' is 'error'")
        #expect(reason(#"{"status":503,"detail":"xxxx"}"#) == "the member 'status' is an error")
        #expect(reason(#"{"status":"ok","price":10}"#) == nil)
        #expect(reason("<html>oops, no data here</html>") == "not the JSON it says it is")
        #expect(reason("The service is unavailable", "text/plain") == "says 'unavailable'")
        #expect(reason(String(repeating: "How to handle an error. ", count: 20), "text/plain") == nil)
        #expect(BodyQuality(status: 200, contentType: "image/png", body: [UInt8](repeating: 0xFF, count: 64)).isGood)
        #expect(!BodyQuality(status: 200, contentType: "image/png", body: [0xFF]).isGood)
    }
}
