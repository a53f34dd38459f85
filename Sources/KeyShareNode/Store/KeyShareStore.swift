// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CommitReveal
internal import FoundationEssentials
internal import KeyShareProtocol
internal import KeyShares
internal import Logging
internal import Postgres
internal import ShareEnvelopes

/// A share's row, as calls read it.
struct ShareRow: Sendable {
    let publicKey: WalletPublicKey
    let shareID: UUID
    let walletID: UUID
    /// As it is stored.
    let stored: [UInt8]
    let format: Int16
    let epoch: Int32
    let verifyingShare: [UInt8]?
    let commitments: ShareCommitments?
    /// Who may be its owner: the one who has logged in, or whom the database names.
    private(set) var owners: [ShareOwner]
    private var isLoggedIn = false

    /// - Parameter owners: the column of the owners' names, where nobody has logged in.
    init(_ row: Row, owners: Int? = nil) throws {
        self.owners = try owners.map { try row.byteaArray($0).map(ShareOwner.init(name:)) } ?? []
        guard let curve = ShareCurve(rawValue: try row.text(0)), let shareID = UUID(uuidString: try row.text(2)),
            let walletID = UUID(uuidString: try row.text(3))
        else { throw PostgresError(.malformed, "a wallet's row is of no known curve") }
        publicKey = try WalletPublicKey(curve, row.bytea(1))
        self.shareID = shareID
        self.walletID = walletID
        stored = try row.bytea(4)
        format = try row.int2(5)
        epoch = try row.int4(6)
        verifyingShare = try row.optionalBytea(7)
        commitments = try row.optionalByteaArray(8).map { try ShareCommitments(curve, points: $0) }
    }

    var curve: ShareCurve { publicKey.curve }

    /// The same row as it is to whoever has logged in.
    func belonging(to owner: ShareOwner) -> Self {
        var row = self
        row.owners = [owner]
        row.isLoggedIn = true
        return row
    }

    /// The rows that the share's envelope may be bound to.
    ///
    /// Those from before there were owners are bound to none.
    var openingRows: [EnvelopeRow] { owners.map { $0.bind(envelopeRow, epoch: epoch) } + [envelopeRow] }

    /// The row that an envelope is bound to when it is made anew.
    func sealingRow(epoch: Int32) -> EnvelopeRow {
        guard let owner = owners.first, owners.count == 1, isLoggedIn || owner.isLasting else { return envelopeRow }
        return owner.bind(envelopeRow, epoch: epoch)
    }

    /// What the share's envelope is bound to besides its owner.
    private var envelopeRow: EnvelopeRow {
        EnvelopeRow(shareID: shareID, walletID: walletID, curve: curve, publicKey: publicKey.bytes)
    }

    /// The share's id as it is sent.
    var id: String { shareID.uuidString.lowercased() }
}

/// Why the store did not do something.
enum StoreRefusal: Error {
    case failure(KeyShareFailure)
    /// The epoch that the rows were sealed in is gone: read the epochs, seal anew.
    case staleEpoch
    /// A share was changed since it was read: read it anew.
    case changed
}

/// Sends the statements of calls and reads what they refuse.
struct KeyShareStore: Sendable {
    let client: PostgresClient
    let logger: Logger

    /// Attempts of a statement that others cross, or whose connection was lost before it had an effect.
    private static let attempts = 4
    /// No attempt begins later: callers wait, and a statement has its own deadline.
    private static let patience: Duration = .seconds(3)

    /// Runs a call's statement.
    ///
    /// - Parameter namesCurve: whether refusals name the curve, as from version 2 on.
    func query(
        _ statement: Statement,
        _ values: [PostgresValue],
        namesCurve: Bool = true
    ) async throws(StoreRefusal) -> [Row] {
        var attempt = 1
        let start = ContinuousClock.now
        while true {
            do throws(PostgresError) {
                return try await client.query(statement, values)
            } catch {
                if let refusal = Self.refusal(error, namesCurve) { throw refusal }
                // Another's row was made in the same moment, or its user has gone.
                let isCrossed = error.sqlState == "23505" || error.sqlState == "23503"
                guard attempt < Self.attempts, error.isRetryable || isCrossed, .now - start < Self.patience else {
                    throw .failure(unexpected(error))
                }
                attempt += 1
            }
        }
    }

    /// A failure that says nothing of what went wrong inside; the log does.
    func unexpected(_ error: any Error) -> KeyShareFailure {
        logger.error("a call could not be served", metadata: ["error": "\(error)"])
        return KeyShareFailure(.unknownError, "Something went wrong here: try again later.")
    }

    /// Reads rows of shares of somebody who has logged in.
    func shares(_ rows: [Row], of owner: ShareOwner) throws(StoreRefusal) -> [ShareRow] {
        do { return try rows.map { try ShareRow($0).belonging(to: owner) } } catch { throw .failure(unexpected(error)) }
    }

    /// See the head of `0002_calls.sql`.
    private static func refusal(_ error: PostgresError, _ namesCurve: Bool) -> StoreRefusal? {
        let curve = ShareCurve(rawValue: error.detail)
        let place = namesCurve ? curve.map { " for curve_type: \($0.rawValue)" } ?? "" : ""
        let (code, text): (KeyShareFailureCode, String)
        switch error.sqlState {
        case "KS001": (code, text) = (.userNotFound, "User not found")
        case "KS002": (code, text) = (.walletNotFound, "Wallet not found\(place)")
        case "KS003": (code, text) = (.unauthorized, "Unauthorized\(place)")
        case "KS004": (code, text) = (.keyShareNotFound, "Key share not found\(place)")
        case "KS005": (code, text) = (.duplicatePublicKey, "Duplicate public key\(place)")
        case "KS006": return .failure(KeyShareFailure(tooManyWithin: 3600))
        case "KS007": return .failure(KeyShareFailure(CommitRevealFailure.repeated))
        case "KS008": return .failure(KeyShareFailure(CommitRevealFailure.notCommitted))
        case "KS009": return .staleEpoch
        case "KS010": (code, text) = (.epochConflict, "the share is of another epoch: fetch it again and start over")
        case "KS011": (code, text) = (.unauthorized, "the passkey is known with another public key")
        case "KS012": (code, text) = (.epochConflict, "there is no such refresh: it has passed or was decided")
        case "KS013": return .failure(KeyShareFailure(CommitRevealFailure.sessionExists))
        case "KS014": return .changed
        default: return nil
        }
        return .failure(KeyShareFailure(code, text))
    }
}
