// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import LND

@Suite("LND errors")
struct AnswerClassifierTests {
    struct Vector: Decodable, Sendable, CustomTestStringConvertible {
        struct Body: Decodable, Sendable {
            let text: String
            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let text = try? container.decode(String.self) {
                    self.text = text
                } else {
                    struct Fields: Decodable {
                        let code: Int
                        let message: String
                    }
                    let fields = try container.decode(Fields.self)
                    let data = try JSONSerialization.data(withJSONObject: [
                        "code": fields.code, "message": fields.message,
                    ])
                    text = String(decoding: data, as: UTF8.self)
                }
            }
        }
        let call: String
        let http: Int
        let body: Body
        let classify: String
        let breaker: String
        var testDescription: String { "\(call) \(http) \(classify)" }

        static func load() -> [Vector] {
            struct File: Decodable { let cases: [Vector] }
            guard
                let url = Bundle.module.url(
                    forResource: "lnd_error_classification",
                    withExtension: "json",
                    subdirectory: "Vectors"
                ), let data = try? Data(contentsOf: url), let file = try? JSONDecoder().decode(File.self, from: data)
            else { preconditionFailure("the vectors are part of the test bundle") }
            return file.cases
        }
    }

    @Test("status and body give the class, and only transport and busy trip the breaker", arguments: Vector.load())
    func classes(vector: Vector) {
        // Status 0 stands for an exchange that never ended; that is the transport's business, tested with a real socket.
        guard vector.http != 0 else { return }
        let mayBeNotFound = ["routes", "graph/node", "invoice/"].contains { vector.call.contains($0) }
        let answer = AnswerClassifier.classify(
            status: vector.http,
            body: Data(vector.body.text.utf8),
            bodyDecodes: false,
            mayBeNotFound: mayBeNotFound
        )
        #expect(answer.errorClass?.rawValue == vector.classify)
        guard let errorClass = answer.errorClass else { return }
        let expected: CircuitBreaker.Outcome =
            vector.breaker.hasPrefix("failure") ? .failure : vector.breaker.hasPrefix("success") ? .success : .neutral
        #expect(LNDTransport.outcome(of: errorClass) == expected)
    }

    @Test(
        "LND's sentences get their meaning",
        arguments: [
            ("unable to find a path to destination", LNDError.Meaning.noRoute),
            ("insufficient local balance", .insufficientLocalBalance),
            ("invoice with payment hash already exists", .invoiceAlreadyExists),
            ("verification failed: signature mismatch after caveat verification", .macaroonRefused),
            ("permission denied", .macaroonRefused),
            ("wallet locked, unlock it to enable full RPC access", .notReady),
            ("invoice expired. Valid until 2026", .invoiceExpired),
            ("a sentence never seen before", .unclassified),
        ]
    )
    func meanings(message: String, meaning: LNDError.Meaning) {
        #expect(ErrorMeanings.meaning(code: 2, message: message) == meaning)
    }
}

@Suite("Circuit breaker")
struct CircuitBreakerTests {
    @Test("five failures open it, one call at a time probes, three successes close it")
    func cycle() {
        var breaker = CircuitBreaker()
        for second in 0..<5 {
            let isAdmitted = breaker.admit(now: Double(second))
            #expect(isAdmitted)
            breaker.record(.failure, now: Double(second), draw: 0.5)
        }
        #expect(breaker.state == .open(until: 4.5))
        // Half-open admits exactly one call.
        let admissions = [4.4, 4.5, 4.5].map { breaker.admit(now: $0) }
        #expect(admissions == [false, true, false])
        breaker.record(.success, now: 5, draw: 0)
        for _ in 0..<2 {
            let isAdmitted = breaker.admit(now: 6)
            #expect(isAdmitted)
            breaker.record(.success, now: 6, draw: 0)
        }
        #expect(breaker.state == .closed)
    }

    @Test("waiting times double and are capped at a minute")
    func backOff() {
        var breaker = CircuitBreaker()
        for _ in 0..<5 {
            _ = breaker.admit(now: 0)
            breaker.record(.failure, now: 0, draw: 1)
        }
        var now = 0.0
        var waits: [Double] = []
        for _ in 0..<8 {
            guard case .open(let until) = breaker.state else { break }
            waits.append(until - now)
            now = until
            let isAdmitted = breaker.admit(now: now)
            #expect(isAdmitted)
            breaker.record(.failure, now: now, draw: 1)
        }
        #expect(waits == [1, 2, 4, 8, 16, 32, 60, 60])
    }

    @Test("old failures, rare failures and neutral outcomes do not open it")
    func tolerance() {
        var breaker = CircuitBreaker()
        for index in 0..<20 { breaker.record(index % 3 == 0 ? .failure : .success, now: Double(index), draw: 1) }
        #expect(breaker.state == .closed)
        var slow = CircuitBreaker()
        for index in 0..<20 { slow.record(.failure, now: Double(index * 20), draw: 1) }
        #expect(slow.state == .closed)
        var neutral = CircuitBreaker()
        for _ in 0..<50 { neutral.record(.neutral, now: 0, draw: 1) }
        #expect(neutral.state == .closed)
    }
}
