// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import LightningPrimitives

extension Endpoint {
    /// The network around the node.
    static let graph = [
        Endpoint(.get, "/v1/graph", "/lnrpc.Lightning/DescribeGraph") { (node, arguments, _) throws(RPCError) in
            _ = try arguments.bool("include_unannounced")
            _ = try arguments.bool("include_auth_proof")
            return .document { try node.graph.open() }
        },
        Endpoint(.get, "/v1/graph/subscribe", "/lnrpc.Lightning/SubscribeChannelGraph", isStream: true) { node, _, _ in
            .stream { GraphEvents(node.graph.feed) }
        },
        // The sandbox's own call: what LND hears from its peers, the sandbox hears from a developer.
        Endpoint(.post, "/sandbox/graph/updates", "/sandbox.Graph/Update") { (node, _, body) throws(RPCError) in
            let change = try GraphChange(body)
            return .unary {
                try await node.graph.change(change)
                return [:]
            }
        },
        Endpoint(.get, "/v1/graph/info", "/lnrpc.Lightning/GetNetworkInfo") { node, _, _ in
            .unary { try await node.graph.search { GraphStatistics($0.index).json } }
        },
        Endpoint(.get, "/v1/graph/node/{pub_key}", "/lnrpc.Lightning/GetNodeInfo") {
            (node, arguments, _) throws(RPCError) in
            let text = arguments.path["pub_key"] ?? ""
            let withChannels = try arguments.bool("include_channels")
            return .unary {
                let key = try publicKey(text)
                return try await node.graph.search { try $0.node(key, withChannels: withChannels) }
            }
        },
        Endpoint(.get, "/v1/graph/edge/{chan_id}", "/lnrpc.Lightning/GetChanInfo") {
            (node, arguments, _) throws(RPCError) in
            let id = try arguments.pathNumber("chan_id")
            return .unary { try await node.graph.search { try $0.edge(id) } }
        },
        Endpoint(.get, "/v1/graph/routes/{pub_key}/{amt}", "/lnrpc.Lightning/QueryRoutes", prepare: queryRoutes),
    ]

    private static func publicKey(_ text: String) throws(RPCError) -> NodeID {
        guard text.utf8.count == 66 else {
            throw RPCError("invalid vertex string length of \(text.utf8.count), want 66")
        }
        guard let bytes = Hex.decode(text) else { throw GoHex.error(text) }
        guard let key = NodeID(bytes) else { throw RPCError("invalid public key") }
        return key
    }

    private static func queryRoutes(_ node: Node, _ arguments: Arguments, _: [UInt8]) throws(RPCError) -> Operation {
        let target = arguments.path["pub_key"] ?? ""
        guard let sat = Int64(arguments.path["amt"] ?? "") else {
            let reason = "strconv.ParseInt: parsing \"\(arguments.path["amt"] ?? "")\": invalid syntax"
            throw RPCError("type mismatch, parameter: amt, error: \(reason)", code: .invalidArgument)
        }
        let msat: Int64 = try arguments.number("amt_msat")
        let source = arguments.text("source_pub_key")
        let finalDelta: Int32 = try arguments.number("final_cltv_delta")
        let limit = FeeLimit(
            sat: try arguments.number("fee_limit.fixed"),
            msat: try arguments.number("fee_limit.fixed_msat"),
            percent: try arguments.number("fee_limit.percent")
        )
        let usesMissionControl = try arguments.bool("use_mission_control")
        let ignored = (arguments.query["ignored_nodes"] ?? []).compactMap { Arguments.paddedBase64($0) }
        return .unary {
            let msat = try amount(sat: sat, msat: msat)
            guard msat > 0 else { throw RPCError("amount must be greater than 0") }
            var query = RouteQuery(target: try publicKey(target), msat: msat)
            query.source = source.isEmpty ? nil : try publicKey(source)
            query.feeLimitMsat = limit.msat(for: msat)
            query.finalDelta = finalDelta > 0 ? Int(finalDelta) : query.finalDelta
            query.ignoredNodes = Set(ignored.compactMap { NodeID($0) })
            query.usesMissionControl = usesMissionControl
            return try await node.routes(query)
        }
    }
}

/// The greatest fee of a route, in one of three forms.
struct FeeLimit: Sendable {
    let sat: Int64
    let msat: Int64
    let percent: Int64

    /// Without any form there is no limit.
    func msat(for amount: Int64) -> Int64 {
        if msat > 0 { return msat }
        if sat > 0 { return sat &* 1000 }
        return percent > 0 ? amount / 100 &* percent : .max
    }
}

extension Node {
    /// The answer to a query for routes: one route, or an error.
    func routes(_ query: RouteQuery) async throws -> JSON {
        let own = try await ledger.read { $0.accounts[account] }
        let isOwn = query.source == nil || query.source == own.identity
        guard !isOwn || query.msat <= own.msat else { throw RPCError("insufficient local balance") }
        guard let found = try await route(query) else { throw RPCError("unable to find a path to destination") }
        return ["routes": [found.route.json(isSent: false)], "success_prob": .double(found.probability)]
    }

    /// A route from the account or another node; `nil` when there is none.
    func route(_ query: RouteQuery) async throws -> GraphIndex.Found? {
        let (own, neighbour) = try await ledger.read { state in
            (state.accounts[account].identity, state.accounts.firstIndex { $0.identity == query.target })
        }
        let isOwn = query.source == nil || query.source == own
        if isOwn, let neighbour, neighbour != account { return direct(query, to: neighbour) }
        let hubChannel = LedgerState.channelID(account, 255)
        return try await graph.search { $0.index.route(query, account: own, hubChannel: hubChannel) }
    }

    private func direct(_ query: RouteQuery, to neighbour: Int) -> GraphIndex.Found {
        let expiry = NodeFacts.blockHeight + query.finalDelta
        let hop = RouteHop(
            channelID: LedgerState.channelID(account, neighbour),
            destination: query.target.hex,
            forwardMsat: query.msat,
            feeMsat: 0,
            expiry: expiry,
            paymentAddress: nil
        )
        return GraphIndex.Found(route: Route(hops: [hop], totalTimeLock: expiry), probability: 1)
    }
}

extension Graph.Loaded {
    /// A node's record, with its channels' if they are asked for.
    func node(_ key: NodeID, withChannels: Bool) throws -> JSON {
        guard let vertex = index.vertexOf[key] else { throw RPCError("unable to find node", code: .notFound) }
        let channels = index.vertices[vertex].channels.map { index.channels[Int($0)] }
        return [
            "node": try record(of: index.vertices[vertex]),
            "num_channels": .integer(channels.count),
            "total_capacity": .text(index.capacity(of: vertex)),
            "channels": .array(withChannels ? try channels.map { .raw(try records.read($0.place)) } : []),
        ]
    }

    /// A channel's record.
    func edge(_ id: UInt64) throws -> JSON {
        guard let channel = index.channelOf[id] else { throw RPCError("edge not found", code: .notFound) }
        return .raw(try records.read(index.channels[channel].place))
    }

    /// What LND says of a node that is known only from its channels has no name and no time.
    private func record(of vertex: GraphIndex.Vertex) throws -> JSON {
        if let place = vertex.place { return .raw(try records.read(place)) }
        return [
            "last_update": 0,
            "pub_key": .string(vertex.id.hex),
            "alias": "",
            "addresses": [],
            "color": "#000000",
            "features": [:],
            "custom_records": [:],
        ]
    }
}
