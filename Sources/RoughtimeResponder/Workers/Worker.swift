// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CDatagrams
internal import CLinux
internal import Glibc
internal import Logging
internal import Metrics
internal import Roughtime
internal import Synchronization

/// One thread that answers: it takes what the kernel and the streams hold now, signs once, and sends.
///
/// There is no timer. An idle server answers a lone request at once; under load, what arrives during one batch is the next.
final class Worker: @unchecked Sendable {
    /// Requests older than this are dropped, in nanoseconds: their senders have given up.
    private static let greatestAge: Int64 = 1_000_000_000
    /// Room that is kept for streams in a batch full of datagrams.
    private static let reservedForStreams = 32

    // Everything below is used by the worker's own thread only; `isStopped` and the queue are made for sharing.
    private let batch: AnswerBatch
    private let slots: OpaquePointer
    private let sockets: [Int32]
    private let poll: Int32
    private let queue: AnswerQueue
    private let rules: RequestRules
    private let holder: IdentityHolder
    private var clock: SigningClock<SystemClockSource>
    private let metrics: ResponderMetrics
    private let logger: Logger
    private var identities: [OnlineIdentity?] = [nil]
    private var generation: UInt64 = 0
    private var entries: [AnswerQueue.Entry] = []
    /// How many slots hold datagrams of each socket; those of the socket that was read first come first.
    private let received: UnsafeMutablePointer<Int>
    /// The socket that is read first; the next one in the next batch, so that a flood of one starves no other.
    private var turn = 0
    private let sendList: UnsafeMutablePointer<Int32>
    private let sendLengths: UnsafeMutablePointer<UInt32>
    private let tally: Tally
    private let isStopped = Atomic<Bool>(false)

