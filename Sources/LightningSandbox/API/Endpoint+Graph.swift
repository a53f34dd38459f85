// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives

extension Endpoint {
    /// The network around the node.
    static let graph = [
        Endpoint(.get, "/v1/graph", "/lnrpc.Lightning/DescribeGraph") { (node, arguments, _) throws(RPCError) in
            _ = try arguments.bool("include_unannounced")
            return .document { try node.graph.open() }
        },
        Endpoint(.get, "/v1/graph/subscribe", "/lnrpc.Lightning/SubscribeChannelGraph", isStream: true) { node, _, _ in
            .stream { QuietEvents(bell: node.ledger.bell) }
        },
    ]
}
