// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives
public import Postgres

/// Remembers which of our invoices have been paid, and where following the node's invoices goes on after a restart.
///
/// So a token that was paid for works while the node is down. Only payments make rows: a challenge makes none.
public struct SettledInvoices: Sendable {
    private static let record = Statement(
        "settled_invoices.record",
        """
        INSERT INTO settled_invoices (payment_hash, amount_msat) VALUES ($1, $2) ON CONFLICT (payment_hash) DO NOTHING
        """
    )
    private static let amount = Statement(
        "settled_invoices.amount",
        "SELECT amount_msat FROM settled_invoices WHERE payment_hash = $1"
    )
    private static let cursor = Statement(
        "settled_invoices.cursor",
        "SELECT add_index, settle_index FROM invoice_cursors WHERE node = $1"
    )
    private static let advance = Statement(
        "settled_invoices.advance",
        """
        INSERT INTO invoice_cursors AS c (node, add_index, settle_index) VALUES ($1, $2, $3)
        ON CONFLICT (node) DO UPDATE SET add_index = greatest(c.add_index, excluded.add_index),
               settle_index = greatest(c.settle_index, excluded.settle_index), updated_at = now()
        """
    )

    private let client: PostgresClient

    public init(client: PostgresClient) { self.client = client }

    /// Records what was paid for an invoice; harmless when repeated.
    public func record(_ paymentHash: PaymentHash, paid: MilliSatoshi) async throws(PostgresError) {
        _ = try await client.execute(Self.record, [.bytea(paymentHash.bytes), .int8(paid.msat)])
    }

    /// What was paid for an invoice; `nil` when nothing is known of it.
    public func amountPaid(_ paymentHash: PaymentHash) async throws(PostgresError) -> MilliSatoshi? {
        let rows = try await client.query(Self.amount, [.bytea(paymentHash.bytes)])
        guard let row = rows.first else { return nil }
        return MilliSatoshi(msat: try row.int8(0))
    }

    /// The last add and settle index of a node that were dealt with; `nil` for a node not seen before.
    public func cursor(node: String) async throws(PostgresError) -> (addIndex: UInt64, settleIndex: UInt64)? {
        guard let row = try await client.query(Self.cursor, [.text(node)]).first else { return nil }
        return (UInt64(clamping: try row.int8(0)), UInt64(clamping: try row.int8(1)))
    }

    /// Notes how far a node's invoices were dealt with; never goes back.
    public func advance(node: String, addIndex: UInt64, settleIndex: UInt64) async throws(PostgresError) {
        let indices: [PostgresValue] = [.int8(Int64(clamping: addIndex)), .int8(Int64(clamping: settleIndex))]
        _ = try await client.execute(Self.advance, [.text(node)] + indices)
    }
}