    init(
        sockets: [Int32],
        queue: AnswerQueue,
        rules: RequestRules,
        holder: IdentityHolder,
        clock: SigningClock<SystemClockSource>,
        options: ResponderOptions,
        metrics: ResponderMetrics,
        logger: Logger
    ) throws(ResponderError) {
        batch = AnswerBatch(
            legacySignaturesPerSecond: options.legacySignaturesPerSecond,
            greaseOneIn: options.greaseOneIn,
            seed: .random(in: 0 ... .max)
        )
        let requests = batch.requestBuffer(0).baseAddress
        guard let requests, let answers = UnsafeMutableRawPointer(mutating: batch.answer(0).baseAddress),
            let slots = datagram_slots_make(
                UInt32(AnswerBatch.capacity),
                requests,
                AnswerBatch.requestStride,
                answers,
                AnswerBatch.answerStride
            )
        else { throw ResponderError("no memory for a worker's datagrams") }
        self.slots = slots
        self.sockets = sockets
        self.queue = queue
        self.rules = rules
        self.holder = holder
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
        received = .allocate(capacity: max(sockets.count, 1))
        received.initialize(repeating: 0, count: max(sockets.count, 1))
        sendList = .allocate(capacity: AnswerBatch.capacity)
        sendList.initialize(repeating: 0, count: AnswerBatch.capacity)
        sendLengths = .allocate(capacity: AnswerBatch.capacity)
        sendLengths.initialize(repeating: 0, count: AnswerBatch.capacity)
        tally = Tally()
        poll = epoll_create1(Int32(EPOLL_CLOEXEC))
        for descriptor in sockets + [queue.wakeup] {
            // Workers may share a socket, and do share the queue; one of them is woken.
            var event = epoll_event()
            event.events = EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue
            event.data.fd = descriptor
            guard epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
                throw ResponderError("cannot wait for a socket: \(String(cString: strerror(errno)))")
            }
        }
    }

    deinit {
        datagram_slots_free(slots)
        received.deallocate()
        sendList.deallocate()
        sendLengths.deallocate()
        close(poll)
    }

    /// Runs until stopped.
    func run() {
        while !isStopped.load(ordering: .relaxed) {
            if !answerOnce() { wait() }
        }
    }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        queue.wake()
    }

    private func wait() {
        var event = epoll_event()
        // Looking up now and then costs nothing and lets a stop be noticed whatever happens to the wakeup.
        if epoll_wait(poll, &event, 1, 500) > 0, event.data.fd == queue.wakeup { queue.clearWakeup() }
    }

    /// Answers everything that waits, up to a full batch; returns whether there was anything.
    func answerOnce() -> Bool {
        let start = SystemClockSource().monotonicNanoseconds()
        var count = 0
        turn = turn + 1 < sockets.count ? turn + 1 : 0
        for position in sockets.indices {
            let index = socket(position)
            let room = AnswerBatch.capacity - Self.reservedForStreams - count
            let got = room > 0 ? Int(datagram_receive(slots, sockets[index], UInt32(count), UInt32(room))) : 0
            received[index] = max(got, 0)
            count += received[index]
        }
        let datagrams = count
        queue.take(AnswerBatch.capacity - count, into: &entries)
        for entry in entries {
            batch.put(entry.packet, count)
            count += 1
        }
        guard count > 0 else { return false }
        let afterReceive = SystemClockSource().monotonicNanoseconds()
        holder.refresh(&identities, &generation)
        let reading = clock.read()
        take(datagrams, at: reading.time)
        let afterValidate = SystemClockSource().monotonicNanoseconds()
        sign(reading)
        let afterSign = SystemClockSource().monotonicNanoseconds()
        send(datagrams)
        complete(from: datagrams)
        let end = SystemClockSource().monotonicNanoseconds()
        metrics.batchSize.record(count)
        metrics.record(.receive, afterReceive &- start)
        metrics.record(.validate, afterValidate &- afterReceive)
        metrics.record(.sign, afterSign &- afterValidate)
        metrics.record(.send, end &- afterSign)
        report()
        return true
    }

    /// The socket whose turn comes at some position of this batch.
    @inline(__always)
    private func socket(_ position: Int) -> Int {
        let index = turn + position
        return index < sockets.count ? index : index - sockets.count
    }

    /// Decides about every request.
    private func take(_ datagrams: Int, at time: Result<StatedTime, DropReason>) {
        let now = if case .success(let time) = time { time.unixMicroseconds * 1000 } else { Int64(0) }
        var oldest: Int64 = 0
        for slot in 0..<datagrams {
            let length = Int(datagram_length(slots, UInt32(slot)))
            let stamp = now > 0 ? datagram_received_at(slots, UInt32(slot)) : 0
            if stamp > 0 { oldest = max(oldest, now - stamp) }
            if stamp > 0, now - stamp > Self.greatestAge {
                batch.drop(slot, .stale)
            } else if !batch.take(slot, length: length, rules: rules, mayGrease: true) {
                continue
            } else {
                tally.requests[batch.versionIndex(slot)] += 1
            }
        }
        if oldest > 0 { metrics.queueDelay.record(Double(oldest) / 1e9) }
        for (offset, entry) in entries.enumerated() {
            let slot = datagrams + offset
            if batch.take(slot, length: entry.packet.count, rules: rules, mayGrease: false) {
                metrics.requests[entry.transport.rawValue][batch.versionIndex(slot)].increment()
            }
        }
    }

    private func sign(_ reading: (time: Result<StatedTime, DropReason>, monotonic: UInt64)) {
        switch reading.time {
        case .success(let time):
            batch.answer(with: identities, at: time, monotonicNanoseconds: reading.monotonic)
        case .failure(let reason):
            batch.dropAll(reason)
        }
        let steps = clock.takeSteps()
        if steps > 0 {
            metrics.steps.increment(by: steps)
            logger.warning("the clock was set to another time; nothing is signed for 10 s")
        }
    }

    private func send(_ datagrams: Int) {
        var slot = 0
        for place in sockets.indices {
            let index = socket(place)
            var count = 0
            for position in slot..<slot + received[index] {
                if let reason = batch.reason(position) {
                    tally.dropped[reason.number] += 1
                    continue
                }
                sendList[count] = Int32(position)
                sendLengths[count] = UInt32(batch.answer(position).count)
                tally.responses[batch.versionIndex(position)] += 1
                count += 1
            }
            slot += received[index]
            guard count > 0 else { continue }
            let sent = Int(datagram_send(slots, sockets[index], sendList, sendLengths, UInt32(count)))
            if sent < count { metrics.unsent.increment(by: count - sent) }
        }
    }

    private func complete(from first: Int) {
        guard !entries.isEmpty else { return }
        for (offset, entry) in entries.enumerated() {
            let slot = first + offset
            if let reason = batch.reason(slot) {
                metrics.dropped[entry.transport.rawValue][reason.number].increment()
                entry.completion(.failure(reason))
            } else {
                metrics.responses[entry.transport.rawValue][batch.versionIndex(slot)].increment()
                entry.completion(.success(Array(batch.answer(slot))))
            }
        }
        entries.removeAll(keepingCapacity: true)
    }

    private func report() {
        let udp = Transport.udp.rawValue
        for index in tally.requests.indices {
            if tally.requests[index] > 0 { metrics.requests[udp][index].increment(by: tally.requests[index]) }
            if tally.responses[index] > 0 { metrics.responses[udp][index].increment(by: tally.responses[index]) }
            tally.requests[index] = 0
            tally.responses[index] = 0
        }
        for index in tally.dropped.indices where tally.dropped[index] > 0 {
            metrics.dropped[udp][index].increment(by: tally.dropped[index])
            tally.dropped[index] = 0
        }
        let greased = batch.takeCounts { metrics.signatures[Profile.of($0)?.index ?? 0].increment(by: $1) }
        if greased > 0 { metrics.greased.increment(by: greased) }
    }
}

/// Counts of one batch, before they are added to the metrics.
private final class Tally {
    var requests = [Int](repeating: 0, count: Version.all.count)
    var responses = [Int](repeating: 0, count: Version.all.count)
    var dropped = [Int](repeating: 0, count: DropReason.allCases.count)
}
