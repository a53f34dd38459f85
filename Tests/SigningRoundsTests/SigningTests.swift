// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FROST
import Foundation
import Pomade
import Secp256k1
import SigningRounds
import Testing

@Suite("Two rounds make a signature")
struct SigningTests {
    struct Shape: CustomTestStringConvertible {
        let threshold, count: Int
        var testDescription: String { "\(threshold) of \(count)" }

        static let all = (2...5).flatMap { count in (2...count).map { Shape(threshold: $0, count: count) } }
    }

    /// Every list of members that can sign, each in some order.
    static func quorums(_ shape: Shape) -> [[Int]] {
        (1..<(1 << shape.count)).map { mask in (1...shape.count).filter { mask & (1 << ($0 - 1)) != 0 } }
            .filter { $0.count >= shape.threshold }.map { $0.shuffled() }
    }

    /// Both rounds with all members, and the signature that comes out.
    static func sign(
        _ key: DealtKey,
        members: [Int],
        hash: [Hex32]
    ) throws -> (signature: ThresholdSignature, session: SigningSession) {
        let pending = PendingCommits()
        let commitments = try members.map {
            try pending.commit(client: key.client, share: key.signer($0), members: members, now: DealtKey.now)
        }
        let request = try key.request(members: members, hash: hash)
        var partials: [PartialSignature] = []
        for commitment in commitments {
            let taken = try pending.take(client: key.client, commitID: commitment.commitID, now: DealtKey.now)
            let partial = try taken.complete(
                PomadeBody.Complete(
                    commitID: commitment.commitID,
                    request: request,
                    nonces: commitments.map(\.nonces).shuffled()
                ),
                share: key.signer(commitment.idx),
                terms: TakenCommit.Terms(now: DealtKey.now)
            )
            #expect(partial.psig.first == hash.first && partial.psig.count == 2 && partial.sid == request.sid)
            partials.append(
                PartialSignature(
                    identifier: try #require(Identifier(partial.idx)),
                    value: try #require(Scalar(partial.psig[1].bytes))
                )
            )
        }
        let session = try PomadeRequest(
            groupID: key.group.id,
            members: members.compactMap { Identifier($0) },
            message: hash[0].bytes,
            tweaks: hash.dropFirst().map { try #require(Scalar($0.bytes)) },
            kind: request.type,
            stamp: UInt32(request.stamp)
        ).session(group: key.group.group, commitments: commitments.map { try $0.commitment })
        #expect(pending.counts.taken == members.count && pending.counts.pending == 0)
        return (try session.aggregate(partials), session)
    }

    @Test("every quorum of every group signs, in any order, with and without tweaks", arguments: Shape.all)
    func quorums(shape: Shape) throws {
        var parities: Set<Bool> = []
        while parities.count < 2 {
            let key = try DealtKey(shape.threshold, of: shape.count)
            guard parities.insert(key.group.group.key.hasEvenY).inserted else { continue }
            for (index, members) in Self.quorums(shape).enumerated() {
                let tweaks = try (0..<index % 3).map { _ in try #require(Hex32(Scalar.random().rawBytes)) }
                let hash = [Hex32.random()] + tweaks
                let (signature, session) = try Self.sign(key, members: members, hash: hash)
                #expect(signature.verifies(hash[0].bytes, key: session.verificationKey))
                if tweaks.isEmpty {
                    let user = try #require(XOnlyPublicKey(key.group.userKey.bytes))
                    #expect(user.verifies(signature.bytes, over: hash[0].bytes))
                }
            }
        }
    }

    /// One completion whose parts a test changes.
    struct Attempt {
        var key: DealtKey
        var commitments: [PomadeContent.Commitment]
        var request: PomadeBody.SignatureRequest
        var nonces: [PomadeBody.Nonces]
        var terms = TakenCommit.Terms(now: DealtKey.now)
        let pending = PendingCommits()

        init(members: [Int] = [1, 3]) throws {
            let key = try DealtKey(2, of: 3)
            let pending = pending
            let commitments = try members.map {
                try pending.commit(client: key.client, share: key.signer($0), members: members, now: DealtKey.now)
            }
            self.key = key
            self.commitments = commitments
            request = try key.request(members: members)
            nonces = commitments.map(\.nonces)
        }

        func complete() throws {
            let taken = try pending.take(
                client: key.client,
                commitID: commitments[0].commitID,
                now: DealtKey.now
            )
            _ = try taken.complete(
                PomadeBody.Complete(commitID: commitments[0].commitID, request: request, nonces: nonces),
                share: key.signer(commitments[0].idx),
                terms: terms
            )
        }

        /// The refusal, after which the commitment must be gone.
        func refused() -> FailureCode? {
            let code = refusal(complete)
            #expect(refusal(complete) == .commitGone)
            return code
        }

        mutating func replace(
            content: String?? = .none,
            hash: [Hex32]? = nil,
            members: [Int]? = nil,
            stamp: Int64? = nil,
            type: String? = nil,
            gid: Hex32? = nil,
            sid: Hex32? = nil
        ) {
            request = PomadeBody.SignatureRequest(
                content: content ?? request.content,
                hash: hash ?? request.hash,
                members: members ?? request.members,
                stamp: stamp ?? request.stamp,
                type: type ?? request.type,
                gid: gid ?? request.gid,
                sid: sid ?? request.sid
            )
        }
    }

    @Test("an honest completion succeeds once; a second finds the commitment gone")
    func once() throws {
        #expect(try Attempt().refused() == nil)
    }

    @Test("members that differ from the commitment's are refused, whatever numbers they are")
    func members() throws {
        for wrong in [[], [1], [1, 2], [1, 3, 3], [1, 1], [-1, 3], [Int.max, Int.min], [0, 3]] {
            var attempt = try Attempt()
            attempt.replace(members: wrong)
            #expect(attempt.refused() == .membersMismatch)
        }
        var attempt = try Attempt()
        attempt.request = try attempt.key.request(members: [3, 1])
        #expect(attempt.refused() == nil)
    }

    @Test("nonces that are missing, doubled, strangers' or no points are refused, and so are changed ones")
    func nonces() throws {
        let good = try Attempt()
        let none = try #require(Hex33([2] + [UInt8](repeating: 0xFF, count: 32)))
        let other = try DealtKey(2, of: 3)
        let (own, others) = (good.nonces[0], good.nonces[1])
        let lists: [([PomadeBody.Nonces], FailureCode)] = [
            ([], .badPnonces), ([own], .badPnonces), ([own, own], .badPnonces), ([own, others, others], .badPnonces),
            ([own, .init(idx: 2, hidden: others.hidden, binder: others.binder)], .badPnonces),
            ([own, .init(idx: -3, hidden: others.hidden, binder: others.binder)], .badPnonces),
            ([own, .init(idx: .max, hidden: others.hidden, binder: others.binder)], .badPnonces),
            ([own, .init(idx: 3, hidden: none, binder: others.binder)], .badPnonces),
            ([own, .init(idx: 3, hidden: others.hidden, binder: none)], .badPnonces),
            ([.init(idx: 1, hidden: own.binder, binder: own.hidden), others], .nonceMismatch),
            ([.init(idx: 1, hidden: none, binder: own.binder), others], .nonceMismatch),
            ([.init(idx: 1, hidden: other.group.wire.key, binder: own.binder), others], .nonceMismatch),
        ]
        for (list, code) in lists {
            var attempt = try Attempt()
            attempt.nonces = list.map { pair in
                // The list was written with another attempt's nonces: put this one's in their place.
                let mine = attempt.nonces
                func swap(_ bytes: Hex33) -> Hex33 {
                    switch bytes {
                    case own.hidden: mine[0].hidden
                    case own.binder: mine[0].binder
                    case others.hidden: mine[1].hidden
                    case others.binder: mine[1].binder
                    default: bytes
                    }
                }
                return PomadeBody.Nonces(idx: pair.idx, hidden: swap(pair.hidden), binder: swap(pair.binder))
            }
            #expect(attempt.refused() == code)
        }
    }

    @Test("content, stamp, type, ids and tweaks that do not fit are refused")
    func request() throws {
        func refused(_ change: (inout Attempt) throws -> Void) throws -> FailureCode? {
            var attempt = try Attempt()
            try change(&attempt)
            return attempt.refused()
        }
        #expect(try refused { $0.replace(content: "abc") } == .badRequest)
        #expect(try refused { $0.replace(content: "zz") } == .badRequest)
        #expect(try refused { $0.replace(content: "") } == .badSessionID)
        #expect(try refused { $0.replace(content: "00") } == nil)
        for stamp in [-1, 1 << 32, Int64.max, Int64.min] {
            #expect(try refused { $0.replace(stamp: stamp) } == .badRequest)
        }
        #expect(try refused { $0.replace(stamp: 0) } == .badSessionID)
        let long = String(repeating: "ü", count: 33)
        #expect(try refused { $0.replace(type: long) } == .badRequest)
        let longest = String(repeating: "ü", count: 32)
        #expect(try refused { $0.request = try $0.key.request(members: [1, 3], type: longest) } == nil)
        #expect(try refused { $0.replace(gid: .random()) } == .badSessionID)
        #expect(try refused { $0.replace(sid: .random()) } == .badSessionID)
        #expect(try refused { $0.replace(hash: []) } == .badRequest)
        #expect(try refused { $0.replace(hash: (0..<11).map { _ in .random() }) } == .badRequest)
        let order = try #require(Hex32(hex: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"))
        #expect(try refused { $0.request = try $0.key.request(members: [1, 3], hash: [order]) } == nil)
        #expect(
            try refused { $0.request = try $0.key.request(members: [1, 3], hash: [.random(), order]) } == .badRequest
        )
        let tweaked: (inout Attempt) throws -> Void = { attempt in
            let tweak = try #require(Hex32(Scalar.random().rawBytes))
            attempt.request = try attempt.key.request(members: [1, 3], hash: [.random(), tweak])
        }
        #expect(try refused(tweaked) == nil)
        #expect(
            try refused {
                try tweaked(&$0)
                $0.terms.maximumTweaks = 0
            } == .badRequest
        )
    }

