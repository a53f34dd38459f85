// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import FROST
public import Pomade
public import Secp256k1
internal import Synchronization

/// One signer's part in making a key that nobody has ever held (`/x/dkg`).
///
/// Announcements may be read by all; shares are for their receivers only, so whoever carries them encrypts them. Each
/// round is answered once: a second set of announcements or shares finds nothing left.
public final class GroupGeneration: Sendable {
    /// What to tell all others.
    public let announcement: PomadeBody.GenerationAnnouncement
    private let number: Identifier
    private let announced: Mutex<KeyGeneration?>
    private let sharing = Mutex<HeldShares?>(nil)

    /// Draws a polynomial.
    ///
    /// - Parameters:
    ///   - number: this signer's, one of `participants`.
    ///   - threshold: 2 to the number of participants.
    ///   - participants: distinct numbers from 1 to 255, at most 5.
    /// - Throws: `bad_threshold` or `bad_members`.
    public init(number: Int, threshold: Int, participants: [Int]) throws(SignerFailure) {
        let identifiers = participants.compactMap { Identifier($0) }.filter { $0.number <= 255 }
        guard participants.count <= WireGroup.maximumShares, identifiers.count == participants.count,
            let own = Identifier(number)
        else {
            throw SignerFailure(.badMembers, "A group has at most 5 members with numbers from 1 to 255.")
        }
        guard threshold > 1 else {
            throw SignerFailure(.badThreshold, "With threshold 1 every signer would hold the key.")
        }
        do throws(FROSTError) {
            let generation = try KeyGeneration.begin(
                identifier: own,
                threshold: threshold,
                participants: identifiers,
                suite: .pomade
            )
            announcement = try PomadeBody.GenerationAnnouncement(generation.announcement)
            announced = Mutex(consume generation)
            self.number = own
        } catch {
            throw SignerFailure(
                .badMembers,
                "The members must be distinct, at least as many as the threshold, this signer among them."
            )
        }
    }

    /// What the second round sends.
    public struct Outgoing: Sendable {
        /// For each other participant, and for nobody else's eyes.
        public let shares: [Identifier: Scalar]
        /// The hash of all announcements, which all participants must find equal.
        public let transcript: Hex32
    }

    /// Takes the announcements of all participants, its own among them.
    ///
    /// - Throws: `bad_request` when one is missing or not proven, `commit_gone` the second time.
    public func receive(_ announcements: [PomadeBody.GenerationAnnouncement]) throws(SignerFailure) -> Outgoing {
        let read = announcements.compactMap(\.announcement)
        guard let generation = announced.withLock({ $0.take() }) else { throw Self.over }
        guard read.count == announcements.count else {
            throw SignerFailure(.badRequest, "An announcement holds bytes that are no point: begin again.")
        }
        do throws(FROSTError) {
            let shares = try generation.receive(read)
            let outgoing = Outgoing(
                shares: shares.outgoing,
                transcript: HexBytes(certain: shares.transcriptHash)
            )
            let held = HeldShares(shares)
            sharing.withLock { $0 = held }
            return outgoing
        } catch {
            throw SignerFailure(.badRequest, "The announcements do not fit together: begin again. \(error)")
        }
    }

    /// Takes the shares that the others sent and makes the group.
    ///
    /// - Parameters:
    ///   - received: by sender.
    ///   - transcripts: the hash that each other participant found, over a channel that proves who says it.
    /// - Throws: `bad_share` with the sender whose share does not fit, `bad_group` when participants were told
    ///   different things, `commit_gone` the second time.
    public func finish(
        _ received: [Identifier: Scalar],
        transcripts: [Identifier: Hex32]
    ) throws(SignerFailure) -> SignerShare {
        guard let shares = sharing.withLock({ $0.take() })?.take() else { throw Self.over }
        let own: Hex32 = HexBytes(certain: shares.transcriptHash)
        guard Set(transcripts.keys).isSuperset(of: shares.outgoing.keys), transcripts.values.allSatisfy({ $0 == own })
        else {
            throw SignerFailure(.badGroup, "The participants were told different things: begin again.")
        }
        do throws(FROSTError) {
            let (share, group) = try shares.finish(received)
            let registered = try Self.register(group)
            return SignerShare(registered: registered, share: share)
        } catch {
            throw SignerFailure(.badShare, "A share does not fit its announcement: begin again. \(error)")
        }
    }

    private static let over = SignerFailure(.commitGone, "This round was answered already: begin again.")

    /// The group as it is written; the nonces of the retired scheme are the public shares, which all know alike.
    private static func register(_ group: ThresholdGroup) throws(FROSTError) -> RegisteredGroup {
        let commits = group.participants.compactMap { participant -> WireCommit? in
            guard let share = group.publicShares[participant] else { return nil }
            let bytes: Hex33 = HexBytes(certain: share.compressed)
            return WireCommit(
                idx: Int(participant.number),
                pubkey: bytes,
                hiddenNonce: bytes,
                binderNonce: bytes
            )
        }
        let wire = WireGroup(
            commits: commits,
            key: HexBytes(certain: group.key.compressed),
            threshold: group.threshold
        )
        do throws(SignerFailure) { return try RegisteredGroup(wire) } catch { throw FROSTError.inconsistentGroup }
    }
}

/// Shares of a generation in a place that can be emptied once.
private final class HeldShares: Sendable {
    private let shares: Mutex<KeyGenerationShares?>

    init(_ shares: consuming KeyGenerationShares) { self.shares = Mutex(consume shares) }

    func take() -> KeyGenerationShares? { shares.withLock { $0.take() } }
}
