// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import HTTPTypes
import IPAddresses
import KeyShareProtocol
import Synchronization
import Testing

@testable import KeyShareServer

@Suite("The administrator's password")
struct AdministratorAccessTests {
    private struct Vectors: Decodable {
        struct Oko: Decodable {
            let salt_text: String
            let iterations: Int
            let password: String
            let derived: String
        }
        struct Ours: Decodable { let password, encoded: String }
        let oko_compare: Oko
        let ours: Ours

        static func load() throws -> Vectors {
            let url = try #require(
                Bundle.module.url(forResource: "admin_password", withExtension: "json", subdirectory: "Vectors")
            )
            return try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: url))
        }
    }

    private final class Clock: Sendable {
        private let time = Mutex(0.0)
        var now: Double { time.withLock { $0 } }
        func advance(_ seconds: Double) { time.withLock { $0 += seconds } }
    }

    private static let address = IPAddress("192.0.2.1")

    @Test("the published hash and Oko's comparison accept their passwords and no others")
    func vectors() throws {
        let vectors = try Vectors.load()
        let ours = try AdministratorPassword(hash: vectors.ours.encoded)
        #expect(ours.matches(Array(vectors.ours.password.utf8)))
        #expect(!ours.matches(Array((vectors.ours.password + " ").utf8)))
        let oko = vectors.oko_compare
        #expect(oko.iterations == AdministratorPassword.okoRounds)
        #expect(Array(oko.salt_text.utf8) == AdministratorPassword.okoSalt)
        let salt = Base64.encode(AdministratorPassword.okoSalt, alphabet: .urlSafe, padded: false)
        let derived = Base64.encode(try #require(Hex.decode(oko.derived)), alphabet: .urlSafe, padded: false)
        let compared = try AdministratorPassword(hash: "pbkdf2-sha256$100000$\(salt)$\(derived)")
        #expect(compared.matches(Array(oko.password.utf8)))
        #expect(!compared.matches(Array("Admin_password".utf8)))
    }

    @Test("a password in clear is taken when it is long and nobody's example")
    func clear() throws {
        let good = try AdministratorPassword(clear: "seven brown foxes")
        #expect(good.matches(Array("seven brown foxes".utf8)))
        #expect(!good.matches(Array("seven brown foxe".utf8)))
        for bad in [
            "", "short", "thirteen char", "admin_password", "your_admin_password", "aaaaaaaaaaaaaaaaaa",
            "1234567890123456",
        ] {
            #expect(throws: AdministratorPassword.Refused.self) { try AdministratorPassword(clear: bad) }
        }
    }

    @Test("what hash-password prints is read again, and hides the password")
    func hashing() throws {
        let text = try AdministratorPassword.hashed("seven brown foxes")
        #expect(text.hasPrefix("$argon2id$v=19$m=65536,t=3,p=2$"))
        #expect(try AdministratorPassword(hash: text).matches(Array("seven brown foxes".utf8)))
        #expect(try AdministratorPassword.hashed("seven brown foxes") != text)
        #expect(throws: AdministratorPassword.Refused.self) { try AdministratorPassword.hashed("short") }
    }

    @Test(
        "hashes of another form, or with parameters out of range, are refused",
        arguments: [
            "", "plain", "pbkdf2-sha256$1000$siqZnMxR4fN7kg6192QZtQ$WVEaWYUkxOu4gECzeTPCq1UT4KvJq00CxMSz-nISBKg",
            "pbkdf2-sha256$600000$$", "pbkdf2-sha256$600000$siqZnMxR4fN7kg6192QZtQ$AAAA",
            "$argon2id$v=19$m=1,t=1,p=1$AAAAAAAAAAA$AAAA",
            "$argon2i$v=19$m=65536,t=3,p=2$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=4194304,t=3,p=2$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        ]
    )
    func badHashes(_ text: String) {
        #expect(throws: AdministratorPassword.Refused.self) { try AdministratorPassword(hash: text) }
    }

    private func access(_ clock: Clock) throws -> AdministratorAccess {
        AdministratorAccess(
            password: try AdministratorPassword(clear: "seven brown foxes"),
            key: String(repeating: "k", count: 32)
        ) { clock.now }
    }

    private func outcome(
        _ access: AdministratorAccess,
        _ password: String?,
        _ headers: HTTPFields = [:],
        from address: IPAddress? = address
    ) async -> KeyShareFailureCode? {
        do throws(KeyShareFailure) {
            try await access.admit(headers, bodyPassword: password, from: address)
            return nil
        } catch { return error.code }
    }

    @Test("body, Basic and key open; nothing and wrong ones say what Oko says")
    func ways() async throws {
        let access = try access(Clock())
        #expect(await outcome(access, "seven brown foxes") == nil)
        let basic = "Basic " + Base64.encode(Array("admin:seven brown foxes".utf8))
        #expect(await outcome(access, nil, [.authorization: basic]) == nil)
        #expect(await outcome(access, nil, [.authorization: "Bearer " + String(repeating: "k", count: 32)]) == nil)
        #expect(await outcome(access, nil, [.authorization: "Bearer seven brown foxes"]) == .unauthorized)
        do throws(KeyShareFailure) {
            try await access.admit([:], bodyPassword: nil, from: Self.address)
            Issue.record("admitted")
        } catch { #expect(error == KeyShareFailure(.unauthorized, "Admin password is required")) }
        do throws(KeyShareFailure) {
            try await access.admit([:], bodyPassword: "wrong", from: Self.address)
            Issue.record("admitted")
        } catch { #expect(error == KeyShareFailure(.unauthorized, "Invalid admin password")) }
    }

    @Test("after five wrong tries the sixth is refused even when it is right, for a quarter of an hour")
    func lock() async throws {
        let clock = Clock()
        let access = try access(clock)
        for _ in 0..<5 {
            #expect(await outcome(access, "wrong") == .unauthorized)
            clock.advance(60)
        }
        #expect(await outcome(access, "seven brown foxes") == .rateLimitExceeded)
        #expect(await outcome(access, "seven brown foxes", from: IPAddress("192.0.2.2")) == nil)
        clock.advance(839)
        #expect(await outcome(access, "seven brown foxes") == .rateLimitExceeded)
        clock.advance(1)
        #expect(await outcome(access, "seven brown foxes") == nil)
        // A missing password is no try.
        for _ in 0..<10 { #expect(await outcome(access, nil) == .unauthorized) }
        #expect(await outcome(access, "seven brown foxes") == nil)
    }

    @Test("twenty wrong tries from everywhere lock everybody out")
    func overall() async throws {
        let clock = Clock()
        let access = try access(clock)
        for number in 0..<20 {
            #expect(await outcome(access, "wrong", from: IPAddress("192.0.2.\(number)")) == .unauthorized)
        }
        #expect(await outcome(access, "seven brown foxes", from: IPAddress("198.51.100.1")) == .rateLimitExceeded)
        clock.advance(900)
        #expect(await outcome(access, "seven brown foxes", from: IPAddress("198.51.100.1")) == nil)
    }

    @Test("many tries at once are no way around the limit")
    func parallel() async throws {
        let access = try access(Clock())
        let codes = await withTaskGroup(of: KeyShareFailureCode?.self) { group in
            for _ in 0..<30 { group.addTask { await outcome(access, "wrong") } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.count { $0 == .unauthorized } <= 5)
        #expect(!codes.contains(nil))
    }

    @Test("right passwords are never counted")
    func right() async throws {
        let access = try access(Clock())
        for _ in 0..<12 { #expect(await outcome(access, "seven brown foxes") == nil) }
    }
}