    @Test("nonces that cancel out make no signature")
    func cancelling() throws {
        var attempt = try Attempt()
        // With the request known, the second member can choose its nonces so that its tweaked one is infinity.
        let request = attempt.request
        let tweak = try #require(Scalar(sha256(request.sid.bytes + [0, 0, 0, 3] + request.hash[0].bytes)))
        let opposite = try #require((-tweak).point?.compressed)
        let point = try #require(Hex33(opposite))
        attempt.nonces[1] = PomadeBody.Nonces(idx: 3, hidden: point, binder: point)
        #expect(attempt.refused() == .signFailed)
    }

    @Test("a request in JSON with numbers or lists out of all proportion is an error, never a trap")
    func hostileJSON() throws {
        let attempt = try Attempt()
        let body = PomadeBody.Complete(
            commitID: attempt.commitments[0].commitID,
            request: attempt.request,
            nonces: attempt.nonces
        )
        let text = String(decoding: try JSONEncoder().encode(body), as: UTF8.self)
        func read(_ text: String) throws -> PomadeBody.Complete {
            try JSONDecoder().decode(PomadeBody.Complete.self, from: Data(text.utf8))
        }
        #expect(try read(text).request.sid == attempt.request.sid)
        let hash = attempt.request.hash[0].description
        let changes = [
            ("[1,3]", "[1,3.5]"), ("[1,3]", "[1e300]"), ("[1,3]", "[-1e400]"), ("[1,3]", "[NaN]"), ("[1,3]", "\"1\""),
            ("[1,3]", "[\(String(repeating: "1,", count: 20_000))1]"), ("[1,3]", "[]"), ("[1,3]", "null"),
            ("1800000000", "18000000000000000000000"), ("1800000000", "1.5"), ("1800000000", "\"now\""),
            ("[\"\(hash)\"]", "[]"),
            ("[\"\(hash)\"]", "[\(Array(repeating: "\"\(hash)\"", count: 11).joined(separator: ","))]"),
            ("\"idx\":3", "\"idx\":99999999999999999999"), ("\"idx\":3", "\"idx\":null"), ("\"message\"", "7"),
        ]
        for (old, new) in changes {
            let changed = text.replacingOccurrences(of: old, with: new)
            #expect(changed != text)
            #expect(throws: DecodingError.self) { _ = try read(changed) }
        }
    }
}
