// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import CommitReveal
import Foundation
import KeyShareProtocol
import KeyShares
import Testing

@testable import KeyShareNode

/// Bodies of strangers.
@Suite struct HostileInputTests {
    /// A generator that draws the same each time.
    struct Draws: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
            return value ^ value >> 31
        }
    }

    private static let routes = KeyShareRoute.allCases.filter { $0.authentication != .administrator }

    /// Pieces that turn up where they do not belong.
    private static let pieces = [
        "{}", "[]", "null", "\"\"", "{", "}", ":", ",", "\\", "\"", "\u{0}", "0", "-1", "1e999", "true",
        "{\"wallets\":", "\u{FEFF}", "\u{2028}", "9223372036854775808", "[[[[[[[[", "\"wallets\":null",
    ]

    private func mutated(_ body: [UInt8], _ draws: inout Draws) -> [UInt8] {
        var body = body
        for _ in 0..<Int.random(in: 1...3, using: &draws) {
            let place = Int.random(in: 0...max(0, body.count - 1), using: &draws)
            switch Int.random(in: 0..<5, using: &draws) {
            case 0 where !body.isEmpty: body[place] = .random(in: 0...255, using: &draws)
            case 1: body.removeSubrange(place..<min(body.count, place + Int.random(in: 1...40, using: &draws)))
            case 2: body.insert(contentsOf: Array(Self.pieces.randomElement(using: &draws)?.utf8 ?? "".utf8), at: place)
            case 3: body = Array(body.prefix(place))
            default: body.insert(contentsOf: body.prefix(place).suffix(30), at: place)
            }
        }
        return body
    }

    @Test func `ten thousand mutated bodies are refused with a reason, and the node serves on`() async throws {
        try await Stage.with { stage in
            let (first, second) = (try TestWallet(.secp256k1), try TestWallet(.ed25519))
            try await stage.call(.registerV2, FormerRouteTests.wallets(first, second))
            let session = try await SessionClient.opened(stage, .signIn, version: .v3)
            let sealed = try session.sealed(first.share, api: .register)
            let keys = FormerRouteTests.keys(first, second)
            let seeds = [
                FormerRouteTests.wallets(first, second), keys, "{\(second.members)}", session.commitBody,
                #"{"curve_type":"secp256k1",\#(first.members)}"#,
                #"{"user_auth_id":"test_alice","auth_type":"google",\#(keys.dropFirst())"#,
                session.body(String(keys.dropFirst().dropLast()), api: .getKeyShares),
                String(
                    decoding: try session.call(
                        .registerV3,
                        #""wallets":{"secp256k1":{"public_key":"\#(first.publicKey)","share":\#(sealed)}}"#
                    ).body,
                    as: UTF8.self
                ),
                String(decoding: try session.call(.refreshCommitV3, #""refresh_id":"\#(UUID())""#).body, as: UTF8.self),
            ].map { Array($0.utf8) }
            var draws = Draws(state: 0x5EED)
            for number in 0..<10_000 {
                let route = Self.routes[number % Self.routes.count]
                let body = self.mutated(seeds[number / Self.routes.count % seeds.count], &draws)
                let call = KeyShareCall(
                    bearer: number % 3 == 0 ? nil : "alice",
                    session: number % 2 == 0 ? session.id : nil,
                    signature: number % 5 == 0 ? nil : String(repeating: "0", count: 128),
                    body: body,
                    peer: "192.0.2.\(number % 250)"
                )
                do throws(KeyShareFailure) { _ = try await stage.service.answer(route, call) } catch {
                    #expect(error.code != .unknownError, "\(route) \(String(decoding: body, as: UTF8.self))")
                }
            }
            #expect(try await stage.get(first) == first.shareHex)
            #expect(!stage.logs.all.contains { $0.hasPrefix("error") })
        }
    }

    @Test func `an empty object stops nothing`() async throws {
        try await Stage.with { (stage) async throws in
            for route in Self.routes { #expect(try await stage.code(route, "{}") == .invalidRequest) }
        }
    }
}
