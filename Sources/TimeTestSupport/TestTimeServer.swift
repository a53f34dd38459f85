// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Foundation
public import Roughtime
internal import Synchronization

/// A Roughtime server of version 1 within the process, for tests.
public final class TestTimeServer: Sendable {
    /// The long-term key.
    public let publicKey: [UInt8]
    private let identity: OnlineIdentity
    private let rules: RequestRules
    private let state: Mutex<State>

    private struct State {
        var now: Int64
        var failure: DropReason?
        var answered = 0
    }

    /// Makes a server with keys of its own.
    ///
    /// - Parameter now: what it states, in microseconds since 1970.
    public init(now: Int64) throws {
        let longTermKey = Curve25519.Signing.PrivateKey()
        let onlineKey = Curve25519.Signing.PrivateKey()
        publicKey = Array(longTermKey.publicKey.rawRepresentation)
        let profile = DelegationProfile.rfc10049
        let delegation = Delegation(
            publicKey: Array(onlineKey.publicKey.rawRepresentation),
            notBefore: now - 86_400_000_000,
            notAfter: now + 86_400_000_000,
            format: profile.timeFormat
        )
        identity = try OnlineIdentity(
            longTermPublicKey: publicKey,
            onlineKey: onlineKey,
            certificates: [profile: try Certificate(delegation, profile: profile, signedBy: longTermKey).bytes]
        )
        rules = RequestRules(versions: identity.versions, longTermPublicKeys: [publicKey])
        state = Mutex(State(now: now))
    }

    /// What the server states, in microseconds since 1970.
    public var now: Int64 {
        get { state.withLock { $0.now } }
        set { state.withLock { $0.now = newValue } }
    }

    /// Why nothing is answered; nil while everything is.
    public var failure: DropReason? {
        get { state.withLock { $0.failure } }
        set { state.withLock { $0.failure = newValue } }
    }

    /// Requests that were answered.
    public var answered: Int { state.withLock { $0.answered } }

    /// Answers one packet.
    public func answer(_ packet: [UInt8]) -> Result<[UInt8], DropReason> {
        let (now, failure) = state.withLock { ($0.now, $0.failure) }
        if let failure { return .failure(failure) }
        let time = StatedTime(unixMicroseconds: now, radiusSeconds: 1, radiusMicroseconds: 1_000_000)
        let results = AnswerBatch().answers(to: [packet], rules: rules, identities: [identity], time: time)
        if case .success = results[0] { state.withLock { $0.answered += 1 } }
        return results[0]
    }

    /// Adds an answer of this server to a chain.
    public func extend(_ links: [ChainLink]) -> [ChainLink] {
        let blind = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        guard let last = links.last,
            let request = Request(
                versions: [.rfc10049],
                nonce: ChainLink.nonce(after: last.response, blind: blind, length: 32),
                serverKey: publicKey
            ), case .success(let response) = answer(request.packet)
        else { return links }
        return links + [ChainLink(blind: blind, publicKey: publicKey, request: request.packet, response: response)]
    }
}
