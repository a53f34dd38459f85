// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import Nostr
public import Pomade

extension ThresholdSigner {
    /// The user's key, which signs by way of the very signers that it speaks to.
    private var user: SignerConnection.Signer {
        SignerConnection.Signer(key: key) { try await self.sign($0).event }
    }

    /// A session at one signer.
    public struct Listed: Sendable {
        public let signer: Int
        public let item: SessionItem
    }

    /// All sessions of the user's key at all signers, with the signers that could not be asked.
    public func sessions() async -> (sessions: [Listed], faults: [SignerFault]) {
        let results = await Self.each(state.members.map(\.idx)) { number throws(SignerFault) in
            let answer: PomadeContent.Items = try await self.ask(
                number,
                .sessionList,
                PomadeContent.Nothing(),
                as: self.user
            )
            return answer.items
        }
        var (listed, faults) = ([Listed](), [SignerFault]())
        for member in state.members {
            switch results[member.idx] {
            case .success(let items): listed += items.map { Listed(signer: member.idx, item: $0) }
            case .failure(let fault): faults.append(fault)
            case nil: break
            }
        }
        return (listed, faults)
    }

    /// Ends a session's right to sign at all signers; its address still logs in and recovers.
    ///
    /// - Returns: the signers where that failed.
    public func deactivate(_ session: Hex32) async -> [SignerFault] {
        await everywhere(.sessionDeactivate, PomadeBody.Selection(client: session))
    }

    /// Erases a session at all signers, and the share with the last session that uses it.
    ///
    /// When it is the last one, the key is gone unless its owner has it elsewhere. A client that erases its own session
    /// can ask only as many signers as hold theirs still, so that one is erased last at a quorum's signers.
    /// - Returns: the signers where that failed.
    public func delete(_ session: Hex32) async -> [SignerFault] {
        await everywhere(.sessionDelete, PomadeBody.Selection(client: session))
    }

    /// Says what a session may do from now on, at all signers.
    ///
    /// - Returns: the signers where that failed.
    public func setPolicy(_ policy: SessionPolicy, of session: Hex32) async -> [SignerFault] {
        await everywhere(.policy, PomadeBody.PolicyChange(client: session, policy: policy))
    }

    /// Signs the requests for all signers first, so that a change which ends the signing reaches all of them.
    private func everywhere(_ route: SignerRoute, _ body: some Encodable & Sendable) async -> [SignerFault] {
        let gate = SigningGate(count: state.members.count)
        let results = await Self.each(state.members.map(\.idx)) { number throws(SignerFault) in
            let signer = SignerConnection.Signer(key: self.key) { event in
                let signed: Result<NostrEvent, any Error>
                do { signed = .success(try await self.sign(event).event) } catch { signed = .failure(error) }
                await gate.pass()
                return try signed.get()
            }
            let _: PomadeContent.Nothing = try await self.ask(number, route, body, as: signer)
        }
        return state.members.compactMap { member in
            guard case .failure(let fault) = results[member.idx] else { return nil }
            return fault
        }
    }
}

/// Lets nobody through before all have come.
private actor SigningGate {
    private var missing: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(count: Int) { missing = count }

    func pass() async {
        missing -= 1
        guard missing > 0 else {
            for continuation in waiting { continuation.resume() }
            waiting = []
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }
}
