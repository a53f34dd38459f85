// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CommitReveal
internal import FoundationEssentials
public import KeyShareProtocol
internal import Logging
internal import Migrations
internal import Postgres
public import ShareEnvelopes

extension KeyShareService {
    /// Brings the database to this build's tables, checks the secrets, and makes the node's key if there is none.
    ///
    /// A node whose root secret comes in pieces starts sealed.
    ///
    /// - Parameter isServing: whether the audit is to tell of a start; commands that end say no.
    /// - Throws: `.schema`, `.secret`, `.unavailable`.
    public func prepare(isServing: Bool = true) async throws(KeyShareNodeError) {
        if configuration.writeFormat == .v1, secrets.former == nil {
            throw KeyShareNodeError(
                .secret,
                "KS_WRITE_FORMAT=v1 needs ENCRYPTION_SECRET_PATH, the file of the secret to seal with"
            )
        }
        do throws(MigrationError) {
            _ = try await Migrator.keyshare(client: client, logger: logger).migrate()
        } catch {
            let isNewer = error.code == .unknownMigration
            throw KeyShareNodeError(
                error.code == .storeUnavailable ? .unavailable : .schema,
                isNewer ? "the key share database is of a newer version of this program: \(error)" : "\(error)"
            )
        }
        let (source, root) = try await chooseRoot()
        guard let root else {
            holder.seal(needed: source.threshold)
            logger.notice("the node is sealed", metadata: ["pieces.needed": "\(source.threshold)"])
            return
        }
        try await start(root)
        if isServing { await audit(.nodeStart, subject: nil, outcome: "ok") }
    }

    // MARK: The root secret

    /// Where the database says its root secret comes from.
    private struct RootSource {
        let name: String
        let check: [UInt8]
        let threshold: Int
    }

    private func rootSource() async throws(KeyShareNodeError) -> RootSource? {
        try await asking { () throws(PostgresError) in
            try await client.query(StoreSQL.root).first.map { row throws(PostgresError) in
                RootSource(
                    name: try row.text(0),
                    check: try row.bytea(1),
                    threshold: Int(try row.optionalInt4(2) ?? 0)
                )
            }
        }
    }

    private func chooseRoot() async throws(KeyShareNodeError) -> (RootSource, RootSecret?) {
        var source = try await rootSource()
        if source == nil {
            guard let root = secrets.root ?? secrets.derivedRoot else {
                throw KeyShareNodeError(
                    .secret,
                    "there is no root secret: set KS_ROOT_SECRET_FILE, or run 'assay keyshare init'"
                )
            }
            try await keepRoot(root, source: secrets.root == nil ? "derived" : "file")
            source = try await rootSource()
        }
        guard let source else { throw KeyShareNodeError(.damaged, "the root secret's row has gone") }
        let root = secrets.root ?? (source.name == "derived" ? secrets.derivedRoot : nil)
        if root == nil, source.name != "pieces" {
            throw KeyShareNodeError(
                .secret,
                source.name == "derived"
                    ? "ENCRYPTION_SECRET_PATH is missing, from which this database's keys come"
                    : "KS_ROOT_SECRET_FILE is missing: this database's keys come from it"
            )
        }
        if let root { try Self.require(root, source) }
        return (source, root)
    }

    private static func require(_ root: RootSecret, _ source: RootSource) throws(KeyShareNodeError) {
        guard OpenKeys.checkValue(of: root) == source.check else {
            throw KeyShareNodeError(.secret, "the root secret is not the one that this database was written with")
        }
    }

    private func keepRoot(
        _ root: RootSecret,
        source: String,
        threshold: Int? = nil,
        pieces: Int? = nil
    ) async throws(KeyShareNodeError) {
        try await asking { () throws(PostgresError) in
            _ = try await client.execute(
                StoreSQL.keepRoot,
                [
                    .text(source), .bytea(OpenKeys.checkValue(of: root)),
                    threshold.map { .int4(Int32($0)) } ?? .null, pieces.map { .int4(Int32($0)) } ?? .null,
                ]
            )
        }
    }

    /// Draws a root secret for a new database and splits it; the pieces are nowhere else.
    ///
    /// - Throws: `.refused` when the database has a root secret already.
    public func initialise(pieces: Int, threshold: Int) async throws(KeyShareNodeError) -> [RootPiece] {
        do throws(MigrationError) {
            _ = try await Migrator.keyshare(client: client, logger: logger).migrate()
        } catch { throw KeyShareNodeError(.schema, "\(error)") }
        let root = RootSecret.random()
        let split: [RootPiece]
        do throws(EnvelopeError) { split = try root.split(into: pieces, threshold: threshold) } catch {
            throw KeyShareNodeError(.refused, "\(error)")
        }
        if try await rootSource() == nil {
            try await keepRoot(root, source: "pieces", threshold: threshold, pieces: pieces)
        }
        guard let source = try await rootSource(), source.check == OpenKeys.checkValue(of: root) else {
            throw KeyShareNodeError(.refused, "this database has a root secret already")
        }
        return split
    }

