// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// A sentence of a node whose meaning is known because the answer could mean nothing else.
public struct LearntMeaning: Sendable, Hashable {
    public let call: String
    public let code: Int
    public let message: String
    public let meaning: LNDError.Meaning

    public init(call: String, code: Int, message: String, meaning: LNDError.Meaning) {
        self.call = call
        self.code = code
        self.message = message
        self.meaning = meaning
    }
}

/// What a macaroon is for, and so the call that can fail for no other reason than the macaroon.
public enum MacaroonPurpose: String, Sendable, Hashable, CaseIterable {
    /// `GetInfo` has to answer.
    case read
    /// The invoice of a random hash has to be unknown.
    case invoice
    /// The payment of a random hash has to be unknown.
    case pay
}

extension LNDClient {
    /// Finds out whether the node takes the macaroon; LND says of a refusal only that something is wrong.
    ///
    /// Sent even while the macaroon counts as refused. Call it only while the wallet's state is `rpcActive` or
    /// `serverActive`.
    /// - Returns: whether it is taken; `nil` when the node could not be reached, so that nothing is known.
    @discardableResult
    public func checkMacaroon(_ purpose: MacaroonPurpose) async -> Bool? {
        let finding = await LNDTransport.$isCanary.withValue(true) { await isTaken(purpose) }
        switch finding {
        case true?: transport.releaseMacaroon()
        case false?: transport.latchMacaroon()
        case nil: break
        }
        return finding
    }

    private func isTaken(_ purpose: MacaroonPurpose) async -> Bool? {
        guard let hash = PaymentHash(Preimage.random().bytes) else { return nil }
        do {
            switch purpose {
            case .read: _ = try await nodeStatus()
            case .invoice:
                // 0.20 says not found with the code "unknown"; the sentence is in the table.
                guard try await lookupInvoice(hash) == nil else { return false }
            case .pay: _ = try await trackPayment(hash, within: transport.configuration.deadlines.read)
            }
            return true
        } catch {
            switch error.errorClass {
            case .answered: return purpose == .pay && error.grpcCode == 5
            case .auth: return false
            case .cancelled, .busy, .unsupported, .transport, .breakerOpen: return nil
            }
        }
    }

    /// Asks two questions about routes whose only possible answers are known, and takes the answers' sentences as theirs.
    ///
    /// - Parameters:
    ///   - hub: a well connected node; a remote start keeps our own balances out of it.
    ///   - small: another node.
    ///   - capacity: of all its channels.
    ///   - beyondBalance: more than we could send at once.
    /// - Returns: sentences that were not in the table, for a human to confirm.
    public func learnRouteMeanings(
        hub: NodeID,
        small: NodeID,
        capacity: MilliSatoshi,
        beyondBalance: MilliSatoshi
    ) async -> [LearntMeaning] {
        let doubled = MilliSatoshi(msat: capacity.msat * 2)
        let questions: [(RouteQuery, LNDError.Meaning)] = [
            (RouteQuery(target: small, amount: doubled, source: hub), .noRoute),
            (RouteQuery(target: hub, amount: beyondBalance), .insufficientLocalBalance),
        ]
        let version = knownVersion
        var learnt: [LearntMeaning] = []
        for (query, meaning) in questions {
            do { _ = try await queryRoutes(query) } catch {
                guard error.meaning == .unclassified, let code = error.grpcCode else { continue }
                let entry = LearntMeaning(call: error.call, code: code, message: error.detail, meaning: meaning)
                transport.learn(entry, of: version)
                learnt.append(entry)
            }
        }
        return learnt
    }

    /// Takes over what was learnt before, such as by the process before this one.
    ///
    /// - Parameter version: of the node that said it; without effect when the node has another one now.
    public func adopt(_ meanings: [LearntMeaning], of version: String) {
        for meaning in meanings { transport.learn(meaning, of: version) }
    }
}
