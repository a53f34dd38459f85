// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import FoundationEssentials
internal import Nostr

/// What the owner of a key lets one session do with it (`/x/policy`).
///
/// Everything that is absent is allowed. A signer judges each request against the stored policy, never a copy of it.
public struct SessionPolicy: Sendable, Hashable, Codable {
    /// The most kinds that one policy lists.
    public static let maximumKinds = 64
    /// How far an event's time may lie from the signer's, in seconds.
    public static let eventTolerance: Int64 = 900

    /// The kinds of events that are signed; a list makes the event itself required.
    ///
    /// An owner who wants to list or change sessions with a signature of the same group must include 27235.
    public var kinds: [Int]?
    /// Whether the client must show the event that the message is the id of.
    public var requiresEvent: Bool?
    /// The most signatures of one day (UTC).
    public var maximumPerDay: Int?
    /// Unix seconds from which on nothing is signed or exchanged.
    public var expiresAt: Int64?
    /// Whether a mailed code can recover the share.
    public var allowsCodes: Bool?
    /// Seconds that a recovery by a mailed code waits.
    public var recoveryDelay: Int64?
    /// Whether `/ecdh` is answered.
    public var allowsExchange: Bool?

    enum CodingKeys: String, CodingKey {
        case kinds
        case requiresEvent = "require_event"
        case maximumPerDay = "max_per_day"
        case expiresAt = "expires_at"
        case allowsCodes = "otp"
        case recoveryDelay = "recovery_delay"
        case allowsExchange = "allow_ecdh"
    }

    public init(
        kinds: [Int]? = nil,
        requiresEvent: Bool? = nil,
        maximumPerDay: Int? = nil,
        expiresAt: Int64? = nil,
        allowsCodes: Bool? = nil,
        recoveryDelay: Int64? = nil,
        allowsExchange: Bool? = nil
    ) {
        self.kinds = kinds
        self.requiresEvent = requiresEvent
        self.maximumPerDay = maximumPerDay
        self.expiresAt = expiresAt
        self.allowsCodes = allowsCodes
        self.recoveryDelay = recoveryDelay
        self.allowsExchange = allowsExchange
    }

    /// Refuses a policy whose numbers make no sense.
    ///
    /// - Throws: `bad_request`.
    public func requireSensible() throws(SignerFailure) {
        let kinds = kinds ?? []
        guard kinds.count <= Self.maximumKinds, kinds.allSatisfy({ (0...65535).contains($0) }) else {
            throw SignerFailure(.badRequest, "A policy lists at most \(Self.maximumKinds) kinds, 0 to 65535 each.")
        }
        guard (maximumPerDay ?? 0) >= 0, (expiresAt ?? 0) >= 0, (0...31_536_000).contains(recoveryDelay ?? 0) else {
            throw SignerFailure(
                .badRequest,
                "A policy's numbers are not negative, and a recovery waits at most 31536000 seconds."
            )
        }
    }

    /// Refuses everything from the policy's end on.
    ///
    /// - Throws: `deactivated`.
    public func requireLive(now: Int64) throws(SignerFailure) {
        guard let expiresAt, now >= expiresAt else { return }
        throw SignerFailure(.deactivated, "The session's policy has ended: log in again.")
    }

    /// Refuses an exchange that the owner does not allow.
    ///
    /// - Throws: `deactivated` or `policy_denied`.
    public func requireExchange(now: Int64) throws(SignerFailure) {
        try requireLive(now: now)
        guard allowsExchange ?? true else { throw Self.denied("The session's policy allows no key exchange.") }
    }

    /// Refuses to change the share for a session that its owner's commands cannot be signed with.
    ///
    /// A refresh is for all sessions of the share, and done wrongly it loses the key: it takes what a deletion takes.
    /// - Throws: `deactivated` or `policy_denied`.
    public func requireRefresh(now: Int64) throws(SignerFailure) {
        try requireLive(now: now)
        guard kinds?.contains(Int(HTTPAuthorization.kind)) ?? true, maximumPerDay != 0 else {
            throw Self.denied("The session's policy does not allow its owner's commands, nor to change the share.")
        }
    }

    /// Refuses a signature that the owner does not allow.
    ///
    /// - Parameters:
    ///   - content: the request's, decoded.
    ///   - signaturesToday: how many the session has made on this day.
    ///   - now: Unix seconds.
    /// - Throws: `deactivated` or `policy_denied`.
    public func requireSigning(
        _ request: PomadeBody.SignatureRequest,
        content: [UInt8]?,
        userKey: Hex32,
        signaturesToday: Int,
        now: Int64
    ) throws(SignerFailure) {
        try requireLive(now: now)
        if let maximumPerDay, signaturesToday >= maximumPerDay {
            throw Self.denied("The session's policy allows \(maximumPerDay) signatures a day.")
        }
        guard requiresEvent == true || kinds != nil else { return }
        guard request.hash.count == 1, let content, let event = ShownEvent(content) else {
            throw Self.denied("The session's policy asks for the event to be shown as the request's content.")
        }
        guard Array(SHA256.hash(data: content)) == request.hash[0].bytes, event.pubkey == userKey else {
            throw Self.denied("The event that was shown is not the one to be signed.")
        }
        guard kinds?.contains(event.kind) ?? true else {
            throw Self.denied("The session's policy does not allow events of kind \(event.kind).")
        }
        let (distance, overflows) = event.createdAt.subtractingReportingOverflow(now)
        guard !overflows, distance.magnitude <= Self.eventTolerance.magnitude else {
            throw Self.denied("The event's time is more than \(Self.eventTolerance) seconds away from the signer's.")
        }
    }

    private static func denied(_ message: String) -> SignerFailure { SignerFailure(.policyDenied, message) }
}

/// An event as the array that its id is the hash of (NIP-01).
struct ShownEvent: Decodable {
    let pubkey: Hex32
    let createdAt: Int64
    let kind: Int

    init?(_ bytes: [UInt8]) {
        guard JSONNesting.isShallow(bytes), let event = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else {
            return nil
        }
        self = event
    }

    init(from decoder: any Decoder) throws {
        var array = try decoder.unkeyedContainer()
        let zero = try array.decode(Int.self)
        pubkey = try array.decode(Hex32.self)
        createdAt = try array.decode(Int64.self)
        kind = try array.decode(Int.self)
        _ = try array.decode([[String]].self)
        _ = try array.decode(String.self)
        guard zero == 0, array.isAtEnd else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "expected the six members of an event")
            )
        }
    }
}
