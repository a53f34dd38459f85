// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Decides by majority how far a local clock is off, and never by averaging: one liar moves an average.
public struct ClockQuorum: Equatable, Sendable {
    /// Where the offset of the local clock may lie by one answer: true time minus local time, both ends included.
    public struct Interval: Equatable, Sendable {
        public let low: Int128
        public let high: Int128

        public init(low: Int128, high: Int128) {
            self.low = low
            self.high = high
        }

        /// The interval of an answer.
        ///
        /// - Parameters:
        ///   - sent: local time when the request was sent, in microseconds.
        ///   - received: local time when the answer came, in microseconds.
        public init(_ response: VerifiedResponse, sent: Int64, received: Int64) {
            low = response.earliest - Int128(received)
            high = response.latest - Int128(sent)
        }

        public var width: Int128 { high - low }
    }

    public enum Outcome: Equatable, Sendable {
        /// The offset lies within `low...high`, by the answers `members`; the others are wrong.
        case agreed(low: Int128, high: Int128, members: [Int], falsetickers: [Int])
        /// Too few agree: the clock is not judged.
        case none(largest: Int)
    }

    /// Answers that must agree.
    public let needed: Int
    public let outcome: Outcome

    /// Finds the point that most intervals share; the earliest wins ties.
    public init(_ intervals: [Interval]) {
        let needed = max(intervals.count / 2 + 1, 2)
        var best: [Int] = []
        for point in intervals.map(\.low).sorted() {
            let covering = intervals.indices.filter { intervals[$0].low <= point && point <= intervals[$0].high }
            if covering.count > best.count { best = covering }
        }
        self.needed = needed
        guard best.count >= needed, let low = best.map({ intervals[$0].low }).max(),
            let high = best.map({ intervals[$0].high }).min()
        else {
            outcome = .none(largest: best.count)
            return
        }
        outcome = .agreed(
            low: low,
            high: high,
            members: best,
            falsetickers: intervals.indices.filter { !best.contains($0) }
        )
    }

    /// The middle of the agreed interval, rounded down; nil without agreement.
    public var offset: Int128? {
        guard case .agreed(let low, let high, _, _) = outcome else { return nil }
        let sum = low + high
        return sum >= 0 || sum % 2 == 0 ? sum / 2 : sum / 2 - 1
    }
}

/// What a client asks of the answers before it believes them.
public struct QuorumPolicy: Equatable, Sendable {
    /// Wider answers say nothing and do not vote, in microseconds.
    public var maximumRadius: Int64
    /// Different operators among those that agree.
    public var operators: Int
    /// How far the clock may be off beyond the agreed interval and still count as right, in microseconds.
    public var tolerance: Int64
    /// How much faster or slower than true time the local clock may run, in parts per million.
    public var driftPPM: Int64

    public init(
        maximumRadius: Int64 = 60_000_000,
        operators: Int = 3,
        tolerance: Int64 = 10_000_000,
        driftPPM: Int64 = 100
    ) {
        self.maximumRadius = maximumRadius
        self.operators = operators
        self.tolerance = tolerance
        self.driftPPM = driftPPM
    }

    /// One server's vote.
    public struct Vote: Equatable, Sendable {
        public let interval: ClockQuorum.Interval
        public let radius: Int64
        public let operatorName: String

        public init(interval: ClockQuorum.Interval, radius: Int64, operatorName: String) {
            self.interval = interval
            self.radius = radius
            self.operatorName = operatorName
        }
    }

    public enum Verdict: Equatable, Sendable {
        /// The clock is right within the tolerance; the offset lies within `low...high` microseconds.
        case inSync(low: Int128, high: Int128)
        case outOfSync(low: Int128, high: Int128)
        case noQuorum(String)
    }

    public struct Judgement: Equatable, Sendable {
        public let verdict: Verdict
        /// Middle of the agreed interval in microseconds: what must be added to the local clock.
        public let offset: Int128?
        /// Numbers of the votes that agree, and of those that do not.
        public let members: [Int]
        public let falsetickers: [Int]
        /// Numbers of the votes that said too little to be heard.
        public let tooWide: [Int]
    }

    /// Judges the local clock.
    ///
    /// - Parameter age: how long ago the answers came, in microseconds; the agreed interval widens with it.
    public func judge(_ votes: [Vote], age: Int64 = 0) -> Judgement {
        let heard = votes.indices.filter { votes[$0].radius <= maximumRadius }
        let tooWide = votes.indices.filter { !heard.contains($0) }
        let quorum = ClockQuorum(heard.map { votes[$0].interval })
        guard case .agreed(let low, let high, let members, let falsetickers) = quorum.outcome else {
            let largest = if case .none(let largest) = quorum.outcome { largest } else { 0 }
            return Judgement(
                verdict: .noQuorum("\(largest) of \(heard.count) answers agree, \(quorum.needed) are needed"),
                offset: nil,
                members: [],
                falsetickers: [],
                tooWide: tooWide
            )
        }
        let agreeing = members.map { heard[$0] }
        let names = Set(agreeing.map { votes[$0].operatorName })
        let drift = Int128(age) * Int128(driftPPM) / 1_000_000
        let (first, last) = (low - drift, high + drift)
        let isRight = first - Int128(tolerance) <= 0 && 0 <= last + Int128(tolerance)
        let verdict: Verdict =
            names.count < operators
            ? .noQuorum("the servers that agree are of \(names.count) different domains, \(operators) are needed")
            : isRight ? .inSync(low: first, high: last) : .outOfSync(low: first, high: last)
        return Judgement(
            verdict: verdict,
            offset: names.count < operators ? nil : quorum.offset,
            members: agreeing,
            falsetickers: falsetickers.map { heard[$0] },
            tooWide: tooWide
        )
    }
}
