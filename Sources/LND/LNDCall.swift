// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import NIOHTTP1

/// What the client needs to know of a call besides its arguments.
struct LNDCall: Sendable {
    /// Calls that share a breaker, because they fail together.
    enum Purpose: String, Sendable, CaseIterable {
        case state, graph, routes, invoices, payments
    }

    /// The name in metrics and logs: a closed set.
    let name: String
    let method: HTTPMethod
    let purpose: Purpose
    /// Whether 404 means that a thing does not exist, rather than the call.
    var mayBeNotFound = false
    /// Whether the call needs no macaroon.
    var isOpen: Bool { name == "state" }

    static let state = LNDCall(name: "state", method: .GET, purpose: .state)
    static let getInfo = LNDCall(name: "getinfo", method: .GET, purpose: .state)
    static let addInvoice = LNDCall(name: "add_invoice", method: .POST, purpose: .invoices)
    static let lookupInvoice = LNDCall(name: "lookup_invoice", method: .GET, purpose: .invoices, mayBeNotFound: true)
    static let cancelInvoice = LNDCall(name: "cancel_invoice", method: .POST, purpose: .invoices, mayBeNotFound: true)
    static let subscribeInvoices = LNDCall(name: "subscribe_invoices", method: .GET, purpose: .invoices)
    static let subscribeInvoice = LNDCall(
        name: "subscribe_invoice",
        method: .GET,
        purpose: .invoices,
        mayBeNotFound: true
    )
    static let graph = LNDCall(name: "graph", method: .GET, purpose: .graph)
    static let node = LNDCall(name: "node", method: .GET, purpose: .graph, mayBeNotFound: true)
    static let queryRoutes = LNDCall(name: "query_routes", method: .GET, purpose: .routes, mayBeNotFound: true)
    static let subscribeGraph = LNDCall(name: "subscribe_graph", method: .GET, purpose: .graph)
    static let networkInfo = LNDCall(name: "network_info", method: .GET, purpose: .graph)
    static let sendToRoute = LNDCall(name: "send_to_route", method: .POST, purpose: .payments)
    static let missionControl = LNDCall(name: "mission_control", method: .GET, purpose: .routes)
    static let estimateFee = LNDCall(name: "estimate_fee", method: .POST, purpose: .routes)
    static let pay = LNDCall(name: "pay", method: .POST, purpose: .payments)
    static let trackPayment = LNDCall(name: "track_payment", method: .GET, purpose: .payments, mayBeNotFound: true)
}
