// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Secp256k1

/// What a participant of a distributed key generation tells all others first.
public struct KeyGenerationAnnouncement: Sendable, Hashable {
    public let sender: Identifier
    public let commitment: SharingCommitment
    /// A signature with the polynomial's constant, so that nobody can announce a key made from the others' keys.
    ///
    /// 65 bytes, or 64 bytes in the Taproot suite.
    public let proof: [UInt8]

    public init(sender: Identifier, commitment: SharingCommitment, proof: [UInt8]) {
        self.sender = sender
        self.commitment = commitment
        self.proof = proof
    }

    init(sender: Identifier, polynomial: Polynomial, suite: Ciphersuite) throws(FROSTError) {
        guard let commitment = polynomial.commitment, let key = commitment.constant else { throw .zeroKey }
        var secret = Scalar.random()
        guard var nonce = secret.point else { throw .zeroKey }
        if suite == .taproot, !nonce.hasEvenY {
            secret = -secret
            nonce = -nonce
        }
        let challenge = Self.challenge(sender: sender, key: key, nonce: nonce, suite: suite)
        let answer = secret + polynomial.coefficients[0] * challenge
        let encoded = suite == .taproot ? nonce.xOnly : nonce.compressed
        self.init(sender: sender, commitment: commitment, proof: encoded + answer.rawBytes)
    }

    /// Whether the sender knows the constant of the polynomial that it committed to.
    func isProven(suite: Ciphersuite) -> Bool {
        let size = suite == .taproot ? 32 : 33
        guard let key = commitment.constant, proof.count == size + 32,
            let nonce = size == 32 ? Point(evenWithX: proof.prefix(size)) : Point(proof.prefix(size)),
            let answer = Scalar(proof.dropFirst(size))
        else { return false }
        let challenge = Self.challenge(sender: sender, key: key, nonce: nonce, suite: suite)
        return answer.point == Point.sum([nonce, key.multiplied(byPublic: challenge)])
    }

    private static func challenge(sender: Identifier, key: Point, nonce: Point, suite: Ciphersuite) -> Scalar {
        suite.hash.keyGeneration(sender.bytes + key.compressed + nonce.compressed)
    }

    static func transcriptHash(of announcements: [Self]) -> [UInt8] { sha256(announcements.flatMap(\.transcript)) }

    private var transcript: [UInt8] {
        let points = ([commitment.constant] + commitment.rest.map(Optional.some)).compactMap { $0?.compressed }
        return sender.bytes + bigEndian(UInt32(points.count)) + points.flatMap { $0 } + proof
    }
}

/// A participant that has announced its polynomial (SimplPedPoP, first round).
///
/// It can go on once, with one set of announcements: answering two would let others combine the answers.
public struct KeyGeneration: ~Copyable, Sendable {
    public let announcement: KeyGenerationAnnouncement
    public let participants: [Identifier]
    public let suite: Ciphersuite
    private let polynomial: Polynomial

    /// Draws a polynomial.
    ///
    /// - Parameters:
    ///   - identifier: who this participant is, one of `participants`.
    ///   - threshold: how many shall be needed to sign, 1 to the number of participants.
    public static func begin(
        identifier: Identifier,
        threshold: Int,
        participants: [Identifier],
        suite: Ciphersuite
    ) throws(FROSTError) -> KeyGeneration {
        try ThresholdGroup.require(threshold: threshold, participants: participants.count)
        let polynomial = Polynomial(constant: .random(), threshold: threshold)
        return try begin(identifier: identifier, polynomial: polynomial, participants: participants, suite: suite)
    }

    static func begin(
        identifier: Identifier,
        polynomial: Polynomial,
        participants: [Identifier],
        suite: Ciphersuite
    ) throws(FROSTError) -> KeyGeneration {
        try requireDistinct(participants)
        guard participants.contains(identifier) else { throw .unknownIdentifier(identifier) }
        let announcement = try KeyGenerationAnnouncement(sender: identifier, polynomial: polynomial, suite: suite)
        return KeyGeneration(
            announcement: announcement,
            participants: participants.sorted(),
            suite: suite,
            polynomial: polynomial
        )
    }

