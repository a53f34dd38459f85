// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import LightningPrimitives

/// A request that its sender may repeat without paying twice, because it carries an `Idempotency-Key`.
public struct IdempotentRequest: Sendable, Hashable {
    /// The credit that pays; keys of different credits have nothing to do with each other.
    public let paymentHash: PaymentHash
    /// Names the token, where a credit has several: who was given a narrowed one must not get the answers of another.
    public let holder: [UInt8]
    /// The key: 1 to 64 visible ASCII characters.
    public let key: String
    /// 32 bytes that tell one request from another: the SHA-256 of method, target and body.
    public let fingerprint: [UInt8]

    /// Describes a request, or returns `nil` when the key is not one.
    public init?(paymentHash: PaymentHash, holder: [UInt8] = [], key: String, fingerprint: [UInt8]) {
        guard Self.isKey(key), fingerprint.count == 32 else { return nil }
        self.paymentHash = paymentHash
        self.holder = holder
        self.key = key
        self.fingerprint = fingerprint
    }

    /// The key as it is stored: a blank, which no key has, ends the holder's name.
    var storedKey: String { holder.isEmpty ? key : "\(Hex.encode(holder)) \(key)" }

    /// Whether a text may be a key.
    public static func isKey(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}

/// The first of equal requests, which does the work.
public struct IdempotentWork: Sendable, Hashable {
    let request: IdempotentRequest
    let worker: [UInt8]
}

/// What is to be done with a request that carries a key.
public enum Reservation: Sendable {
    /// It is the first: serve it.
    case reserved(IdempotentWork)
    /// It was served before: answer the same.
    case answered(StoredAnswer)
    /// It is being served at the moment.
    case underWay
    /// The key belongs to another request.
    case conflict
}

/// An answer that is kept for repetitions.
public struct StoredAnswer: Sendable, Hashable {
    public let status: Int
    /// The answer's header fields, without those that belong to one exchange.
    public let headers: [String: String]
    public let body: [UInt8]

    public init(status: Int, headers: [String: String], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
