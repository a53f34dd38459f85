// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import LightningPrimitives

/// The state of a node's wallet (`GET /v1/state`).
public enum WalletState: String, Sendable, Hashable, Codable {
    case nonExisting = "NON_EXISTING"
    case locked = "LOCKED"
    case unlocked = "UNLOCKED"
    case rpcActive = "RPC_ACTIVE"
    case serverActive = "SERVER_ACTIVE"
    case waitingToStart = "WAITING_TO_START"
}

/// What the node says about itself (`GET /v1/getinfo`), as far as we use it.
public struct NodeStatus: Sendable, Hashable {
    public let identity: String
    public let alias: String
    public let version: String
    public let blockHeight: Int
    /// Unix seconds of the best header.
    public let bestHeaderTimestamp: Int64
    public let activeChannels: Int
    public let syncedToChain: Bool
    public let syncedToGraph: Bool
    /// LND's name of the network, such as `mainnet` or `regtest`.
    public let network: String
}

/// What to put into a new invoice.
public struct InvoiceRequest: Sendable {
    public let amount: MilliSatoshi
    /// At most 639 bytes.
    public let memo: String
    /// Seconds until the invoice is cancelled, 1 to 31,536,000.
    public let expirySeconds: Int
    /// Ours, so that an add whose answer was lost can be recognised when it is repeated.
    public let preimage: Preimage

    public init(amount: MilliSatoshi, memo: String, expirySeconds: Int, preimage: Preimage = .random()) {
        self.amount = amount
        self.memo = memo
        self.expirySeconds = expirySeconds
        self.preimage = preimage
    }
}

/// The state of an invoice on the node.
public enum InvoiceState: String, Sendable, Hashable {
    case open = "OPEN"
    case accepted = "ACCEPTED"
    case settled = "SETTLED"
    case canceled = "CANCELED"
}

/// An invoice as the node reports it.
public struct InvoiceStatus: Sendable, Hashable {
    public let paymentHash: PaymentHash
    public let state: InvoiceState
    public let amount: MilliSatoshi
    /// What was really paid; zero until settled.
    public let amountPaid: MilliSatoshi
    public let paymentRequest: String
    public let addIndex: UInt64
    public let settleIndex: UInt64
    /// Unix seconds.
    public let createdAt: Int64
    public let expirySeconds: Int64
    /// The secret that proves payment, kept for settled invoices only; it prints as `[redacted]`.
    public let preimage: Preimage?
}

/// How a payment stands.
public struct PaymentUpdate: Sendable {
    public enum Status: String, Sendable, Hashable {
        case initiated = "INITIATED"
        case inFlight = "IN_FLIGHT"
        case succeeded = "SUCCEEDED"
        case failed = "FAILED"
    }

    public let status: Status
    public let paymentHash: PaymentHash
    /// The proof of payment; set once the payment has succeeded.
    public let preimage: Preimage?
    public let amount: MilliSatoshi
    public let fee: MilliSatoshi
    /// LND's reason, such as `FAILURE_REASON_NO_ROUTE`.
    public let failureReason: String
    /// What was tried, in order, with the channels and amounts of every attempt.
    public let attempts: [HTLCAttempt]

    /// Why the payment failed; `nil` when it did not, or for a reason this client does not know.
    public var failure: PaymentFailure? { PaymentFailure(rawValue: failureReason) }
}

/// A 64-bit number that LND's JSON writes as a string and other writers as a number.
struct TextNumber<Value: FixedWidthInteger & Decodable & Sendable>: Codable, Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            guard let value = Value(text) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a decimal number")
            }
            self.value = value
        } else {
            value = try container.decode(Value.self)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(String(value))
    }
}

struct WireState: Decodable { let state: String }

struct WireInfo: Decodable {
    struct Chain: Decodable { let network: String? }
    let identity_pubkey: String
    let alias: String?
    let version: String?
    let block_height: Int?
    let best_header_timestamp: TextNumber<Int64>?
    let num_active_channels: Int?
    let synced_to_chain: Bool?
    let synced_to_graph: Bool?
    let chains: [Chain]?

    var status: NodeStatus {
        NodeStatus(
            identity: identity_pubkey,
            alias: alias ?? "",
            version: version ?? "",
            blockHeight: block_height ?? 0,
            bestHeaderTimestamp: best_header_timestamp?.value ?? 0,
            activeChannels: num_active_channels ?? 0,
            syncedToChain: synced_to_chain ?? false,
            syncedToGraph: synced_to_graph ?? false,
            network: chains?.first?.network ?? ""
        )
    }
}

struct WireAddInvoice: Encodable {
    let value_msat: String
    let memo: String
    let expiry: String
    let r_preimage: String
}

struct WireAddedInvoice: Decodable {
    let r_hash: String
    let payment_request: String
}

struct WireInvoice: Decodable {
    let r_hash: String
    let state: String?
    let settled: Bool?
    let value_msat: TextNumber<Int64>?
    let amt_paid_msat: TextNumber<Int64>?
    let payment_request: String?
    let r_preimage: String?
    let add_index: TextNumber<UInt64>?
    let settle_index: TextNumber<UInt64>?
    let creation_date: TextNumber<Int64>?
    let expiry: TextNumber<Int64>?

    var status: InvoiceStatus? {
        guard let hash = Base64.decode(r_hash), let paymentHash = PaymentHash(hash),
            let state = InvoiceState(rawValue: state ?? (settled == true ? "SETTLED" : "OPEN"))
        else { return nil }
        return InvoiceStatus(
            paymentHash: paymentHash,
            state: state,
            amount: MilliSatoshi(msat: value_msat?.value ?? 0),
            amountPaid: MilliSatoshi(msat: amt_paid_msat?.value ?? 0),
            paymentRequest: payment_request ?? "",
            addIndex: add_index?.value ?? 0,
            settleIndex: settle_index?.value ?? 0,
            createdAt: creation_date?.value ?? 0,
            expirySeconds: expiry?.value ?? 0,
            preimage: state == .settled ? r_preimage.flatMap { Base64.decode($0) }.flatMap { Preimage($0) } : nil
        )
    }
}

struct WirePay: Encodable {
    let payment_request: String
    let timeout_seconds: Int
    let fee_limit_msat: String
    let max_parts: Int
    let cltv_limit: Int
    let no_inflight_updates: Bool
}

struct WirePayment: Decodable {
    let status: String
    let payment_hash: String
    let payment_preimage: String?
    let value_msat: TextNumber<Int64>?
    let fee_msat: TextNumber<Int64>?
    let failure_reason: String?
    let htlcs: [WireAttempt]?

    var update: PaymentUpdate? {
        guard let status = PaymentUpdate.Status(rawValue: status), let hash = PaymentHash(hex: payment_hash) else {
            return nil
        }
        let preimage = payment_preimage.flatMap { Preimage(hex: $0) }
        return PaymentUpdate(
            status: status,
            paymentHash: hash,
            // 64 zeros stand for "not known yet"; a preimage that does not hash to the payment hash proves nothing.
            preimage: preimage?.paymentHash == hash ? preimage : nil,
            amount: MilliSatoshi(msat: value_msat?.value ?? 0),
            fee: MilliSatoshi(msat: fee_msat?.value ?? 0),
            failureReason: failure_reason ?? "",
            attempts: htlcs?.compactMap(\.attempt) ?? []
        )
    }
}

/// One line of a streaming call.
struct WireStreamLine<Result: Decodable>: Decodable {
    let result: Result?
    let error: AnswerClassifier.ErrorBody?
}

struct WireEmpty: Codable {}
