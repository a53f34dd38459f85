// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FROST
public import Pomade
internal import Secp256k1
internal import Synchronization

/// The nonces that a signer has announced and not used yet.
///
/// They live in memory only and each is taken at most once. A process that ends forgets them all, which costs clients
/// one more round and nothing else. Times are given by the caller, in Unix seconds.
public final class PendingCommits: Sendable {
    /// How many are kept, and for how long; what goes beyond drops the oldest.
    public struct Limits: Sendable, Hashable {
        /// Seconds until a commitment of `/sign/commit` is gone.
        public var lifetime: Int64
        /// Seconds until a commitment of `/x/commit-batch` is gone.
        public var prefetchedLifetime: Int64
        /// The most of `/sign/commit` in one session.
        public var perSession: Int
        /// The most of `/x/commit-batch` in one session; they do not count among ``perSession``.
        public var prefetchedPerSession: Int
        /// The most in all sessions, of both kinds.
        public var total: Int

        public init(
            lifetime: Int64 = 120,
            prefetchedLifetime: Int64 = 600,
            perSession: Int = 32,
            prefetchedPerSession: Int = 256,
            total: Int = 100_000
        ) {
            self.lifetime = lifetime
            self.prefetchedLifetime = prefetchedLifetime
            self.perSession = perSession
            self.prefetchedPerSession = prefetchedPerSession
            self.total = total
        }
    }

    /// For metrics; all but ``pending`` count from the start of the process.
    public struct Counts: Sendable, Hashable {
        /// Waiting now.
        public var pending = 0
        /// Taken to be signed with.
        public var taken = 0
        /// Not taken in time.
        public var expired = 0
        /// Dropped for newer ones, or with their session.
        public var dropped = 0
    }

    public let limits: Limits
    private let state: Mutex<CommitShelf>

    public init(limits: Limits = Limits()) {
        self.limits = limits
        state = Mutex(CommitShelf(limits: limits))
    }

    public var counts: Counts { state.withLock(\.counts) }

    /// Draws nonces for one signature and remembers them (`/sign/commit`).
    ///
    /// - Parameters:
    ///   - client: the session.
    ///   - members: who shall sign, this signer among them.
    ///   - now: Unix seconds.
    /// - Throws: `bad_members`.
    public func commit(
        client: Hex32,
        share: SignerShare,
        members: [Int],
        now: Int64
    ) throws(SignerFailure) -> PomadeContent.Commitment {
        let members = try share.members(members)
        return keep([.generate(for: share, members: members)], client: client, isPrefetched: false, now: now)[0]
    }

    /// Draws nonces for signatures to come (`/x/commit-batch`), each for one message like any other.
    ///
    /// - Throws: `bad_members`, or `bad_request` unless `count` lies between 1 and 64.
    public func commitBatch(
        client: Hex32,
        share: SignerShare,
        members: [Int],
        count: Int,
        now: Int64
    ) throws(SignerFailure) -> [PomadeContent.Commitment] {
        guard (1...PomadeBody.CommitBatch.maximumCount).contains(count) else {
            throw SignerFailure(
                .badRequest,
                "A batch has 1 to \(PomadeBody.CommitBatch.maximumCount) commitments."
            )
        }
        let members = try share.members(members)
        let drawn = (0..<count).map { _ in DrawnCommit.generate(for: share, members: members) }
        return keep(drawn, client: client, isPrefetched: true, now: now)
    }

    /// Puts nonces away, all curve work done.
    func keep(
        _ drawn: [DrawnCommit],
        client: Hex32,
        isPrefetched: Bool,
        now: Int64
    ) -> [PomadeContent.Commitment] {
        state.withLock { state in
            for commit in drawn { state.insert(commit, client: client, isPrefetched: isPrefetched, now: now) }
        }
        return drawn.map(\.announcement)
    }

    /// Takes a commitment out, so that nobody else can.
    ///
    /// Whatever fails from here on, its nonces are spent.
    /// - Throws: `commit_gone` when this session has no such commitment: it was taken, is too old or never was.
    public func take(client: Hex32, commitID: Hex32, now: Int64) throws(SignerFailure) -> TakenCommit {
        let commit = state.withLock { $0.take(commitID, client: client, now: now) }
        guard let commit, let nonces = commit.nonces.take() else {
            throw SignerFailure(.commitGone, "The commitment is used up or too old: ask for a new one.")
        }
        return TakenCommit(nonces: nonces, members: commit.members)
    }

    /// Forgets what is too old.
    public func sweep(now: Int64) { state.withLock { $0.sweep(now: now) } }

    /// Forgets all of a session: it was deactivated or deleted, or its share changed.
    public func remove(client: Hex32) { state.withLock { $0.remove(client: client) } }
}

/// Fresh nonces with their name.
struct DrawnCommit: Sendable {
    let announcement: PomadeContent.Commitment
    let members: [Identifier]
    let nonces: HeldNonces

    static func generate(for share: SignerShare, members: [Identifier]) -> DrawnCommit {
        DrawnCommit(share: share, members: members, nonces: .generate(for: share.share, suite: .pomade))
    }

    init(share: SignerShare, members: [Identifier], nonces: consuming SigningNonces) {
        let commitment = nonces.commitment
        announcement = PomadeContent.Commitment(
            commitID: .random(),
            idx: share.number,
            pubkey: share.publicShare,
            hidden: HexBytes(certain: commitment.hiding.compressed),
            binder: HexBytes(certain: commitment.binding.compressed)
        )
        self.members = members
        self.nonces = HeldNonces(nonces)
    }
}
