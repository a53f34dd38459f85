// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding

extension Endpoint {
    /// Adding, finding, following and cancelling invoices.
    static let invoices = [
        Endpoint(.post, "/v1/invoices", "/lnrpc.Lightning/AddInvoice", prepare: addInvoice),
        Endpoint(.get, "/v1/invoices", "/lnrpc.Lightning/ListInvoices", prepare: listInvoices),
        Endpoint(.get, "/v1/invoices/subscribe", "/lnrpc.Lightning/SubscribeInvoices", isStream: true) {
            (node, arguments, _) throws(RPCError) in
            let addIndex: UInt64 = try arguments.number("add_index")
            let settleIndex: UInt64 = try arguments.number("settle_index")
            return .stream { try await InvoiceEvents(node: node, addIndex: addIndex, settleIndex: settleIndex) }
        },
        Endpoint(.get, "/v1/invoice/{r_hash_str}", "/lnrpc.Lightning/LookupInvoice") { node, arguments, _ in
            let text = arguments.path["r_hash_str"] ?? ""
            return .unary {
                let hash = try Self.hash(hex: text)
                return try await node.invoice { $0.invoice(hash) }.json()
            }
        },
        Endpoint(.get, "/v2/invoices/lookup", "/invoicesrpc.Invoices/LookupInvoiceV2", prepare: lookUpInvoice),
        Endpoint(
            .get,
            "/v2/invoices/subscribe/{r_hash}",
            "/invoicesrpc.Invoices/SubscribeSingleInvoice",
            isStream: true
        ) { (node, arguments, _) throws(RPCError) in
            let bytes = try arguments.pathBytes("r_hash")
            return .stream {
                guard bytes.count == 32 else {
                    throw RPCError("invalid hash length of \(bytes.count), want 32")
                }
                return try await SingleInvoiceEvents(node: node, hash: HexBytes(bytes))
            }
        },
        Endpoint(.post, "/v2/invoices/cancel", "/invoicesrpc.Invoices/CancelInvoice") {
            (node, _, body) throws(RPCError) in
            let message = try Message(body, fields: ["payment_hash"])
            let hash = try message.bytes("payment_hash") ?? []
            return .unary {
                guard hash.count == 32 else { throw RPCError("invalid hash length of \(hash.count), want 32") }
                try await node.ledger.change { (state) throws(RPCError) in
                    try state.cancelInvoice(HexBytes(hash), account: node.account)
                }
                return [:]
            }
        },
    ]

    private static let invoiceFields: Set<String> = [
        "memo", "r_preimage", "r_hash", "value", "value_msat", "settled", "creation_date", "settle_date",
        "payment_request", "description_hash", "expiry", "fallback_addr", "cltv_expiry", "route_hints", "private",
        "add_index", "settle_index", "amt_paid", "amt_paid_sat", "amt_paid_msat", "state", "htlcs", "features",
        "is_keysend", "payment_addr", "is_amp", "amp_invoice_state", "is_blinded", "blinded_path_config",
    ]

    private static func addInvoice(_ node: Node, _: Arguments, _ body: [UInt8]) throws(RPCError) -> Operation {
        let message = try Message(body, fields: invoiceFields)
        var order = InvoiceOrder()
        order.memo = try message.string("memo")
        order.preimage = try message.bytes("r_preimage")
        order.descriptionHash = try message.bytes("description_hash") ?? []
        order.expirySeconds = try message.integer("expiry", "int64")
        order.cltvExpiry = try message.integer("cltv_expiry", "uint64")
        order.isPrivate = try message.bool("private")
        order.fallbackAddress = try message.string("fallback_addr")
        let sat: Int64 = try message.integer("value", "int64")
        let msat: Int64 = try message.integer("value_msat", "int64")
        let draft = order
        return .unary {
            var order = draft
            order.msat = try amount(sat: sat, msat: msat)
            let final = order
            let invoice = try await node.ledger.change { (state) throws(RPCError) in
                try state.addInvoice(final, account: node.account, now: node.clock.now)
            }
            return [
                "r_hash": .string(invoice.hash.base64),
                "payment_request": .string(invoice.paymentRequest),
                "add_index": .text(invoice.addIndex),
                "payment_addr": .string(invoice.paymentAddress.base64),
            ]
        }
    }

