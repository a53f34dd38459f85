// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import CommitReveal
import Crypto
import Foundation
import KeyShares
import Testing

@testable import KeyShareProtocol

/// Bodies as clients send them.
enum Bodies {
    static let shares: [ShareCurve: ShareDealing] = Dictionary(
        uniqueKeysWithValues: ShareCurve.allCases.compactMap { curve in
            let nodes = (0..<3).map { NodeIdentifier(nodeName: "node-\($0)", curve: curve) }
            let secret: [UInt8] = [0] + (1...30).map { UInt8($0) } + [0]
            return (try? ShareDealing(splitting: secret, threshold: 2, among: nodes)).map { (curve, $0) }
        }
    )

    static func key(_ curve: ShareCurve) -> String { Hex.encode(shares[curve]?.commitments.points[0] ?? []) }

    static func share(_ curve: ShareCurve) -> String { Hex.encode(shares[curve]?.shares[0].bytes ?? []) }

    static func wallet(_ curve: ShareCurve) -> String {
        #"{"public_key":"\#(key(curve))","share":"\#(share(curve))"}"#
    }

    static let both = #"{"secp256k1":\#(wallet(.secp256k1)),"ed25519":\#(wallet(.ed25519))}"#

    static let registerV1 =
        #"{"auth_type":"google","curve_type":"ed25519","public_key":"\#(key(.ed25519))","share":"\#(share(.ed25519))"}"#
    static let registerV2 = #"{"auth_type":"google","wallets":\#(both)}"#
    static let getV2 =
        #"{"auth_type":"google","wallets":{"secp256k1":"\#(key(.secp256k1))","ed25519":"\#(key(.ed25519))"}}"#
    static let checkV2 =
        #"{"user_auth_id":"google_1","auth_type":"google","wallets":{"ed25519":"\#(key(.ed25519))"}}"#
    static let commit = """
        {"session_id":"550e8400-e29b-41d4-a716-446655440000","operation_type":"sign_in",\
        "client_ephemeral_pubkey":"\(String(repeating: "0a", count: 32))",\
        "id_token_hash":"\(String(repeating: "0b", count: 32))"}
        """

    static func decode<Body: Decodable>(_ type: Body.Type, _ text: String) throws(KeyShareFailure) -> Body {
        try RequestBody.decode(type, Array(text.utf8))
    }

    /// The code that a body is refused with.
    static func code(_ body: () throws -> Void) -> KeyShareFailureCode? {
        do { try body() } catch { return (error as? KeyShareFailure)?.code ?? .unknownError }
        return nil
    }
}

@Suite("Bodies of key share nodes")
struct RequestBodyTests {
    private func checkedV1(_ text: String) -> KeyShareFailureCode? {
        Bodies.code { _ = try Bodies.decode(KeyShareV1.Share.self, text).checked() }
    }

