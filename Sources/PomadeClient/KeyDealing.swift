// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FROST
internal import Nostr
internal import Pomade
public import Secp256k1

/// Splitting a key among signers, once.
public struct KeyDealing: Sendable {
    /// The zero bits of a registration's proof of work that signers ask for unless they say otherwise.
    public static let usualWork = 16

    /// What the client keeps once all signers have taken their share.
    public let state: ClientState
    private let secret: SecretKey
    private let shares: [Int: WireShare]

    /// Splits a key.
    ///
    /// - Parameters:
    ///   - secret: the user's key; it is not kept.
    ///   - threshold: how many signers make a signature, 1 to their number; with 1 each could sign alone.
    ///   - urls: 1 to 5 signers in the order in which they shall be asked.
    /// - Throws: ``ThresholdError/invalid(_:)``.
    public init(secret: SecretKey, threshold: Int, urls: [String]) throws(ThresholdError) {
        guard (1...WireGroup.maximumShares).contains(urls.count), (1...urls.count).contains(threshold) else {
            throw .invalid("a key is split among 1 to 5 signers, with a threshold from 1 to their number")
        }
        guard Set(urls).count == urls.count else {
            throw .invalid("a signer must not hold two shares of one key: name each URL once")
        }
        for url in urls { _ = try SignerConnection(url) }
        guard
            let dealing = try? Dealing(
                splitting: Scalar(secret),
                threshold: threshold,
                among: Identifier.first(urls.count)
            )
        else { throw .invalid("the key cannot be split: try again") }
        var commits: [WireCommit] = []
        for share in dealing.shares {
            // The nonces of a retired scheme; nobody keeps their secrets.
            guard let hidden = Scalar.random().point, let binder = Scalar.random().point else {
                throw .invalid("the key cannot be split: try again")
            }
            commits.append(
                WireCommit(
                    idx: Int(share.identifier.number),
                    pubkey: HexBytes(certain: share.publicShare.compressed),
                    hiddenNonce: HexBytes(certain: hidden.compressed),
                    binderNonce: HexBytes(certain: binder.compressed)
                )
            )
        }
        let wire = WireGroup(
            commits: commits,
            key: HexBytes(certain: dealing.group.key.compressed),
            threshold: threshold
        )
        let group: RegisteredGroup
        do throws(SignerFailure) { group = try RegisteredGroup(wire) } catch { throw .invalid(error.message) }
        state = ClientState(
            group: group,
            client: .random(),
            members: urls.enumerated().map { ClientState.Member(idx: $0 + 1, url: $1) }
        )
        shares = Dictionary(uniqueKeysWithValues: dealing.shares.map { (Int($0.identifier.number), WireShare($0)) })
        self.secret = secret
    }

    /// Registers each signer's share, all at once.
    ///
    /// - Parameters:
    ///   - recovery: whether an address may be attached, by which the key can be had back.
    ///   - work: the zero bits of the proof of work.
    ///   - now: Unix seconds.
    /// - Throws: ``ThresholdError/tooFewSigners(needed:faults:)`` unless all took their share; those that did hold one
    ///   that is of no use, and forget it in time.
    public func register(
        recovery: Bool,
        work: Int = usualWork,
        now: @escaping @Sendable () -> Int64 = unixSeconds
    ) async throws -> ClientState {
        let urls = Dictionary(uniqueKeysWithValues: state.members.map { ($0.idx, $0.url) })
        let results = await ThresholdSigner.each(state.members.map(\.idx)) { number throws(SignerFault) in
            guard let url = urls[number], let share = shares[number] else { return }
            do throws(SignerProblem) {
                let connection: SignerConnection
                do throws(ThresholdError) { connection = try SignerConnection(url) } catch {
                    throw SignerProblem.unreachable("\(error)")
                }
                let bare = PomadeBody.Register(share: share, group: state.group.wire, recovery: recovery)
                let vouching = UnsignedEvent(
                    key: NostrKey(secret),
                    createdAt: now(),
                    kind: HTTPAuthorization.kind,
                    tags: [
                        ["u", url + SignerRoute.register.rawValue], ["method", "POST"],
                        ["payload", Hex.encode(bare.proofPayload)],
                    ]
                )
                let body = PomadeBody.Register(
                    share: share,
                    group: state.group.wire,
                    recovery: recovery,
                    proof: vouching.signed(by: secret)
                )
                let _: PomadeContent.Nothing = try await connection.ask(
                    .register,
                    body,
                    as: SignerConnection.Signer(state.client, work: work),
                    now: now()
                )
            } catch { throw SignerFault(number: number, url: url, problem: error) }
        }
        let faults = results.values.compactMap { result -> SignerFault? in
            if case .failure(let fault) = result { fault } else { nil }
        }
        guard faults.isEmpty else {
            throw ThresholdError.tooFewSigners(
                needed: state.members.count,
                faults: faults.sorted { $0.number < $1.number }
            )
        }
        return state
    }
}
