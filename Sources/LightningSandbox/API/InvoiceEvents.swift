// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// All invoices of an account: a replay behind the given indexes, then added and settled ones as they come.
actor InvoiceEvents: EventSource {
    private let node: Node
    private let rings: AsyncStream<Void>
    private let endRings: @Sendable () -> Void
    private var pending: [JSON] = []
    private var addIndex: UInt64
    private var settleIndex: UInt64

    /// - Parameters:
    ///   - addIndex: invoices added behind this index come first, in their present state; 0 replays none.
    ///   - settleIndex: then those settled behind this one; 0 replays none.
    init(node: Node, addIndex: UInt64, settleIndex: UInt64) async throws {
        self.node = node
        (rings, endRings) = node.ledger.bell.listen()
        let replay = try await node.ledger.read { state in
            let account = state.accounts[node.account]
            let added = addIndex == 0 ? [] : account.invoices.filter { $0.addIndex > addIndex }
            let settled = settleIndex == 0 ? [] : account.invoicesSettled(after: settleIndex)
            return (added + settled, UInt64(account.invoices.count), UInt64(account.settled.count))
        }
        pending = replay.0.reversed().map { $0.json() }
        self.addIndex = replay.1
        self.settleIndex = replay.2
    }

    func next() async throws -> JSON? {
        while true {
            if let event = pending.popLast() { return event }
            guard await rings.nextRing() else { return nil }
            try await look()
        }
    }

    nonisolated func end() { endRings() }

    /// Takes what has happened since the last look.
    private func look() async throws {
        let (node, addIndex, settleIndex) = (node, addIndex, settleIndex)
        let news = try await node.ledger.read { state in
            let account = state.accounts[node.account]
            let added = account.invoices.dropFirst(Int(addIndex)).map(\.asAdded)
            return (Array(added), account.invoicesSettled(after: settleIndex))
        }
        self.addIndex += UInt64(news.0.count)
        self.settleIndex += UInt64(news.1.count)
        pending = (news.0 + news.1).reversed().map { $0.json() }
    }
}

/// One invoice: its present state, then each change, until it is settled or canceled.
actor SingleInvoiceEvents: EventSource {
    private let node: Node
    private let hash: HexBytes
    private let rings: AsyncStream<Void>
    private let endRings: @Sendable () -> Void
    private var lastState: Invoice.State?

    init(node: Node, hash: HexBytes) async throws {
        self.node = node
        self.hash = hash
        (rings, endRings) = node.ledger.bell.listen()
        _ = try await Self.invoice(hash, node)
    }

    func next() async throws -> JSON? {
        while lastState == nil || lastState == .open {
            let invoice = try await Self.invoice(hash, node)
            if invoice.state != lastState {
                lastState = invoice.state
                return invoice.json()
            }
            guard await rings.nextRing() else { return nil }
        }
        return nil
    }

    nonisolated func end() { endRings() }

    private static func invoice(_ hash: HexBytes, _ node: Node) async throws -> Invoice {
        try await node.ledger.read { (state) throws(RPCError) in
            guard let invoice = state.accounts[node.account].invoice(hash) else { throw RPCError.invoiceNotFound }
            return invoice
        }
    }
}

extension AsyncStream<Void> {
    /// Waits for a ring; false at the end of the stream or when the task is cancelled.
    func nextRing() async -> Bool {
        for await _ in self { return true }
        return false
    }
}

extension Account {
    /// Settled invoices in the order of their settlement.
    func invoicesSettled(after index: UInt64) -> [Invoice] {
        guard index < UInt64(settled.count) else { return [] }
        return settled[Int(index)...].map { invoices[$0] }
    }
}
