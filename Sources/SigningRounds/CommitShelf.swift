// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import DequeModule
internal import Pomade

/// The state behind ``PendingCommits``: commitments by name, by session and by age.
struct CommitShelf: Sendable {
    private struct Entry {
        let commit: DrawnCommit
        let client: Hex32
        let isPrefetched: Bool
        let expiresAt: Int64
        /// Larger for what came later.
        let order: UInt64
    }

    private struct Age {
        let id: Hex32
        let order: UInt64
        let expiresAt: Int64
    }

    private struct Session {
        var single: Deque<Hex32> = []
        var prefetched: Deque<Hex32> = []

        subscript(isPrefetched: Bool) -> Deque<Hex32> {
            get { isPrefetched ? prefetched : single }
            _modify {
                if isPrefetched { yield &prefetched } else { yield &single }
            }
        }
    }

    private enum End { case taken, expired, dropped }

    private let limits: PendingCommits.Limits
    private(set) var counts = PendingCommits.Counts()
    private var entries: [Hex32: Entry] = [:]
    private var sessions: [Hex32: Session] = [:]
    /// Oldest first; what was taken stays here until it is at the head or the queue is compacted.
    private var single: Deque<Age> = []
    private var prefetched: Deque<Age> = []
    private var order: UInt64 = 0

    init(limits: PendingCommits.Limits) { self.limits = limits }

    mutating func insert(_ commit: DrawnCommit, client: Hex32, isPrefetched: Bool, now: Int64) {
        sweep(now: now)
        let most = isPrefetched ? limits.prefetchedPerSession : limits.perSession
        while let oldest = sessions[client]?[isPrefetched].first, (sessions[client]?[isPrefetched].count ?? 0) >= most {
            end(oldest, .dropped)
        }
        while entries.count >= limits.total, let oldest = oldest { end(oldest, .dropped) }
        let id = commit.announcement.commitID
        let (expiresAt, overflows) = now.addingReportingOverflow(
            isPrefetched ? limits.prefetchedLifetime : limits.lifetime
        )
        let entry = Entry(
            commit: commit,
            client: client,
            isPrefetched: isPrefetched,
            expiresAt: overflows ? .max : expiresAt,
            order: order
        )
        order += 1
        entries[id] = entry
        sessions[client, default: Session()][isPrefetched].append(id)
        let age = Age(id: id, order: entry.order, expiresAt: entry.expiresAt)
        if isPrefetched { prefetched.append(age) } else { single.append(age) }
        counts.pending = entries.count
    }

    mutating func take(_ id: Hex32, client: Hex32, now: Int64) -> DrawnCommit? {
        guard let entry = entries[id], entry.client == client else { return nil }
        guard entry.expiresAt > now else {
            end(id, .expired)
            return nil
        }
        end(id, .taken)
        return entry.commit
    }

    mutating func sweep(now: Int64) {
        removeEnded(&single)
        while let age = single.first, age.expiresAt <= now {
            end(age.id, .expired)
            removeEnded(&single)
        }
        removeEnded(&prefetched)
        while let age = prefetched.first, age.expiresAt <= now {
            end(age.id, .expired)
            removeEnded(&prefetched)
        }
    }

    mutating func remove(client: Hex32) {
        guard let session = sessions[client] else { return }
        for id in session.single + session.prefetched { end(id, .dropped) }
    }

    /// The oldest of all.
    private var oldest: Hex32? {
        mutating get {
            removeEnded(&single)
            removeEnded(&prefetched)
            guard let first = single.first else { return prefetched.first?.id }
            guard let other = prefetched.first else { return first.id }
            return first.order < other.order ? first.id : other.id
        }
    }

    /// Brings the oldest that still waits to the head, and keeps the queue in proportion to what waits.
    private func removeEnded(_ queue: inout Deque<Age>) {
        while let age = queue.first, entries[age.id] == nil { queue.removeFirst() }
        if queue.count > 2 * entries.count + 1024 { queue.removeAll { entries[$0.id] == nil } }
    }

    private mutating func end(_ id: Hex32, _ end: End) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        let place = sessions[entry.client]?[entry.isPrefetched].firstIndex(of: id)
        if let place { sessions[entry.client]?[entry.isPrefetched].remove(at: place) }
        if let session = sessions[entry.client], session.single.isEmpty, session.prefetched.isEmpty {
            sessions[entry.client] = nil
        }
        switch end {
        case .taken: counts.taken += 1
        case .expired: counts.expired += 1
        case .dropped: counts.dropped += 1
        }
        counts.pending = entries.count
    }
}
