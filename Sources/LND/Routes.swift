// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// What to ask of `GET /v1/graph/routes`.
public struct RouteQuery: Sendable, Hashable {
    /// The node to be reached.
    public var target: NodeID
    /// What is to arrive there, more than zero.
    public var amount: MilliSatoshi
    /// Where the route starts; `nil` is the node that is asked, whose local balances then count.
    public var source: NodeID?
    /// Whether LND uses what it learnt from payments; without it the probability is always 1.
    public var usesMissionControl = true
    /// The greatest sum of fees; `nil` leaves it open.
    public var feeLimit: MilliSatoshi?
    /// Blocks the last hop is locked for.
    public var finalTimeLockDelta = 80
    /// The greatest total time lock in blocks; `nil` is LND's own limit.
    public var timeLockLimit: Int?

    public init(target: NodeID, amount: MilliSatoshi, source: NodeID? = nil, feeLimit: MilliSatoshi? = nil) {
        self.target = target
        self.amount = amount
        self.source = source
        self.feeLimit = feeLimit
    }

    var path: String {
        var query = "amt_msat=\(amount.msat)&final_cltv_delta=\(finalTimeLockDelta)&time_pref=0"
        query += "&use_mission_control=\(usesMissionControl)"
        if let source { query += "&source_pub_key=\(source.hex)" }
        if let feeLimit { query += "&fee_limit.fixed_msat=\(feeLimit.msat)" }
        if let timeLockLimit { query += "&cltv_limit=\(timeLockLimit)" }
        return "/v1/graph/routes/\(target.hex)/0?\(query)"
    }
}

/// A route as LND found it.
public struct RouteAnswer: Sendable, Hashable {
    public let route: PaymentRoute
    /// LND's estimate that an attempt succeeds, 0 to 1.
    public let successProbability: Double

    public init(route: PaymentRoute, successProbability: Double) {
        self.route = route
        self.successProbability = successProbability
    }
}

/// A way through the network, hop by hop.
public struct PaymentRoute: Sendable, Hashable {
    /// One channel of a route.
    public struct Hop: Sendable, Hashable {
        public var channel: ShortChannelID
        /// The node at the channel's far end.
        public var node: NodeID
        /// What that node passes on; for the last hop what it receives.
        public var amountToForward: MilliSatoshi
        /// What that node keeps.
        public var fee: MilliSatoshi
        /// The time lock of what that node passes on, a block height.
        public var expiry: Int

        public init(
            channel: ShortChannelID,
            node: NodeID,
            amountToForward: MilliSatoshi,
            fee: MilliSatoshi,
            expiry: Int
        ) {
            self.channel = channel
            self.node = node
            self.amountToForward = amountToForward
            self.fee = fee
            self.expiry = expiry
        }

        /// What the channel itself has to carry.
        public var amountCarried: MilliSatoshi { MilliSatoshi(msat: amountToForward.msat &+ fee.msat) }
    }

    public var hops: [Hop]
    /// The time lock of the first channel, a block height.
    public var totalTimeLock: Int
    public var totalFees: MilliSatoshi
    /// What leaves the first node: the amount and all fees.
    public var totalAmount: MilliSatoshi

    public init(hops: [Hop], totalTimeLock: Int, totalFees: MilliSatoshi, totalAmount: MilliSatoshi) {
        self.hops = hops
        self.totalTimeLock = totalTimeLock
        self.totalFees = totalFees
        self.totalAmount = totalAmount
    }
}

/// Why an attempt failed, and who said so.
public struct HTLCFailure: Sendable, Hashable {
    /// LND's names of the failures of BOLT 4.
    public struct Code: RawRepresentable, Sendable, Hashable {
        public let rawValue: String

        public init(rawValue: String) { self.rawValue = rawValue }

