// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FROST
internal import LightningPrimitives
internal import Metrics
public import Nostr
internal import Pomade
public import Secp256k1

/// A signature that several signers made.
public struct JointSignature: Sendable {
    /// 64 bytes (BIP 340).
    public let bytes: [UInt8]
    /// Who made it.
    public let members: [Int]
    /// How long the first round took; `nil` when its nonces had been fetched before.
    public let firstRound: Duration?
    public let secondRound: Duration
}

extension ThresholdSigner {
    /// What to sign, with what the signers are told about it.
    public struct Message: Sendable {
        /// 32 bytes.
        public var digest: [UInt8]
        /// X-only tweaks of the key, in order.
        public var tweaks: [Scalar]
        /// Shown to the signers; policies may ask for the event's canonical form.
        public var content: [UInt8]?
        /// Shown to the signers, at most 64 bytes.
        public var kind: String

        public init(digest: [UInt8], tweaks: [Scalar] = [], content: [UInt8]? = nil, kind: String = "message") {
            self.digest = digest
            self.tweaks = tweaks
            self.content = content
            self.kind = kind
        }
    }

    /// Signs 32 bytes.
    ///
    /// - Throws: ``ThresholdError`` with the signers that failed, or `CancellationError`.
    public func sign(_ digest: [UInt8]) async throws -> JointSignature {
        try await sign(Message(digest: digest))
    }

    /// Signs an event, which the signers are shown.
    ///
    /// - Throws: ``ThresholdError``, or `CancellationError`.
    public func sign(_ event: UnsignedEvent) async throws -> (event: NostrEvent, signature: JointSignature) {
        guard event.key == key else {
            throw ThresholdError.invalid("the event's key is not the one that the signers hold")
        }
        let message = Message(digest: event.digest, content: event.canonicalForm, kind: "nostr-event")
        let signature = try await sign(message)
        return (try event.attaching(signature.bytes), signature)
    }

    /// Signs a message.
    public func sign(_ message: Message) async throws -> JointSignature {
        guard message.digest.count == 32 else { throw ThresholdError.invalid("a digest to sign has 32 bytes") }
        let start = ContinuousClock.now
        let signature: JointSignature
        if let ready = pool.take(now: now()), let made = try? await complete(message, ready, firstRound: nil) {
            signature = made
        } else {
            signature = try await race { members throws(AttemptFailure) in
                let start = ContinuousClock.now
                let nonces = try await self.commit(members)
                return try await self.complete(message, nonces, firstRound: .now - start)
            }
        }
        trust(signature.members)
        Timer(label: "frost_sign_seconds").recordNanoseconds(Int64((ContinuousClock.now - start) / .nanoseconds(1)))
        return signature
    }

    /// Fetches nonces now, so that as many signatures to come take one round each.
    ///
    /// They last ten minutes at the signers, and are forgotten here before.
    /// - Parameter count: 1 to 64.
    /// - Throws: ``ThresholdError``, or `CancellationError`.
    public func prefetch(_ count: Int) async throws {
        guard (1...PomadeBody.CommitBatch.maximumCount).contains(count) else {
            throw ThresholdError.invalid("1 to \(PomadeBody.CommitBatch.maximumCount) nonces can be fetched at once")
        }
        let sets = try await race { members throws(AttemptFailure) -> [QuorumNonces] in
            let batches = try await Self.all(members) { number throws(SignerFault) -> [PomadeContent.Commitment] in
                let body = PomadeBody.CommitBatch(members: members, count: count)
                let answer: PomadeContent.Results<PomadeContent.Commitment> = try await self.ask(
                    number,
                    .commitBatch,
                    body
                )
                guard answer.results.count == count else { throw self.fault(number, "another number of nonces") }
                return answer.results
            }
            var sets: [QuorumNonces] = []
            for index in 0..<count {
                sets.append(try self.read(members, batches.mapValues { $0[index] }))
            }
            return sets
        }
        pool.add(sets, now: now())
    }

    private func commit(_ members: [Int]) async throws(AttemptFailure) -> QuorumNonces {
        let answers = try await Self.all(members) { number throws(SignerFault) -> PomadeContent.Commitment in
            let answer: PomadeContent.Result<PomadeContent.Commitment> = try await self.ask(
                number,
                .signCommit,
                PomadeBody.Commit(members: members)
            )
            return answer.result
        }
        return try read(members, answers)
    }