    @Test("what clients send is read, and a missing auth_type means google")
    func valid() throws {
        let share = try Bodies.decode(KeyShareV1.Share.self, Bodies.registerV1)
        #expect(share.authType == "google")
        #expect(try share.checked().share.bytes == Hex.decode(Bodies.share(.ed25519)))
        let upper = Bodies.registerV1.replacing(Bodies.share(.ed25519), with: Bodies.share(.ed25519).uppercased())
        #expect(checkedV1(upper) == nil)
        #expect(
            try Bodies.decode(KeyShareV1.Share.self, Bodies.registerV1.replacing(#""auth_type":"google","#, with: ""))
                .authType
                == "google"
        )
        let both = try Bodies.decode(KeyShareV2.Shares.self, Bodies.registerV2)
        #expect(try both.checkedBoth().map(\.publicKey.curve) == [.secp256k1, .ed25519])
        #expect(try Bodies.decode(KeyShareV2.Get.self, Bodies.getV2).checked().map(\.curve) == [.secp256k1, .ed25519])
        let check = try Bodies.decode(KeyShareV2.Check.self, Bodies.checkV2)
        #expect(check.userAuthID == "google_1" && check.request.wallets["secp256k1"] == nil)
        _ = try Bodies.decode(KeyShareV2.Commit.self, Bodies.commit).checked(.v2)
        let fields = #"{"cr_session_id":"s","cr_signature":"x","auth_type":"x","wallets":{"ed25519":"00"}}"#
        let reveal = try Bodies.decode(KeyShareV2.Get.self, fields).reveal
        #expect(reveal.sessionID == "s" && reveal.signature == "x")
    }

    @Test("the first check of version 1 that fails gives the code")
    func orderV1() {
        let (key, share) = (Bodies.key(.ed25519), Bodies.share(.ed25519))
        func body(_ curve: String, _ key: String, _ share: String) -> String {
            #"{"curve_type":"\#(curve)","public_key":"\#(key)","share":"\#(share)"}"#
        }
        #expect(checkedV1(body("p256", "00", "00")) == .publicKeyInvalid)
        #expect(checkedV1(body("p256", key, "00")) == .publicKeyInvalid)
        #expect(checkedV1(body("p256", key + "00", "00")) == .shareInvalid)
        #expect(checkedV1(body("p256", key + "00", share)) == .curveTypeNotSupported)
        #expect(checkedV1(body("ed25519", key + "00", share)) == .publicKeyInvalid)
        #expect(checkedV1(body("ed25519", "0x" + key.dropFirst(2), share)) == .publicKeyInvalid)
        #expect(checkedV1(body("ed25519", String(key.dropLast()), share)) == .publicKeyInvalid)
        #expect(checkedV1(body("ed25519", key, share + "00")) == .shareInvalid)
        #expect(checkedV1(body("ed25519", String(repeating: "0", count: 64), share)) == .publicKeyInvalid)
        #expect(checkedV1(body("ed25519", key, String(repeating: "0", count: 128))) == .shareInvalid)
        #expect(checkedV1(body("ed25519", key, share)) == nil)
        let get = #"{"curve_type":"p256","public_key":"00"}"#
        #expect(Bodies.code { _ = try Bodies.decode(KeyShareV1.Get.self, get).checked() } == .curveTypeNotSupported)
    }

    @Test(
        "wallets that are missing, empty, of another type, of unknown curves or doubled are invalid",
        arguments: [
            "{}", "[]", "null", "1", "\"\"", "", " ", "{", "{\"wallets\":", #"{"wallets":null}"#, #"{"wallets":[]}"#,
            #"{"wallets":{}}"#, #"{"wallets":"x"}"#, #"{"wallets":{"p256":"00"}}"#, #"{"wallets":{"SECP256K1":"00"}}"#,
            #"{"wallets":{"ed25519":null}}"#, #"{"wallets":{"ed25519":1}}"#, #"{"wallets":{"ed25519":{"x":"00"}}}"#,
            #"{"wallets":{"ed25519":"00","ed25519":"01"}}"#,
            #"{"wallets":{"ed25519":"00"},"wallets":{"ed25519":"01"}}"#,
            #"{"wallets":{"ed25519":"00","\u0065d25519":"01"}}"#, #"{"auth_type":1,"wallets":{"ed25519":"00"}}"#,
            #"{"auth_type":"","wallets":{"ed25519":"00"}}"#, #"{"a":[[[[[]]]]],"wallets":{"ed25519":"00"}}"#,
            #"{"wallets":{"ed25519":"00"}}{}"#, #"{"wallets":{"ed25519":"00"},}"#, #"{'wallets':{"ed25519":"00"}}"#,
            #"{"cr_session_id":1,"wallets":{"ed25519":"00"}}"#,
        ]
    )
    func invalidWallets(_ text: String) {
        #expect(Bodies.code { _ = try Bodies.decode(KeyShareV2.Get.self, text) } == .invalidRequest)
        #expect(Bodies.code { _ = try Bodies.decode(KeyShareV2.Shares.self, text) } == .invalidRequest)
    }

    @Test("registration of version 2 wants both curves")
    func bothCurves() {
        let one = #"{"wallets":{"ed25519":\#(Bodies.wallet(.ed25519))}}"#
        #expect(Bodies.code { _ = try Bodies.decode(KeyShareV2.Shares.self, one).checkedBoth() } == .invalidRequest)
        #expect(Bodies.code { _ = try Bodies.decode(KeyShareV2.Shares.self, one).checked() } == nil)
    }

    @Test("a large body is refused by its size")
    func large() {
        let text = Bodies.registerV1 + String(repeating: " ", count: RequestBody.maximumCount)
        #expect(Bodies.code { _ = try Bodies.decode(KeyShareV1.Share.self, text) } == .payloadTooLarge)
    }

    @Test("names of users are as long as they can be stored")
    func identities() {
        for name in ["", String(repeating: "x", count: 256), "a\\u0000b"] {
            let text = #"{"user_auth_id":"\#(name)","curve_type":"ed25519","public_key":"00"}"#
            #expect(Bodies.code { _ = try Bodies.decode(KeyShareV1.Check.self, text) } == .invalidRequest)
        }
    }

    @Test("no mutation of a body crashes, or is refused by other than a code of the protocol")
    func mutations() {
        var generator = SystemRandomNumberGenerator()
        let readers: [(String, ([UInt8]) throws -> Void)] = [
            (Bodies.registerV1, { _ = try RequestBody.decode(KeyShareV1.Share.self, $0).checked() }),
            (Bodies.registerV2, { _ = try RequestBody.decode(KeyShareV2.Shares.self, $0).checkedBoth() }),
            (Bodies.getV2, { _ = try RequestBody.decode(KeyShareV2.Get.self, $0).checked() }),
            (Bodies.checkV2, { _ = try RequestBody.decode(KeyShareV2.Check.self, $0).request.checked() }),
            (Bodies.commit, { _ = try RequestBody.decode(KeyShareV2.Commit.self, $0).checked(.v2) }),
        ]
        for (text, read) in readers {
            let good = Array(text.utf8)
            #expect(throws: Never.self) { try read(good) }
            for _ in 0..<2_000 {
                var bytes = good
                for _ in 0..<Int.random(in: 1...4) {
                    let place = bytes.indices.randomElement() ?? 0
                    switch Int.random(in: 0..<4) {
                    case 0: bytes[place] = .random(in: .min ... .max, using: &generator)
                    case 1: bytes.removeSubrange(place..<min(bytes.count, place + .random(in: 1...40)))
                    case 2: bytes.insert(contentsOf: Array(#"{}[],:""#.utf8).shuffled().prefix(2), at: place)
                    default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 60)], at: place)
                    }
                    if bytes.isEmpty { bytes = [0] }
                }
                #expect(Bodies.code { try read(bytes) } != .unknownError)
            }
            for count in good.indices {
                #expect(Bodies.code { try read(Array(good.prefix(count))) } == .invalidRequest)
            }
        }
    }

