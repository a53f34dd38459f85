// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import Roughtime

extension FuzzTarget {
    /// A message, with or without its frame.
    static let roughtimePacket = FuzzTarget(name: "RoughtimePacket") { input in
        if let message = try? Message(input) {
            let values = message.fields.map { ($0.tag, Array(input[$0.range])) }
            require(Message(values: values).bytes == input, "a message has one form")
            require(
                message.fields.allSatisfy { message[$0.tag]?.elementsEqual(input[$0.range]) == true },
                "values are found"
            )
        }
        if let inner = try? Frame.unwrap(input) { require(Frame.wrap(inner) == input, "a frame has one form") }
    }

    /// A datagram as a server receives it.
    static let roughtimeRequest = FuzzTarget(name: "RoughtimeRequest") { input in
        checkRequest(input)
        // A frame's length is made right: otherwise few mutations would get any further.
        if Frame.isFramed(input), input.count > Frame.headerLength {
            checkRequest(Frame.wrap(Array(input[Frame.headerLength...])))
        }
    }

    /// Two bytes with the length of a request, the request, and an answer; the vectors' server signed the seeds.
    static let roughtimeResponse = FuzzTarget(name: "RoughtimeResponse") { input in
        guard input.count > 2 else { return }
        let length = Int(input[0]) | Int(input[1]) << 8
        guard input.count >= 2 + length else { return }
        let (request, response) = (Array(input[2..<2 + length]), Array(input[(2 + length)...]))
        let verifier = ResponseVerifier(longTermPublicKey: RoughtimeFixtures.publicKey)
        let statement = try? verifier.statement(in: response)
        if let statement {
            let time = RoughtimeFixtures.now
            require(
                [time, time / 1_000_000 * 1_000_000].contains(statement.midpoint),
                "only what was signed is stated"
            )
            require(statement.radius == 3_000_000, "with its radius")
        }
        guard let verified = try? verifier.verify(response, to: request) else { return }
        require(statement?.midpoint == verified.midpoint, "both readers see one time")
        require(response.count <= request.count, "an answer is not longer than the request")
        let asked = require("what is answered is a request", { try Request(reading: request) })
        require(asked.versions.contains(verified.version), "the version was offered")
    }

    /// A server list.
    static let roughtimeServerList = FuzzTarget(name: "RoughtimeServerList") { input in
        guard let list = try? ServerList(json: Data(input)) else { return }
        let again = require("a list that was read can be written", { try ServerList(json: list.json) })
        require(again.servers.map(\.name) == list.servers.map(\.name), "names stay")
        require(again.servers.map(\.addresses) == list.servers.map(\.addresses), "addresses stay")
        require(again.servers.map(\.publicKey) == list.servers.map(\.publicKey), "keys stay")
        require(again.sources == list.sources && again.reports == list.reports, "links stay")
        for server in list.servers {
            require(server.publicKey.count == 32, "a key has 32 bytes")
            require(!server.name.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }, "a name can be shown")
            require(!server.operatorName.isEmpty, "a server belongs to somebody")
            for address in server.addresses {
                let split = HostPort.split(HostPort.join(address.host, address.port))
                require(split?.host == address.host && split?.port == address.port, "an address has one form")
            }
        }
    }

    /// A report of either form, or a time proof.
    static let roughtimeReport = FuzzTarget(name: "RoughtimeReport") { input in
        let json = Data(input)
        if let report = try? MalfeasanceReport(json: json, keys: [RoughtimeFixtures.publicKey]) {
            let again = require("a report that was read can be written", { try MalfeasanceReport(json: report.json) })
            require(again == report, "and reads as the same")
            if let chain = try? VerifiedChain(verifying: report.links) {
                require(chain.responses.count == chain.links.count, "every link has an answer")
                require(chain.suspect == nil || !chain.isConsistent, "nobody is suspected without a contradiction")
            }
        }
        guard let proof = try? TimeProof(json: json) else { return }
        let again = require("a proof that was read can be written", { try TimeProof(json: proof.json) })
        require(again == proof, "and reads as the same")
        guard let verified = try? proof.verify() else { return }
        require(verified.chain.isConsistent, "a proof rests on answers that agree")
        let strangers: Set<[UInt8]> = [[UInt8](repeating: 1, count: 32)]
        require((try? proof.verify(trustedKeys: strangers)) == nil, "strangers vouch for nothing")
    }

    private static func checkRequest(_ datagram: [UInt8]) {
        let rules = RequestRules(longTermPublicKeys: [RoughtimeFixtures.publicKey])
        guard case .success(let accepted) = rules.decide(datagram.span.bytes) else { return }
        let request = require("what a server accepts is a request", { try Request(reading: datagram) })
        require(request.versions.contains(accepted.version), "the version was offered")
        require(Array(datagram[accepted.nonce]) == request.nonce, "both readers see one nonce")
        guard let identity = RoughtimeFixtures.identity else { return require(false, "the fixtures hold") }
        let answers = AnswerBatch().answers(
            to: [datagram],
            rules: rules,
            identities: [identity],
            time: RoughtimeFixtures.time
        )
        guard case .success(let answer) = answers[0] else { return }
        require(answer.count <= datagram.count, "an answer is not longer than the request")
        let verifier = ResponseVerifier(longTermPublicKey: RoughtimeFixtures.publicKey)
        let verified = require("what a server answers, a client accepts", { try verifier.verify(answer, to: datagram) })
        require(verified.version == accepted.version, "in the version that was chosen")
    }
}

/// The server of the test vectors.
enum RoughtimeFixtures {
    static let now: Int128 = 1_790_000_000_123_456
    static let time = StatedTime(
        unixMicroseconds: Int64(now),
        radiusSeconds: 3,
        radiusMicroseconds: 3_000_000
    )
    private static let longTerm = key("1e4f1a987525bb9b3f2bf828ff7e1528f89424b639f61cdf00c26e2aeb0b8ada")
    private static let online = key("1ea945f7a56ecbf99e95088c506a6d172154443e5b62171012f423a7b7d0f438")
    static let publicKey = longTerm.map { Array($0.publicKey.rawRepresentation) } ?? []

    static let identity: OnlineIdentity? = {
        guard let longTerm, let online else { return nil }
        var certificates: [DelegationProfile: [UInt8]] = [:]
        for profile in DelegationProfile.allCases {
            let delegation = Delegation(
                publicKey: Array(online.publicKey.rawRepresentation),
                notBefore: Int64(now) - 86_400_000_000,
                notAfter: Int64(now) + 86_400_000_000,
                format: profile.timeFormat
            )
            certificates[profile] = try? Certificate(delegation, profile: profile, signedBy: longTerm).bytes
        }
        return try? OnlineIdentity(longTermPublicKey: publicKey, onlineKey: online, certificates: certificates)
    }()

    private static func key(_ seed: String) -> Curve25519.Signing.PrivateKey? {
        Hex.decode(seed).flatMap { try? Curve25519.Signing.PrivateKey(rawRepresentation: $0) }
    }
}
