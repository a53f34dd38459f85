// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import CommitReveal
import Foundation
import KeyShareProtocol
import KeyShares
import Testing

@testable import KeyShareNode

/// Version 3: sealed both ways, with epochs.
@Suite struct SealedRouteTests {
    private func registered(
        _ stage: Stage,
        _ wallets: [TestWallet],
        isCommitted: Bool = true
    ) async throws {
        let session = try await SessionClient.opened(stage, .signUp, version: .v3)
        let members = try wallets.map { wallet in
            let points = wallet.dealing.commitments.points.map { #""\#(Hex.encode($0))""# }.joined(separator: ",")
            return #"""
                "\#(wallet.curve.rawValue)":{"public_key":"\#(wallet.publicKey)",\#
                "share":\#(try session.sealed(wallet.share, api: .register))\#
                \#(isCommitted ? #","commitments":[\#(points)]"# : "")}
                """#
        }
        try await session.send(stage, .registerV3, #""wallets":{\#(members.joined(separator: ","))}"#)
    }

    private func keys(_ wallets: [TestWallet]) -> String {
        #""wallets":{\#(wallets.map { #""\#($0.curve.rawValue)":"\#($0.publicKey)""# }.joined(separator: ","))}"#
    }

    private func share(_ stage: Stage, _ wallet: TestWallet) async throws -> (epoch: Int, share: ShamirShare) {
        let session = try await SessionClient.opened(stage, .signIn, version: .v3)
        let answer = try await session.send(stage, .getV3, keys([wallet]))
        return try session.open(answer.wallet(wallet.curve), wallet.curve)
    }

    private func prepare(
        _ wallet: TestWallet,
        _ dealing: RefreshDealing,
        epoch: Int,
        _ session: SessionClient
    ) throws -> String {
        let binding = SessionKey.binding(
            session: session.id,
            api: .refreshPrepare,
            curve: wallet.curve.rawValue,
            isRequest: true
        )
        let points = dealing.commitments.points.map { #""\#(Hex.encode($0))""# }.joined(separator: ",")
        return #"""
            "wallets":{"\#(wallet.curve.rawValue)":{"public_key":"\#(wallet.publicKey)","epoch":\#(epoch),\#
            "delta":\#(try session.seal(dealing.deltas[0].bytes, bound: binding)),"commitments":[\#(points)]}}
            """#
    }

    private func dealing(_ curve: ShareCurve) throws -> RefreshDealing {
        try RefreshDealing(
            threshold: 2,
            among: TestWallet.nodes.map { NodeIdentifier(nodeName: $0, curve: curve) }
        )
    }

    @Test func `shares go both ways sealed, with their epoch and commitments`() async throws {
        try await Stage.with { stage in
            let wallets = [try TestWallet(.secp256k1), try TestWallet(.ed25519)]
            try await self.registered(stage, wallets)
            for wallet in wallets {
                let (epoch, share) = try await self.share(stage, wallet)
                #expect(epoch == 1 && share == wallet.share)
            }
            #expect(
                try await stage.number(#"SELECT count(*) FROM "2_key_shares" WHERE cardinality(commitments) = 2"#) == 2
            )
            let session = try await SessionClient.opened(stage, .signIn, version: .v3)
            let check = try await session.send(stage, .checkV3, self.keys([wallets[0]]))
            #expect(check.wallet(.secp256k1)["exists"] as? Bool == true)
        }
    }

    @Test func `neither token nor share can be read on the way`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            let session = try await SessionClient.opened(stage, .signUp, token: "alice:a-secret-token", version: .v3)
            let sealed = try session.sealed(wallet.share, api: .register)
            let call = try session.call(
                .registerV3,
                #""wallets":{"secp256k1":{"public_key":"\#(wallet.publicKey)","share":\#(sealed)}}"#
            )
            _ = try await stage.service.answer(.registerV3, call)
            let get = try await SessionClient.opened(stage, .signIn, token: "alice:second-secret", version: .v3)
            let getCall = try get.call(.getV3, self.keys([wallet]))
            let answer = try await stage.service.answer(.getV3, getCall)
            for bytes in [call.body, getCall.body, answer] {
                let text = String(decoding: bytes, as: UTF8.self)
                #expect(!text.contains("secret") && !text.contains(wallet.shareHex.suffix(64)))
            }
        }
    }

    @Test func `a share that does not fit its commitments is refused`() async throws {
        try await Stage.with { stage in
            let (wallet, other) = (try TestWallet(.ed25519), try TestWallet(.ed25519))
            let session = try await SessionClient.opened(stage, .signUp, version: .v3)
            let points = other.dealing.commitments.points.map { #""\#(Hex.encode($0))""# }.joined(separator: ",")
            let sealed = try session.sealed(wallet.share, api: .register)
            let members = #"""
                "wallets":{"ed25519":{"public_key":"\#(wallet.publicKey)","share":\#(sealed),"commitments":[\#(points)]}}
                """#
            #expect(try await session.code(stage, .registerV3, members) == .shareInvalid)
            // Another call's box does not open.
            let moved = try session.sealed(wallet.share, api: .reshareRegister)
            let again = #""wallets":{"ed25519":{"public_key":"\#(wallet.publicKey)","share":\#(moved)}}"#
            #expect(try await session.code(stage, .registerV3, again) == .shareInvalid)
        }
    }

    @Test func `calls of version 3 need their session, their signature and their body`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            try await self.registered(stage, [wallet])
            let session = try await SessionClient.opened(stage, .signIn, version: .v3)
            var call = try session.call(.getV3, self.keys([wallet]))
            func code(_ call: KeyShareCall) async -> KeyShareFailureCode? {
                do throws(KeyShareFailure) {
                    _ = try await stage.service.answer(.getV3, call)
                    return nil
                } catch { return error.code }
            }
            var bare = call
            bare.session = nil
            #expect(await code(bare) == .invalidRequest)
            bare.signature = nil
            #expect(await code(bare) == .invalidRequest)
            var changed = call
            changed.body = Array(
                String(decoding: call.body, as: UTF8.self).replacingOccurrences(of: "{", with: "{ ").utf8
            )
            #expect(await code(changed) == .invalidSignature)
            // A session of version 2 is none of version 3.
            let former = try await SessionClient.opened(stage, .signIn)
            var mixed = former
            mixed.nodeKey = session.nodeKey
            #expect(try await mixed.code(stage, .getV3, self.keys([wallet])) == .invalidRequest)
            #expect(await code(call) == nil)
            call.body = []
            #expect(await code(call) == .invalidRequest)
        }
    }

    @Test func `a user sees the own wallets without knowing their keys`() async throws {
        try await Stage.with { stage in
            let wallets = [try TestWallet(.secp256k1), try TestWallet(.ed25519)]
            try await self.registered(stage, wallets)
            try await stage.register(try TestWallet(.secp256k1), as: "bob")
            let session = try await SessionClient.opened(stage, .list, version: .v3)
            let list = try #require(try await session.send(stage, .listV3).object["data"] as? [[String: Any]])
            #expect(Set(list.compactMap { $0["public_key"] as? String }) == Set(wallets.map(\.publicKey)))
            #expect(
                list.allSatisfy { $0["epoch"] as? Int == 1 && ($0["created_at"] as? String)?.hasSuffix("Z") == true }
            )
        }
    }

    @Test func `a user's wallet is erased with everything but the audit`() async throws {
        try await Stage.with { stage in
            let wallets = [try TestWallet(.secp256k1), try TestWallet(.ed25519)]
            try await self.registered(stage, wallets)
            for (wallet, left) in zip(wallets, [1, 0] as [Int64]) {
                let session = try await SessionClient.opened(stage, .delete, version: .v3)
                try await session.send(stage, .deleteV3, self.keys([wallet]))
                #expect(try await stage.number(#"SELECT count(*) FROM "2_key_shares""#) == left)
            }
            #expect(try await stage.number(#"SELECT count(*) FROM "2_users""#) == 0)
            #expect(try await stage.audit(.delete).count == 2)
            let session = try await SessionClient.opened(stage, .delete, version: .v3)
            #expect(try await session.code(stage, .deleteV3, self.keys([wallets[0]])) == .userNotFound)
            try await self.registered(stage, wallets)
        }
    }

    @Test func `whoever registers while the last wallet is erased gets a wallet or a conflict, never an error`()
        async throws
    {
        try await Stage.with { stage in
            for _ in 0..<6 {
                let (wallet, next) = (try TestWallet(.secp256k1), try TestWallet(.ed25519))
                try await stage.register(wallet)
                let session = try await SessionClient.opened(stage, .delete, version: .v3)
                let keys = self.keys([wallet])
                async let erased = session.code(stage, .deleteV3, keys)
                async let registered: Void = stage.register(next)
                #expect(try await erased == nil)
                try await registered
                #expect(try await stage.get(next) == next.shareHex)
                #expect(try await stage.number(#"SELECT count(*) FROM "2_users""#) == 1)
                let second = try await SessionClient.opened(stage, .delete, version: .v3)
                try await second.send(stage, .deleteV3, self.keys([next]))
            }
        }
    }

    // MARK: Refresh

    @Test func `a refresh changes the share and leaves the key, and epochs do not mix`() async throws {
        try await Stage.with { stage in
            for curve in ShareCurve.allCases {
                let wallet = try TestWallet(curve)
                try await self.registered(stage, [wallet])
                let dealing = try self.dealing(curve)
                let session = try await SessionClient.opened(stage, .refresh, version: .v3)
                let members = try self.prepare(wallet, dealing, epoch: 1, session)
                let prepared = try await session.send(stage, .refreshPrepareV3, members).data
                #expect(prepared["epoch"] as? Int == 2)
                // Nothing has changed before the commit.
                #expect(try await self.share(stage, wallet).epoch == 1)
                let id = try #require(prepared["refresh_id"] as? String)
                try await session.send(stage, .refreshCommitV3, #""refresh_id":"\#(id)""#)
                let (epoch, share) = try await self.share(stage, wallet)
                #expect(epoch == 2 && share != wallet.share)
                let second = EpochShare(wallet.dealing.shares[1])
                let secondNext = try second.refreshed(
                    by: dealing.deltas[1],
                    commitments: dealing.commitments,
                    from: 1
                )
                let secret = try ShamirShare.combine(Array(wallet.dealing.shares.prefix(2)))
                #expect(try EpochShare.combine([EpochShare(share, epoch: 2), secondNext]) == secret)
                #expect(try ShamirShare.combine([share, second.share]) != secret)
                #expect(throws: KeyShareError.mixedShares) {
                    try EpochShare.combine([EpochShare(share, epoch: 2), second])
                }
                // The commitments went on with the share.
                try await stage.run(#"UPDATE "2_key_shares" SET scrubbed_at = NULL"#)
                _ = try await stage.service.scrub(count: 10)
                #expect(try await stage.audit(.shareDamaged).isEmpty)
            }
        }
    }

    @Test func `a refresh of another epoch, with a wrong delta, or too late is refused`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            try await self.registered(stage, [wallet])
            let (dealing, other) = (try self.dealing(.secp256k1), try self.dealing(.secp256k1))
            let session = try await SessionClient.opened(stage, .refresh, version: .v3)
            let wrongEpoch = try self.prepare(wallet, dealing, epoch: 2, session)
            #expect(try await session.code(stage, .refreshPrepareV3, wrongEpoch) == .epochConflict)
            let mixed = try self.prepare(wallet, dealing, epoch: 1, session)
                .replacingOccurrences(
                    of: Hex.encode(dealing.commitments.points[0]),
                    with: Hex.encode(other.commitments.points[0])
                )
            #expect(try await session.code(stage, .refreshPrepareV3, mixed) == .shareInvalid)
            let answer = try await session.send(
                stage,
                .refreshPrepareV3,
                try self.prepare(wallet, dealing, epoch: 1, session)
            )
            let id = try #require(answer.data["refresh_id"] as? String)
            stage.clock.advance(seconds: 601)
            let later = try await SessionClient.opened(stage, .refresh, version: .v3)
            #expect(try await later.code(stage, .refreshCommitV3, #""refresh_id":"\#(id)""#) == .epochConflict)
            #expect(try await self.share(stage, wallet).epoch == 1)
        }
    }

    @Test func `a refresh that not every node committed is given up, within a day`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.ed25519)
            try await self.registered(stage, [wallet])
            func refresh(epoch: Int) async throws -> String {
                let session = try await SessionClient.opened(stage, .refresh, version: .v3)
                let members = try self.prepare(wallet, try self.dealing(.ed25519), epoch: epoch, session)
                let answer = try await session.send(stage, .refreshPrepareV3, members)
                let id = try #require(answer.data["refresh_id"] as? String)
                try await session.send(stage, .refreshCommitV3, #""refresh_id":"\#(id)""#)
                return id
            }
            func abort(_ id: String, as token: String = "alice:\(UUID())") async throws -> KeyShareFailureCode? {
                let session = try await SessionClient.opened(stage, .refresh, token: token, version: .v3)
                return try await session.code(stage, .refreshAbortV3, #""refresh_id":"\#(id)""#)
            }
            let first = try await refresh(epoch: 1)
            #expect(try await abort(first, as: "bob:1") == .epochConflict, "another user's refresh")
            #expect(try await abort(first) == nil)
            let (epoch, share) = try await self.share(stage, wallet)
            #expect(epoch == 1 && share == wallet.share)
            #expect(try await abort(first) == .epochConflict)
            let second = try await refresh(epoch: 1)
            _ = try await refresh(epoch: 2)
            #expect(try await abort(second) == .epochConflict, "the next refresh has confirmed it")
            let third = try await refresh(epoch: 3)
            stage.clock.advance(seconds: 86_401)
            try await stage.service.purge()
            #expect(try await abort(third) == .epochConflict)
            #expect(try await self.share(stage, wallet).epoch == 4)
            #expect(try await stage.number(#"SELECT count(*) FROM "2_share_history""#) == 0)
        }
    }
}