    @Test("doubled members and commas too many are found at any depth")
    func members() throws {
        for good in [
            "{}", #"{"a":{"a":1},"b":{"a":1}}"#, #"[{"a":1},{"a":1}]"#, #"{"a":"b","b":"a"}"#, #"{"a":["a","a"]}"#,
            #"{"a":"\"a\":1,","b":1}"#, #"{"":1,"a":1}"#,
        ] {
            #expect(StrictJSON.isStrict(Array(good.utf8)), "\(good)")
        }
        for bad in [
            #"{"a":1,"a":1}"#, #"{"x":{"a":1,"b":[{}],"a":1}}"#, #"[{"a":[1,2],"a":1}]"#, #"{"\u0061":1}"#,
            #"{"a":{"b":1},"a":1}"#, #"{"a" : 1 , "a" : 2}"#, #"{"a":1 , }"#, "[1,]", "[[1,],2]",
        ] {
            #expect(!StrictJSON.isStrict(Array(bad.utf8)), "\(bad)")
        }
        // Readers take these for JSON, too; the text before the bracket ends in a byte that looks like a quote.
        for encoding in [String.Encoding.utf16LittleEndian, .utf16BigEndian, .utf16, .utf32LittleEndian] {
            for text in [#"{"a":1,"a":2}"#, "{\"a\":\"\u{2261}\",\"b\":1,\"b\":2}"] {
                let bytes = Array(try #require(text.data(using: encoding)))
                #expect(!StrictJSON.isStrict(bytes))
                #expect(throws: KeyShareFailure.self) { try RequestBody.decode([String: Int].self, bytes) }
            }
        }
    }
}

@Suite("Bodies of version 3")
struct KeyShareV3Tests {
    private let node = NodeKey()
    private let key: SessionKey
    private let session = "550e8400-e29b-41d4-a716-446655440000"