    // MARK: Sealing

    /// Whether the node waits for pieces of its root secret.
    public var isSealed: Bool { holder.keys == nil }

    /// Takes a piece of the root secret, a line that begins with `akspiece1`.
    ///
    /// - Throws: `INVALID_REQUEST` for a damaged piece, or pieces that are not this node's.
    public func unseal(_ line: String) async throws(KeyShareFailure) -> UnsealProgress {
        guard isSealed else { return holder.progress }
        let root: RootSecret?
        do throws(EnvelopeError) { root = try holder.take(try RootPiece(line: line)) } catch {
            throw KeyShareFailure(.invalidRequest, "\(error)")
        }
        guard let root else { return holder.progress }
        do throws(KeyShareNodeError) {
            guard let source = try await rootSource() else {
                throw KeyShareNodeError(.secret, "this database has no root secret yet")
            }
            try Self.require(root, source)
            try await start(root)
        } catch {
            holder.forgetPieces()
            throw KeyShareFailure(error.code == .secret ? .invalidRequest : .unknownError, error.detail)
        }
        await audit(.unseal, subject: nil, outcome: "ok")
        return holder.progress
    }

    /// Forgets the root secret and all keys of this process.
    ///
    /// A node whose root secret is in a file opens again when it is started again.
    public func seal() async throws(KeyShareFailure) {
        await audit(.seal, subject: nil, outcome: "ok")
        let source: RootSource?
        do throws(KeyShareNodeError) { source = try await rootSource() } catch {
            throw KeyShareFailure(.unknownError, error.detail)
        }
        holder.seal(needed: source?.threshold ?? 0)
    }

    // MARK: Start

    /// Opens the node with its root secret.
    private func start(_ root: RootSecret) async throws(KeyShareNodeError) {
        var ring = try await ring(root)
        if ring == nil {
            try await asking { () throws(PostgresError) in _ = try await client.query(StoreSQL.firstEpoch) }
            ring = try await self.ring(root)
        }
        guard let ring else { throw KeyShareNodeError(.damaged, "no epoch of the key-encryption key is active") }
        var nodes = try await nodes(ring)
        if nodes.isEmpty {
            try await addFirstKeypair(ring)
            nodes = try await self.nodes(ring)
        }
        try await probeFormer()
        holder.open(OpenKeys(root: root, ring: ring, nodes: nodes))
    }

    /// Opens shares of format 1, so that a wrong secret is known before a user finds out.
    ///
    /// One that opens is enough: among old rows there may be damaged ones.
    private func probeFormer() async throws(KeyShareNodeError) {
        let rows = try await asking { () throws(PostgresError) in
            try await client.query(StoreSQL.someFormerShares).map { row throws(PostgresError) in try row.bytea(0) }
        }
        guard !rows.isEmpty else { return }
        guard let former = secrets.former else {
            throw KeyShareNodeError(
                .secret,
                "there are shares of format 1: ENCRYPTION_SECRET_PATH has to name the file of their secret"
            )
        }
        let isOpened = rows.contains { bytes in
            (try? OkoEnvelope(String(decoding: bytes, as: UTF8.self)).withOpened(with: former) { _ in }) != nil
        }
        guard isOpened else {
            throw KeyShareNodeError(
                .secret,
                "ENCRYPTION_SECRET_PATH does not open the stored shares; every byte of the file counts, also a newline"
            )
        }
    }

    /// The ring of all epochs that are not retired; `nil` before the first.
    func ring(_ root: RootSecret) async throws(KeyShareNodeError) -> EnvelopeKeyRing? {
        let rows = try await asking { () throws(PostgresError) in
            try await client.query(StoreSQL.epochs).map { row throws(PostgresError) in
                (epoch: UInt32(clamping: try row.int4(0)), isActive: try row.text(1) == "active")
            }
        }
        guard let active = rows.first(where: \.isActive) else { return nil }
        do throws(EnvelopeError) {
            return try EnvelopeKeyRing(
                root: root,
                current: active.epoch,
                earlier: rows.filter { !$0.isActive }.map(\.epoch)
            )
        } catch { throw KeyShareNodeError(.damaged, "\(error)") }
    }

    /// Reads epochs and keypairs anew; what cannot be read stays as it is.
    func readKeys() async {
        guard let keys = holder.keys else { return }
        do throws(KeyShareNodeError) {
            if let ring = try await ring(keys.root) { holder.update { $0.ring = ring } }
            try await readKeypairs()
        } catch {
            guard !Task.isCancelled else { return }
            logger.error("the keys could not be read anew", metadata: ["error": "\(error)"])
        }
    }

    /// Asks the database and tells what failed in words for the operator.
    func asking<Value>(
        _ body: () async throws(PostgresError) -> Value
    ) async throws(KeyShareNodeError) -> Value {
        do throws(PostgresError) { return try await body() } catch {
            throw KeyShareNodeError(.unavailable, "the key share database does not answer: \(error)")
        }
    }
}