    private init(
        announcement: KeyGenerationAnnouncement,
        participants: [Identifier],
        suite: Ciphersuite,
        polynomial: Polynomial
    ) {
        self.announcement = announcement
        self.participants = participants
        self.suite = suite
        self.polynomial = polynomial
    }

    /// Takes the announcements of all participants, its own among them, and checks each proof.
    public consuming func receive(
        _ announcements: [KeyGenerationAnnouncement]
    ) throws(FROSTError) -> KeyGenerationShares {
        try requireDistinct(announcements.map(\.sender))
        for other in announcements {
            guard participants.contains(other.sender) else { throw .unknownIdentifier(other.sender) }
            guard other.commitment.threshold == announcement.commitment.threshold else {
                throw .invalidCommitment(other.sender)
            }
            guard other.isProven(suite: suite) else { throw .invalidProof(other.sender) }
        }
        for participant in participants where !announcements.contains(where: { $0.sender == participant }) {
            throw .missingIdentifier(participant)
        }
        guard announcements.contains(announcement) else { throw .invalidCommitment(announcement.sender) }
        var shares: [Identifier: Scalar] = [:]
        for participant in participants { shares[participant] = polynomial.value(at: participant) }
        return KeyGenerationShares(
            identifier: announcement.sender,
            announcements: announcements.sorted { $0.sender < $1.sender },
            suite: suite,
            own: shares.removeValue(forKey: announcement.sender) ?? .zero,
            outgoing: shares
        )
    }
}

/// A participant that knows all announcements (SimplPedPoP, second round).
public struct KeyGenerationShares: ~Copyable, Sendable {
    public let identifier: Identifier
    let announcements: [KeyGenerationAnnouncement]
    let suite: Ciphersuite
    let own: Scalar
    /// What to send to each other participant, over a channel that only the two can read.
    public let outgoing: [Identifier: Scalar]

    /// A hash of all announcements.
    ///
    /// All participants must compare it, over channels they trust, before they use the key: whoever told them different
    /// things has split the group.
    public var transcriptHash: [UInt8] { KeyGenerationAnnouncement.transcriptHash(of: announcements) }

    /// Takes the shares that the others sent and makes the key.
    ///
    /// - Throws: ``FROSTError/invalidShare(_:)`` with the sender whose share does not fit its announcement.
    public consuming func finish(
        _ received: [Identifier: Scalar]
    ) throws(FROSTError) -> (share: KeyShare, group: ThresholdGroup) {
        var secret = own
        for announcement in announcements where announcement.sender != identifier {
            guard let share = received[announcement.sender] else { throw .missingIdentifier(announcement.sender) }
            guard announcement.commitment.matches(share, of: identifier) else {
                throw .invalidShare(announcement.sender)
            }
            secret = secret + share
        }
        guard let commitment = SharingCommitment.sum(announcements.map(\.commitment)) else { throw .zeroKey }
        let group = try ThresholdGroup(commitment, participants: announcements.map(\.sender))
        let share = try KeyShare(identifier: identifier, secret: secret)
        try group.requireOwn(share)
        // Nobody may have hidden a script in a key that all made together (BIP 341).
        return suite == .taproot
            ? (try share.taprootTweaked(of: group), try group.taprootTweaked()) : (share, group)
    }
}

extension ThresholdGroup {
    /// The group that a commitment makes with these participants.
    public init(_ commitment: SharingCommitment, participants: [Identifier]) throws(FROSTError) {
        try Self.require(threshold: commitment.threshold, participants: participants.count)
        try requireDistinct(participants)
        guard let key = commitment.constant else { throw .zeroKey }
        var publicShares: [Identifier: Point] = [:]
        for participant in participants {
            guard let share = commitment.publicShare(of: participant) else { throw .zeroKey }
            publicShares[participant] = share
        }
        self.init(unchecked: commitment.threshold, key: key, publicShares: publicShares)
    }
}