    init() throws {
        let client = Array(Curve25519.Signing.PrivateKey().publicKey.rawRepresentation)
        key = try #require(SessionKey(node: node, client: client))
    }

    private func json(_ sealed: SealedText) throws -> String {
        String(decoding: try JSONEncoder().encode(KeyShareV3.Sealed(sealed)), as: UTF8.self)
    }

    private func register(_ curve: ShareCurve, bound curveName: String, commitments: [[UInt8]]) throws -> String {
        let dealing = try #require(Bodies.shares[curve])
        let binding = SessionKey.binding(session: session, api: .register, curve: curveName, isRequest: true)
        let texts = commitments.map { "\"\(Hex.encode($0))\"" }.joined(separator: ",")
        return """
            {"auth_type":"google","enc_token":\(try json(key.seal([65]))),"wallets":{"\(curve)":{"public_key":\
            "\(Bodies.key(curve))","share":\(try json(key.seal(dealing.shares[0].bytes, bound: binding))),\
            "commitments":[\(texts)]}}}
            """
    }

    @Test("sealed shares open for their curve and fit their commitments", arguments: ShareCurve.allCases)
    func register(_ curve: ShareCurve) throws {
        let points = try #require(Bodies.shares[curve]).commitments.points
        func code(_ text: String, _ api: KeyShareAPI = .register) -> KeyShareFailureCode? {
            Bodies.code {
                let body = try Bodies.decode(KeyShareV3.Register.self, text)
                let shares = try body.checked(session: session, api: api, key: key)
                #expect(shares.count == 1 && shares[0].commitments?.points == points)
            }
        }
        let good = try register(curve, bound: curve.rawValue, commitments: points)
        #expect(code(good) == nil)
        #expect(code(good, .reshareRegister) == .shareInvalid)
        #expect(code(try register(curve, bound: "another", commitments: points)) == .shareInvalid)
        #expect(code(try register(curve, bound: curve.rawValue, commitments: points.reversed())) == .shareInvalid)
        #expect(code(try register(curve, bound: curve.rawValue, commitments: [points[0]])) == .shareInvalid)
        #expect(code(good.replacing("\"nonce\":\"", with: "\"nonce\":\"00")) == .invalidRequest)
        #expect(code(good.replacing("\"tag\"", with: "\"gat\"")) == .invalidRequest)
    }

    @Test("a refresh is read with its epoch, delta and commitments", arguments: ShareCurve.allCases)
    func refresh(_ curve: ShareCurve) throws {
        let dealing = try #require(Bodies.shares[curve])
        let refresh = try RefreshDealing(threshold: 2, among: dealing.shares.map(\.identifier))
        let binding = SessionKey.binding(session: session, api: .refreshPrepare, curve: curve.rawValue, isRequest: true)
        let text = """
            {"auth_type":"google","enc_token":\(try json(key.seal([65]))),"wallets":{"\(curve)":{"public_key":\
            "\(Bodies.key(curve))","epoch":1,"delta":\(try json(key.seal(refresh.deltas[0].bytes, bound: binding))),\
            "commitments":["\(Hex.encode(refresh.commitments.points[0]))"]}}}
            """
        let body = try Bodies.decode(KeyShareV3.RefreshPrepare.self, text)
        let read = try #require(try body.checked(session: session, key: key).first)
        let share = EpochShare(dealing.shares[0])
        let next = try share.refreshed(by: read.delta, commitments: read.commitments, from: read.epoch)
        #expect(next.epoch == 2 && next.share != share.share)
        #expect(Bodies.code { _ = try body.checked(session: "another", key: key) } == .shareInvalid)
        let float = text.replacing("\"epoch\":1", with: "\"epoch\":1.5")
        #expect(Bodies.code { _ = try Bodies.decode(KeyShareV3.RefreshPrepare.self, float) } == .invalidRequest)
    }