        /// The payee does not know the payment hash: every hop before it could carry the amount.
        public static let unknownPaymentDetails = Code(rawValue: "INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS")
        /// The channel behind the source could not carry the amount just now.
        public static let temporaryChannelFailure = Code(rawValue: "TEMPORARY_CHANNEL_FAILURE")
        public static let channelDisabled = Code(rawValue: "CHANNEL_DISABLED")
        public static let feeInsufficient = Code(rawValue: "FEE_INSUFFICIENT")
        public static let amountBelowMinimum = Code(rawValue: "AMOUNT_BELOW_MINIMUM")
        public static let unknownNextPeer = Code(rawValue: "UNKNOWN_NEXT_PEER")
        public static let temporaryNodeFailure = Code(rawValue: "TEMPORARY_NODE_FAILURE")
        /// The onion of the failure did not decrypt: nobody can be named.
        public static let unreadable = Code(rawValue: "UNREADABLE_FAILURE")
    }

    public let code: Code
    /// The node that reported it: 0 is our own, `hops.count` the payee.
    ///
    /// The channel that failed is the one it would have forwarded on: `hops[sourceIndex]`.
    public let sourceIndex: Int

    public init(code: Code, sourceIndex: Int) {
        self.code = code
        self.sourceIndex = sourceIndex
    }
}

/// One HTLC that was sent along a route.
public struct HTLCAttempt: Sendable, Hashable {
    public enum Status: String, Sendable, Hashable {
        case inFlight = "IN_FLIGHT"
        case succeeded = "SUCCEEDED"
        case failed = "FAILED"
    }

    public let status: Status
    public let route: PaymentRoute
    /// Set when the attempt failed.
    public let failure: HTLCFailure?
    /// The proof of payment; set when the attempt succeeded.
    public let preimage: Preimage?
    /// Unix nanoseconds at which the outcome was known, 0 before.
    public let resolvedAtNs: Int64

    public init(
        status: Status,
        route: PaymentRoute,
        failure: HTLCFailure?,
        preimage: Preimage?,
        resolvedAtNs: Int64 = 0
    ) {
        self.status = status
        self.route = route
        self.failure = failure
        self.preimage = preimage
        self.resolvedAtNs = resolvedAtNs
    }
}

/// What LND has learnt of the way from one node to a neighbour of it (`GET /v2/router/mc`).
public struct PairHistory: Sendable, Hashable {
    public let from: NodeID
    public let to: NodeID
    /// Unix seconds of the last failure, 0 for none, and the least amount that failed.
    public let failedAt: Int64
    public let failedAmount: MilliSatoshi
    /// Unix seconds of the last success, 0 for none, and the greatest amount that passed.
    public let succeededAt: Int64
    public let succeededAmount: MilliSatoshi
}

/// What a payment to a node would cost (`POST /v2/router/route/estimatefee`).
public struct FeeEstimate: Sendable, Hashable {
    public let fee: MilliSatoshi
    /// Block height until which the money could be locked.
    public let timeLock: Int64
    /// Why there is no estimate; `nil` when there is one.
    public let failure: PaymentFailure?
}

/// Why a payment failed, by LND's `failure_reason`.
public enum PaymentFailure: String, Sendable, Hashable, CaseIterable {
    case timeout = "FAILURE_REASON_TIMEOUT"
    case noRoute = "FAILURE_REASON_NO_ROUTE"
    case error = "FAILURE_REASON_ERROR"
    /// The payee does not know the hash, or the amount or secret is wrong.
    case incorrectDetails = "FAILURE_REASON_INCORRECT_PAYMENT_DETAILS"
    /// Our own balance does not suffice: says nothing about the payee.
    case insufficientBalance = "FAILURE_REASON_INSUFFICIENT_BALANCE"
    case canceled = "FAILURE_REASON_CANCELED"
}

/// The size of the network as the node sees it (`GET /v1/graph/info`).
public struct NetworkFacts: Sendable, Hashable {
    public let nodes: Int
    public let channels: Int
    public let capacity: MilliSatoshi
    /// Channels that LND took out of its graph because nobody refreshed them.
    public let zombieChannels: Int64
}