    /// An amount given in either unit; too many satoshis overflow silently, as they do in LND.
    static func amount(sat: Int64, msat: Int64) throws(RPCError) -> Int64 {
        guard sat == 0 || msat == 0 else { throw RPCError("sat and msat arguments are mutually exclusive") }
        guard sat >= 0, msat >= 0 else { throw RPCError("amount cannot be negative") }
        return msat == 0 ? sat &* 1000 : msat
    }

    static func hash(hex: String) throws(RPCError) -> HexBytes {
        guard let bytes = Hex.decode(hex) else { throw GoHex.error(hex) }
        guard bytes.count == 32 else {
            throw RPCError("payment hash must be exactly 32 bytes, is instead \(bytes.count)")
        }
        return HexBytes(bytes)
    }

    private static func lookUpInvoice(_ node: Node, _ arguments: Arguments, _: [UInt8]) throws(RPCError) -> Operation {
        let hash = try arguments.bytes("payment_hash")
        let address = try arguments.bytes("payment_addr")
        let modifier = arguments.text("lookup_modifier")
        let withHTLCs = modifier != "HTLC_SET_BLANK" && modifier != "2"
        return .unary {
            guard let bytes = hash ?? address else {
                throw RPCError("invoice reference must be set", code: .invalidArgument)
            }
            guard bytes.count == 32 else {
                let reason = "invalid hash length of \(bytes.count), want 32"
                throw RPCError("unable to parse pay hash: \(reason)", code: .invalidArgument)
            }
            let invoice = try await node.invoice { account in
                hash == nil ? account.invoice(paymentAddress: HexBytes(bytes)) : account.invoice(HexBytes(bytes))
            }
            return invoice.json(withHTLCs: withHTLCs)
        }
    }

    private static func listInvoices(_ node: Node, _ arguments: Arguments, _: [UInt8]) throws(RPCError) -> Operation {
        let page = InvoicePage(
            offset: try arguments.number("index_offset"),
            limit: try arguments.number("num_max_invoices"),
            isReversed: try arguments.bool("reversed"),
            isPendingOnly: try arguments.bool("pending_only"),
            from: try arguments.number("creation_date_start"),
            to: try arguments.number("creation_date_end")
        )
        return .unary {
            let invoices = try await node.ledger.read { page.select(from: $0.accounts[node.account].invoices) }
            return [
                "invoices": .array(invoices.map { $0.json() }),
                "last_index_offset": .text(invoices.last?.addIndex ?? 0),
                "first_index_offset": .text(invoices.first?.addIndex ?? 0),
            ]
        }
    }
}

/// A page of the list of invoices, in ascending order whichever way it is turned.
struct InvoicePage: Sendable {
    private static let defaultLimit = 100

    let offset: UInt64
    let limit: Int
    let isReversed: Bool
    let isPendingOnly: Bool
    /// Unix seconds; 0 for no bound.
    let from: Int64
    let to: Int64

    func select(from invoices: [Invoice]) -> [Invoice] {
        let limit = limit <= 0 ? Self.defaultLimit : limit
        let fitting = invoices.lazy.filter { invoice in
            (!isPendingOnly || invoice.state == .open)
                && (from == 0 || invoice.creationDate >= from)
                && (to == 0 || invoice.creationDate <= to)
                && (isReversed ? offset == 0 || invoice.addIndex < offset : invoice.addIndex > offset)
        }
        return isReversed ? Array(Array(fitting).suffix(limit)) : Array(fitting.prefix(limit))
    }
}

extension Node {
    /// Finds an invoice of the account.
    func invoice(_ find: @escaping @Sendable (Account) -> Invoice?) async throws -> Invoice {
        try await ledger.read { (state) throws(RPCError) in
            guard let invoice = find(state.accounts[account]) else { throw RPCError.invoiceNotFound }
            return invoice
        }
    }
}
