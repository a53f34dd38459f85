// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import PaymentAuthentication
import Testing

@Suite("Payment scheme vectors")
struct PaymentVectorTests {
    @Test("all published cases are here")
    func count() {
        let all = PaymentVectors.all
        let counts = [
            all.canonicalization.count, all.base64url.count, all.challengeHeaders.count, all.challengeLists.count,
            all.challengeIds.count, all.credentials.count, all.receipts.count,
        ]
        #expect(counts == [22, 17, 6, 11, 4, 11, 8])
    }

    @Test("JSON has one canonical text", arguments: PaymentVectors.all.canonicalization)
    func canonicalization(vector: PaymentVectors.Canonicalization) throws {
        let value = CanonicalJSON.read(Array(vector.input.utf8))
        guard vector.error != true else {
            #expect(value == nil)
            return
        }
        let text = CanonicalJSON.text(try #require(value))
        let expected = try #require(vector.canonical)
        // As bytes: Swift's string comparison takes canonically equivalent texts for equal.
        #expect(Array(text.utf8) == Array(expected.utf8))
        #expect(CanonicalJSON.read(Array(text.utf8)).map(CanonicalJSON.text) == text)
    }

    @Test("base64url is read strictly and written without padding", arguments: PaymentVectors.all.base64url)
    func base64url(vector: PaymentVectors.Base64URL) {
        let bytes = Base64.decode(vector.encoded, alphabet: .urlSafe, padding: .optional)
        guard vector.error != true else {
            #expect(bytes == nil)
            return
        }
        #expect(bytes.map { Hex.encode($0) } == vector.decodedHex ?? "")
        let written = bytes.map { Base64.encode($0, alphabet: .urlSafe, padded: false) }
        #expect((written == vector.encoded) == vector.canonical)
    }

    @Test("a challenge is written as published and read back", arguments: PaymentVectors.all.challengeHeaders)
    func headers(vector: PaymentVectors.Header) throws {
        #expect(try #require(vector.params.challenge).headerValue == vector.header)
        #expect(PaymentChallenge.read([vector.header]) == [vector.parsed.challenge])
    }

    @Test("challenges are told apart in a list", arguments: PaymentVectors.all.challengeLists)
    func lists(vector: PaymentVectors.List) {
        let expected = (vector.challenges ?? []).compactMap(\.challenge)
        #expect(expected.count == (vector.challenges ?? []).count)
        #expect(expected.isEmpty == (vector.error == true))
        #expect(PaymentChallenge.read([vector.header]) == expected)
    }

    @Test("an id authenticates the seven slots", arguments: PaymentVectors.all.challengeIds)
    func ids(vector: PaymentVectors.ChallengeID) throws {
        let secret = PaymentChallengeSecret(try #require(Hex.decode(PaymentVectors.all.hmacSecretHex)))
        #expect(secret.id(for: try #require(vector.params.challenge)) == vector.params.id)
    }

    @Test("a credential is read, or refused", arguments: PaymentVectors.all.credentials)
    func credentials(vector: PaymentVectors.Text) throws {
        let reading = PaymentCredentialReader.read([vector.header])
        guard vector.error != true else {
            #expect(reading == (vector.header.hasPrefix("Payment") ? .malformed : .none))
            return
        }
        guard case .credential(let credential) = reading else {
            Issue.record("no credential read")
            return
        }
        let text = try #require(vector.credentialJson)
        let json = try #require(CanonicalJSON.read(Array(text.utf8)))
        let challenge = try #require(json.members?["challenge"]?.members)
        #expect(credential.challenge.id == challenge["id"]?.text)
        #expect(credential.challenge.realm == challenge["realm"]?.text)
        #expect(credential.challenge.method == challenge["method"]?.text)
        #expect(credential.challenge.intent == challenge["intent"]?.text)
        #expect(credential.challenge.request == challenge["request"]?.text)
        #expect(credential.challenge.expires == challenge["expires"]?.text)
        #expect(credential.challenge.digest == challenge["digest"]?.text)
        #expect(credential.challenge.description == challenge["description"]?.text)
        #expect(credential.challenge.opaque == challenge["opaque"]?.text)
        #expect(credential.source == json.members?["source"]?.text)
        #expect(credential.payload == json.members?["payload"]?.members)
        // What we write says the same, in canonical form.
        let token = credential.headerValue.dropFirst("Payment ".count)
        let written = Base64.decode(token, alphabet: .urlSafe, padding: .forbidden)
        #expect(written == Array(CanonicalJSON.text(json).utf8))
    }

    @Test("a receipt is read and says the same when written", arguments: PaymentVectors.all.receipts)
    func receipts(vector: PaymentVectors.Text) throws {
        let json = Array(try #require(vector.receiptJson).utf8)
        #expect(Base64.encode(json, alphabet: .urlSafe, padded: false) == vector.header)
        let members = try #require(CanonicalJSON.read(json)?.members)
        guard members["status"] != nil else {
            // An event inside a stream, which the receipt's reader must not take for a receipt.
            #expect(PaymentReceipt(headerValue: vector.header) == nil)
            return
        }
        let receipt = try #require(PaymentReceipt(headerValue: vector.header))
        #expect(receipt.status == members["status"]?.text)
        #expect(receipt.method == members["method"]?.text)
        #expect(receipt.timestamp == members["timestamp"]?.text)
        #expect(receipt.reference == members["reference"]?.text)
        #expect(receipt.challengeID == members["challengeId"]?.text)
        #expect(receipt.refundStatus == members["refundStatus"]?.text)
        if let refund = receipt.refundSats { #expect(String(decoding: json, as: UTF8.self).contains("\(refund)")) }
        #expect((receipt.refundSats == nil) == (members["refundSats"] == nil))
        #expect(PaymentReceipt(headerValue: receipt.headerValue) == receipt)
    }
}