    private func read(
        _ members: [Int],
        _ answers: [Int: PomadeContent.Commitment]
    ) throws(AttemptFailure) -> QuorumNonces {
        var (commitments, faults) = ([SigningCommitment](), [SignerFault]())
        for (number, answer) in answers {
            guard answer.idx == number, let identifier = Identifier(number),
                state.group.group.publicShares[identifier]?.compressed == answer.pubkey.bytes
            else {
                faults.append(fault(number, "it holds another share than the registered one"))
                continue
            }
            guard let hiding = Point(answer.hidden.bytes), let binding = Point(answer.binder.bytes) else {
                faults.append(fault(number, "its nonces are no points"))
                continue
            }
            commitments.append(SigningCommitment(identifier: identifier, hiding: hiding, binding: binding))
        }
        guard faults.isEmpty else { throw AttemptFailure(faults: faults) }
        return QuorumNonces(members: members, answers: answers, commitments: commitments)
    }

    private func complete(
        _ message: Message,
        _ nonces: QuorumNonces,
        firstRound: Duration?
    ) async throws(AttemptFailure) -> JointSignature {
        let start = ContinuousClock.now
        let members = nonces.members
        let prepared: (request: PomadeBody.SignatureRequest, session: SigningSession)
        do throws(FROSTError) { prepared = try prepare(message, nonces) } catch {
            throw AttemptFailure(faults: members.map { fault($0, "these nonces make no signature: \(error)") })
        }
        let (request, session) = prepared
        let pnonces = members.compactMap { nonces.answers[$0] }.map {
            PomadeBody.Nonces(idx: $0.idx, hidden: $0.hidden, binder: $0.binder)
        }
        let partials = try await Self.all(members) { number throws(SignerFault) -> PartialSignature in
            guard let commitment = nonces.answers[number] else { throw self.fault(number, "no nonces") }
            let answer: PomadeContent.Result<PomadeContent.Partial> = try await self.ask(
                number,
                .signComplete,
                PomadeBody.Complete(commitID: commitment.commitID, request: request, nonces: pnonces)
            )
            return try self.partial(answer.result, of: number, request, session)
        }
        do throws(FROSTError) {
            let signature = try session.aggregate(Array(partials.values))
            return JointSignature(
                bytes: signature.bytes,
                members: members,
                firstRound: firstRound,
                secondRound: .now - start
            )
        } catch {
            throw AttemptFailure(faults: members.map { fault($0, "the parts make no signature: \(error)") })
        }
    }

    private func prepare(
        _ message: Message,
        _ nonces: QuorumNonces
    ) throws(FROSTError) -> (PomadeBody.SignatureRequest, SigningSession) {
        let members = nonces.members.compactMap { Identifier($0) }
        let request = try PomadeRequest(
            groupID: state.group.id,
            members: members,
            message: message.digest,
            tweaks: message.tweaks,
            content: message.content,
            kind: message.kind,
            stamp: UInt32(clamping: now())
        )
        let wire = PomadeBody.SignatureRequest(
            content: message.content.map { Hex.encode($0) },
            hash: [HexBytes(certain: message.digest)] + message.tweaks.map { HexBytes(certain: $0.rawBytes) },
            members: nonces.members,
            stamp: Int64(request.stamp),
            type: message.kind,
            gid: HexBytes(certain: state.group.id),
            sid: HexBytes(certain: request.sessionID)
        )
        return (wire, try request.session(group: state.group.group, commitments: nonces.commitments))
    }

    /// Reads and checks one signer's part.
    private func partial(
        _ answer: PomadeContent.Partial,
        of number: Int,
        _ request: PomadeBody.SignatureRequest,
        _ session: SigningSession
    ) throws(SignerFault) -> PartialSignature {
        guard answer.idx == number, answer.sid == request.sid, answer.psig.count == 2,
            answer.psig[0] == request.hash[0], let identifier = Identifier(number),
            let value = Scalar(answer.psig[1].bytes)
        else { throw fault(number, "its part is for something else") }
        let partial = PartialSignature(identifier: identifier, value: value)
        do throws(FROSTError) { try session.verify(partial) } catch {
            throw fault(number, "its part of the signature does not verify")
        }
        return partial
    }
}

/// What a quorum announced for one signature.
struct QuorumNonces: Sendable {
    let members: [Int]
    let answers: [Int: PomadeContent.Commitment]
    let commitments: [SigningCommitment]
}
