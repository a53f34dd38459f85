// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import KeyShareProtocol
import KeyShares
import Postgres
import Testing

@testable import KeyShareNode

/// Versions 1 and 2, in every row of their errors.
@Suite struct FormerRouteTests {
    static let wrongCurve = #"{"curve_type":"p256","public_key":"02","share":"00"}"#

    // MARK: Version 1

    @Test func `a share that was registered comes back to its owner in version 1`() async throws {
        try await Stage.with { stage in
            for curve in ShareCurve.allCases {
                let wallet = try TestWallet(curve)
                try await stage.register(wallet)
                #expect(try await stage.get(wallet) == wallet.shareHex)
            }
        }
    }

    @Test func `register of version 1 refuses in the protocol's order`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            let (key, share) = (wallet.publicKey, wallet.shareHex)
            func code(_ key: String, _ share: String, _ curve: String = "secp256k1", as token: String? = "alice")
                async throws -> KeyShareFailureCode?
            {
                let body = #"{"curve_type":"\#(curve)","public_key":"\#(key)","share":"\#(share)"}"#
                return try await stage.code(.registerV1, as: token, body)
            }
            #expect(try await code("02", "00", "p256", as: nil) == .unauthorized)
            #expect(try await code("02", "00", "p256", as: "bad") == .unauthorized)
            #expect(try await code("02", "00", "p256", as: "down") == .providerUnavailable)
            #expect(try await code("02", "00", "p256") == .publicKeyInvalid)
            #expect(try await code(key, "00", "p256") == .shareInvalid)
            #expect(try await code(key, share, "p256") == .curveTypeNotSupported)
            #expect(try await code("05" + key.dropFirst(2), share) == .publicKeyInvalid)
            #expect(try await code(key, String(repeating: "00", count: 64)) == .shareInvalid)
            #expect(try await code(key, String(repeating: "ff", count: 64)) == .shareInvalid)
            #expect(try await code(key, share) == nil)
            #expect(try await code(key, share) == .duplicatePublicKey)
            #expect(try await stage.code(.registerV1, "{}") == .invalidRequest)
        }
    }

    @Test func `get of version 1 refuses in the protocol's order`() async throws {
        try await Stage.with { stage in
            let (wallet, other) = (try TestWallet(.secp256k1), try TestWallet(.secp256k1))
            func code(_ wallet: TestWallet, as token: String?) async throws -> KeyShareFailureCode? {
                let body = #"{"curve_type":"secp256k1","public_key":"\#(wallet.publicKey)"}"#
                return try await stage.code(.getV1, as: token, body)
            }
            #expect(try await code(wallet, as: nil) == .unauthorized)
            #expect(try await stage.code(.getV1, #"{"curve_type":"p256","public_key":"02"}"#) == .curveTypeNotSupported)
            #expect(try await code(wallet, as: "alice") == .userNotFound)
            try await stage.register(wallet, as: "alice")
            try await stage.register(other, as: "bob")
            #expect(try await code(try TestWallet(.secp256k1), as: "alice") == .walletNotFound)
            #expect(try await code(other, as: "alice") == .unauthorized)
            #expect(try await code(wallet, as: "alice") == nil)
            try await stage.run(#"DELETE FROM "2_key_shares""#)
            #expect(try await code(wallet, as: "alice") == .keyShareNotFound)
        }
    }

    @Test func `check tells nobody of another user's wallet`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.ed25519)
            try await stage.register(wallet, as: "alice")
            func exists(_ name: String) async throws -> Bool? {
                let body = #"{"user_auth_id":"\#(name)","curve_type":"ed25519","public_key":"\#(wallet.publicKey)"}"#
                return try await stage.call(.checkV1, as: nil, body).data["exists"] as? Bool
            }
            #expect(try await exists("test_alice") == true)
            #expect(try await exists("test_bob") == false)
            try await stage.register(try TestWallet(.ed25519), as: "bob")
            #expect(try await exists("test_bob") == false)
            let wrong = #"{"user_auth_id":"test_alice","curve_type":"x","public_key":"\#(wallet.publicKey)"}"#
            #expect(try await stage.code(.checkV1, as: nil, wrong) == .curveTypeNotSupported)
        }
    }

    @Test func `reshare of version 1 refuses in the protocol's order and stamps what fits`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            func code(_ share: String, as token: String = "alice") async throws -> KeyShareFailureCode? {
                let body = #"{"curve_type":"secp256k1","public_key":"\#(wallet.publicKey)","share":"\#(share)"}"#
                return try await stage.code(.reshareV1, as: token, body)
            }
            #expect(try await code(wallet.shareHex) == .walletNotFound)
            try await stage.register(wallet, as: "bob")
            #expect(try await code(wallet.shareHex) == .userNotFound)
            try await stage.register(try TestWallet(.ed25519), as: "alice")
            #expect(try await code(wallet.shareHex) == .unauthorized)
            let another = try TestWallet(.secp256k1).shareHex
            #expect(try await code(another, as: "bob") == .reshareFailed)
            try await stage.run(
                #"UPDATE "2_key_shares" SET reshared_at = now() - interval '1 day', status = 'inactive'"#
            )
            #expect(try await code(wallet.shareHex.uppercased(), as: "bob") == nil)
            let stamped = #"""
                SELECT count(*) FROM "2_key_shares" WHERE reshared_at > now() - interval '1 hour' AND status = 'active'
                """#
            #expect(try await stage.number(stamped) == 1)
            try await stage.run(#"DELETE FROM "2_key_shares""#)
            #expect(try await code(wallet.shareHex, as: "bob") == .keyShareNotFound)
        }
    }

    // MARK: Version 2

    static func wallets(_ first: TestWallet, _ second: TestWallet) -> String {
        #"{"wallets":{"secp256k1":{\#(first.members)},"ed25519":{\#(second.members)}}}"#
    }

    static func keys(_ first: TestWallet, _ second: TestWallet) -> String {
        #"{"wallets":{"secp256k1":"\#(first.publicKey)","ed25519":"\#(second.publicKey)"}}"#
    }

    @Test func `both curves are registered, given and confirmed in one call of version 2`() async throws {
        try await Stage.with { stage in
            let (first, second) = (try TestWallet(.secp256k1), try TestWallet(.ed25519))
            try await stage.call(.registerV2, Self.wallets(first, second))
            let answer = try await stage.call(.getV2, Self.keys(first, second))
            #expect(answer.wallet(.secp256k1)["share"] as? String == first.shareHex)
            #expect(answer.wallet(.ed25519)["share"] as? String == second.shareHex)
            let id = try #require(answer.wallet(.ed25519)["share_id"] as? String)
            #expect(UUID(uuidString: id) != nil && id == id.lowercased())
            try await stage.call(.reshareV2, Self.wallets(first, second))
            #expect(try await stage.code(.registerV2, Self.wallets(first, second)) == .duplicatePublicKey)
            let third = try TestWallet(.secp256k1)
            #expect(try await stage.code(.reshareRegisterV2, Self.wallets(third, second)) == .duplicatePublicKey)
            #expect(try await stage.number(#"SELECT count(*) FROM "2_wallets""#) == 2, "all or nothing")
            try await stage.call(.reshareRegisterV2, #"{"wallets":{"secp256k1":{\#(third.members)}}}"#)
            #expect(try await stage.number(#"SELECT count(*) FROM "2_users""#) == 1)
        }
    }

    @Test func `get of version 2 names the curve, and the first curve's failure wins`() async throws {
        try await Stage.with { stage in
            let (first, second) = (try TestWallet(.secp256k1), try TestWallet(.ed25519))
            #expect(try await stage.code(.getV2, Self.keys(first, second)) == .userNotFound)
            try await stage.register(first)
            await #expect {
                try await stage.call(.getV2, Self.keys(first, second))
            } throws: { error in
                (error as? KeyShareFailure)
                    == KeyShareFailure(.walletNotFound, "Wallet not found for curve_type: ed25519")
            }
            await #expect {
                try await stage.call(.getV2, Self.keys(try TestWallet(.secp256k1), second))
            } throws: { error in
                (error as? KeyShareFailure)?.message == "Wallet not found for curve_type: secp256k1"
            }
        }
    }

    @Test func `what version 2 needs is asked for before anything is stored`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            for route in [KeyShareRoute.getV2, .registerV2, .reshareV2, .reshareRegisterV2] {
                for body in [
                    "{}", #"{"wallets":null}"#, #"{"wallets":[]}"#, #"{"wallets":{}}"#, #"{"wallets":"x"}"#,
                    #"{"wallets":{"p256":"02"}}"#, #"{"wallets":{"p256":{}}}"#,
                    #"{"wallets":{"secp256k1":1}}"#, #"{"wallets":{},"wallets":{}}"#,
                ] {
                    #expect(try await stage.code(route, body) == .invalidRequest, "\(route) \(body)")
                }
            }
            #expect(
                try await stage.code(.registerV2, #"{"wallets":{"secp256k1":{\#(wallet.members)}}}"#) == .invalidRequest
            )
            #expect(try await stage.number(#"SELECT count(*) FROM "2_users""#) == 0)
            // No login is needed to ask, and nothing stops for a body like these.
            #expect(try await stage.code(.checkV2, as: nil, "{}") == .invalidRequest)
            #expect(
                try await stage.code(.checkV2, as: nil, #"{"user_auth_id":"a","auth_type":"google"}"#)
                    == .invalidRequest
            )
        }
    }

    @Test func `check of version 2 answers for each curve`() async throws {
        try await Stage.with { stage in
            let (first, second) = (try TestWallet(.secp256k1), try TestWallet(.ed25519))
            try await stage.register(first)
            let body =
                #"{"user_auth_id":"test_alice","auth_type":"google",\#(Self.keys(first, second).dropFirst())"#
            let answer = try await stage.call(.checkV2, as: nil, body)
            #expect(answer.wallet(.secp256k1)["exists"] as? Bool == true)
            #expect(answer.wallet(.ed25519)["exists"] as? Bool == false)
        }
    }

    @Test func `ed25519 is added only to a user who has secp256k1`() async throws {
        try await Stage.with { stage in
            let (first, second, third) = (
                try TestWallet(.secp256k1), try TestWallet(.ed25519), try TestWallet(.ed25519)
            )
            let body = "{\(second.members)}"
            #expect(try await stage.code(.registerEd25519V2, body) == .userNotFound)
            try await stage.register(third)
            #expect(try await stage.code(.registerEd25519V2, body) == .walletNotFound)
            try await stage.register(first)
            #expect(try await stage.code(.registerEd25519V2, body) == nil)
            #expect(try await stage.code(.registerEd25519V2, body) == .duplicatePublicKey)
        }
    }

    @Test func `a reshare of two curves stamps both or none`() async throws {
        try await Stage.with { stage in
            let (first, second) = (try TestWallet(.secp256k1), try TestWallet(.ed25519))
            try await stage.call(.registerV2, Self.wallets(first, second))
            try await stage.run(#"UPDATE "2_key_shares" SET reshared_at = now() - interval '1 day'"#)
            let another = try TestWallet(.ed25519)
            let body = #"""
                {"wallets":{"secp256k1":{\#(first.members)},
                "ed25519":{"public_key":"\#(second.publicKey)","share":"\#(another.shareHex)"}}}
                """#
            #expect(try await stage.code(.reshareV2, body) == .reshareFailed)
            let stamped = #"SELECT count(*) FROM "2_key_shares" WHERE reshared_at > now() - interval '1 hour'"#
            #expect(try await stage.number(stamped) == 0)
        }
    }

    // MARK: People

    @Test func `whoever registers another's public key first does not lock its owner out`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            let squatted = TestWallet(publicKey: wallet.publicKey, shareOf: try TestWallet(.secp256k1))
            try await stage.register(squatted, as: "mallory")
            try await stage.register(wallet, as: "alice")
            #expect(try await stage.get(wallet, as: "alice") == wallet.shareHex)
            #expect(try await stage.get(wallet, as: "mallory") == squatted.shareHex)
        }
    }

    @Test func `people who register at the same moment get a conflict or their share, never an error`() async throws {
        try await Stage.with { stage in
            let shared = try TestWallet(.secp256k1)
            let body = #"{"curve_type":"secp256k1",\#(shared.members)}"#
            let codes = try await withThrowingTaskGroup(of: KeyShareFailureCode?.self) { group in
                for number in 0..<16 {
                    // Four new users; each comes four times with the same wallet.
                    group.addTask { try await stage.code(.registerV1, as: "user\(number % 4)", body) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.filter { $0 == nil }.count == 4)
            #expect(codes.filter { $0 == .duplicatePublicKey }.count == 12)
            #expect(try await stage.number(#"SELECT count(*) FROM "2_users""#) == 4)
        }
    }

    @Test func `a person's reads and writes of an hour end for all processes together`() async throws {
        try await Stage.with(change: {
            $0.readsPerHour = 3
            $0.writesPerHour = 2
        }) { stage in
            let other = try await stage.other {
                $0.readsPerHour = 3
                $0.writesPerHour = 2
            }
            let wallet = try TestWallet(.secp256k1)
            try await stage.register(wallet)
            try await other.register(try TestWallet(.secp256k1))
            await #expect(throws: KeyShareFailure.self) { try await stage.register(try TestWallet(.secp256k1)) }
            for node in [stage, other, stage] { _ = try await node.get(wallet) }
            let body = #"{"curve_type":"secp256k1","public_key":"\#(wallet.publicKey)"}"#
            #expect(try await other.code(.getV1, body) == .rateLimitExceeded)
            // Others are not concerned.
            #expect(try await other.code(.getV1, as: "bob", body) == .userNotFound)
            stage.clock.advance(seconds: 3601)
            #expect(try await other.code(.getV1, body) == nil)
        }
    }

    @Test func `questions that are refused are counted by themselves`() async throws {
        try await Stage.with(change: {
            $0.readsPerHour = 2
            $0.writesPerHour = 2
            $0.refusalsPerHour = 3
        }) { stage in
            let wallet = try TestWallet(.secp256k1)
            let own = try TestWallet(.secp256k1)
            try await stage.register(wallet)
            try await stage.register(own, as: "carol")
            func body(_ wallet: TestWallet) -> String {
                #"{"curve_type":"secp256k1","public_key":"\#(wallet.publicKey)"}"#
            }
            // Whoever has one login does not find out whose wallets there are.
            let asked = try TestWallet(.secp256k1)
            #expect(try await stage.code(.getV1, as: "bob", body(wallet)) == .userNotFound)
            #expect(try await stage.code(.getV1, as: "bob", body(asked)) == .userNotFound)
            #expect(try await stage.code(.getV1, as: "bob", body(wallet)) == .userNotFound)
            for _ in 0..<2 { #expect(try await stage.code(.getV1, as: "bob", body(wallet)) == .rateLimitExceeded) }
            // What was refused takes nothing away from what a person may do.
            for _ in 0..<3 { #expect(try await stage.code(.getV1, as: "carol", body(wallet)) == .unauthorized) }
            for _ in 0..<2 { #expect(try await stage.get(own, as: "carol") == own.shareHex) }
            #expect(try await stage.code(.getV1, as: "carol", body(own)) == .rateLimitExceeded)
            let guess =
                #"{"curve_type":"secp256k1",\#(TestWallet(publicKey: wallet.publicKey, shareOf: asked).members)}"#
            for _ in 0..<3 { #expect(try await stage.code(.reshareV1, guess) == .reshareFailed) }
            #expect(try await stage.code(.reshareV1, guess) == .rateLimitExceeded)
            #expect(try await stage.get(wallet) == wallet.shareHex)
        }
    }

    @Test func `a name of before is bound to the first who proves to have it`() async throws {
        try await Stage.with(fill: { client in
            try await client.withConnection {
                try await $0.script(
                    #"INSERT INTO "2_users" (auth_type, user_auth_id) VALUES ('auth0', 'a@example.com')"#
                )
            }
        }) { stage in
            let wallet = try TestWallet(.secp256k1)
            func body(_ wallet: TestWallet) -> String {
                #"{"auth_type":"auth0","curve_type":"secp256k1","public_key":"\#(wallet.publicKey)"}"#
            }
            let registration = #"{"auth_type":"auth0","curve_type":"secp256k1",\#(wallet.members)}"#
            try await stage.call(.registerV1, as: "first/a@example.com", registration)
            #expect(try await stage.number(#"SELECT count(*) FROM "2_users""#) == 1)
            // With a new address the same person still has the wallet; whoever has the address now does not.
            #expect(try await stage.code(.getV1, as: "first/new@example.com", body(wallet)) == nil)
            #expect(try await stage.code(.getV1, as: "second/a@example.com", body(wallet)) == .userNotFound)
            let second = try TestWallet(.secp256k1)
            try await stage.call(
                .registerV1,
                as: "second/a@example.com",
                #"{"auth_type":"auth0","curve_type":"secp256k1",\#(second.members)}"#
            )
            #expect(try await stage.number(#"SELECT count(*) FROM "2_users""#) == 2)
            #expect(try await stage.code(.getV1, as: "second/a@example.com", body(wallet)) == .unauthorized)
        }
    }

    @Test func `a passkey's public key is kept with its first registration and never replaced`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            let body = #"{"auth_type":"webauthn","curve_type":"secp256k1",\#(wallet.members)}"#
            let keys = StoredPasskeyKeys(client: stage.client)
            #expect(try await keys.key(of: "test_p") == nil)
            try await stage.call(.registerV1, as: "p#aabb", body)
            #expect(try await keys.key(of: "test_p") == [0xAA, 0xBB])
            let second = #"{"auth_type":"webauthn","curve_type":"secp256k1",\#(try TestWallet(.secp256k1).members)}"#
            #expect(try await stage.code(.registerV1, as: "p#ccdd", second) == .unauthorized)
            #expect(try await keys.key(of: "test_p") == [0xAA, 0xBB])
        }
    }
}