    @Test("the answer to a commitment is signed, and says when the session ends in version 3 only")
    func commitAnswer() throws {
        for version in ProtocolVersion.allCases {
            let commitment = try Bodies.decode(KeyShareV2.Commit.self, Bodies.commit).checked(version)
            let answer = KeyShareAnswer.Committed(RevealSession(opening: commitment, now: 0), by: node)
            #expect(answer.nodeKey == node.hex && answer.signature.utf8.count == 128)
            #expect(answer.expiresAt == (version == .v3 ? "1970-01-01T00:05:00.000Z" : nil))
        }
    }
}

@Suite("Answers and routes of key share nodes")
struct KeyShareAnswerTests {
    @Test("envelopes are those of the protocol")
    func envelopes() throws {
        func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
        #expect(text(KeyShareAnswer.empty) == #"{"data":null,"success":true}"#)
        #expect(
            text(KeyShareAnswer.success(KeyShareAnswer.Existence(exists: true)))
                == #"{"data":{"exists":true},"success":true}"#
        )
        #expect(
            text(KeyShareAnswer.failure(KeyShareFailure(.userNotFound, "User not found")))
                == #"{"code":"USER_NOT_FOUND","msg":"User not found","success":false}"#
        )
        let share = try #require(Bodies.shares[.ed25519]).shares[0]
        #expect(
            text(KeyShareAnswer.success(KeyShareAnswer.Share(shareID: "id", share: share)))
                == #"{"data":{"share":"\#(Bodies.share(.ed25519))","share_id":"id"},"success":true}"#
        )
    }

    @Test(
        "codes have the statuses of the protocol",
        arguments: [
            (500, ["UNKNOWN_ERROR", "PG_DUMP_FAILED", "PG_RESTORE_FAILED"]),
            (
                400,
                [
                    "INVALID_REQUEST", "PUBLIC_KEY_INVALID", "SHARE_INVALID", "CURVE_TYPE_NOT_SUPPORTED",
                    "INVALID_DAYS",
                    "INVALID_DUMP_PATH", "INVALID_DUMP_FILE", "DUMP_FILE_ACCESS_ERROR", "DUMP_FILE_NOT_FOUND",
                    "INVALID_SIGNATURE",
                ]
            ),
            (401, ["UNAUTHORIZED"]), (402, ["PAYMENT_REQUIRED"]),
            (404, ["USER_NOT_FOUND", "WALLET_NOT_FOUND", "KEY_SHARE_NOT_FOUND", "SESSION_NOT_FOUND", "NOT_FOUND"]),
            (405, ["METHOD_NOT_ALLOWED"]),
            (
                409,
                [
                    "DUPLICATE_PUBLIC_KEY", "USER_ALREADY_REGISTERED", "SESSION_ALREADY_EXISTS", "RESHARE_FAILED",
                    "EPOCH_CONFLICT",
                ]
            ),
            (410, ["SESSION_EXPIRED"]), (413, ["PAYLOAD_TOO_LARGE"]), (415, ["UNSUPPORTED_MEDIA_TYPE"]),
            (429, ["RATE_LIMIT_EXCEEDED"]), (503, ["PROVIDER_UNAVAILABLE", "NODE_SEALED"]),
        ]
    )
    func statuses(_ status: Int, _ names: [String]) {
        let codes = KeyShareFailureCode.allCases.filter { $0.status == status }
        #expect(Set(codes.map(\.rawValue)) == Set(names))
    }

    @Test("failures of sessions have the codes of the protocol")
    func sessionCodes() {
        let expected: [(CommitRevealFailure, KeyShareFailureCode, Int)] = [
            (.missingFields, .invalidRequest, 400), (.sessionNotFound, .sessionNotFound, 404),
            (.notCommitted, .invalidRequest, 400), (.expired, .sessionExpired, 410),
            (.notAllowed(.register, .signIn), .invalidRequest, 400), (.malformedSignature, .invalidSignature, 400),
            (.missingToken, .unauthorized, 401), (.tokenMismatch, .invalidRequest, 400),
            (.wrongSignature, .invalidSignature, 400), (.repeated, .sessionAlreadyExists, 409),
            (.sessionExists, .sessionAlreadyExists, 409),
        ]
        for (failure, code, status) in expected {
            let answer = KeyShareFailure(failure)
            #expect(answer.code == code && answer.code.status == status)
        }
        #expect(KeyShareFailure(CommitRevealFailure.notCommitted).message.contains("not in COMMITTED state"))
        #expect(KeyShareFailure(CommitRevealFailure.tokenMismatch).message == "id_token_hash mismatch")
    }

    @Test("routes are found with and without a slash at the end, and nothing else is")
    func routes() {
        for route in KeyShareRoute.allCases {
            #expect(KeyShareRoute(path: route.rawValue) == route)
            #expect(KeyShareRoute(path: route.rawValue + (route.rawValue.hasSuffix("/") ? "" : "/")) == route)
            #expect((route.authentication == .session) == (route.rawValue.contains("/v3/") && route != .commitV3))
        }
        for path in ["", "/", "/keyshare", "/keyshare/v2//", "/keyshare/V2/", "/keyshare/v4/", "/keyshare/v2/../v2"] {
            #expect(KeyShareRoute(path: path) == nil)
        }
    }

    @Test("dump paths end in the name of a backup")
    func dumpPaths() throws {
        #expect(DumpPath("a_b-2026.dump") == DumpPath("a_b-2026.dump"))
        #expect(DumpPath("x.akb")?.folder == nil && DumpPath("/var/dumps/x.akb")?.folder == "/var/dumps")
        #expect(DumpPath("/x.akb")?.folder == "/" && DumpPath("../x.akb")?.folder == "..")
        for bad in [
            "", ".", "..", "/", "x", "x.sql", ".dump", ".akb", "a b.dump", "x.dump/", "x.dump\0", "x.dump\n",
            "x\u{0}/y.dump",
            "é.dump", "x;.dump", String(repeating: "a", count: 260) + ".dump", "$(x).dump",
        ] {
            #expect(DumpPath(bad) == nil, "\(bad)")
        }
        for body in ["{}", #"{"dump_path":null}"#, #"{"dump_path":""}"#, #"{"dump_path":1}"#] {
            #expect(
                Bodies.code { _ = try Bodies.decode(AdministratorBody.Restore.self, body).checked() }
                    == .invalidDumpPath
            )
        }
        let restore = try Bodies.decode(AdministratorBody.Restore.self, #"{"password":"p","dump_path":"x.dump"}"#)
        #expect(restore.password == "p")
        #expect(try restore.checked().name == "x.dump")
    }

    @Test("days are an integer from 1 to 1000")
    func days() throws {
        func days(_ text: String) throws -> Int? {
            try Bodies.decode(AdministratorBody.History.self, text).checked()
        }
        #expect(try days("{}") == nil && days(#"{"days":null}"#) == nil)
        #expect(try days(#"{"days":1}"#) == 1 && days(#"{"days":1000}"#) == 1000)
        for bad in ["0", "-1", "1001", "1.5", "\"7\"", "true", "[]", "1e9"] {
            #expect(Bodies.code { _ = try days(#"{"days":\#(bad)}"#) } == .invalidDays, "\(bad)")
        }
    }
}
