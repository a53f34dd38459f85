// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import LightningPrimitives

extension Endpoint {
    /// Baking, checking and revoking macaroons.
    static let macaroons = [
        Endpoint(.post, "/v1/macaroon", "/lnrpc.Lightning/BakeMacaroon", prepare: bake),
        Endpoint(.get, "/v1/macaroon/permissions", "/lnrpc.Lightning/ListPermissions") { _, _, _ in
            .unary { MethodPermissions.json }
        },
        Endpoint(.post, "/v1/macaroon/checkpermissions", "/lnrpc.Lightning/CheckMacaroonPermissions", prepare: check),
        Endpoint(.get, "/v1/macaroon/ids", "/lnrpc.Lightning/ListMacaroonIDs") { node, _, _ in
            .unary {
                let ids = try await node.ledger.read { $0.accounts[node.account].rootKeys.keys.sorted() }
                return ["root_key_ids": .array(ids.map { .text($0) })]
            }
        },
        Endpoint(.delete, "/v1/macaroon/{root_key_id}", "/lnrpc.Lightning/DeleteMacaroonID") {
            (node, arguments, _) throws(RPCError) in
            let id = try arguments.pathNumber("root_key_id")
            return .unary {
                let wasDeleted = try await node.ledger.change { (state) throws(RPCError) in
                    try state.deleteRootKey(id, of: node.account)
                }
                return ["deleted": .bool(wasDeleted)]
            }
        },
    ]

    private static func bake(_ node: Node, _: Arguments, _ body: [UInt8]) throws(RPCError) -> Operation {
        let message = try Message(body, fields: ["permissions", "root_key_id", "allow_external_permissions"])
        let id: UInt64 = try message.integer("root_key_id", "uint64")
        let external = try message.bool("allow_external_permissions")
        let permissions = try message.elements("permissions").map(permission)
        return .unary {
            try allow(permissions, external: external)
            let rootKey = try await node.ledger.change { $0.rootKey(id, of: node.account) }
            let nonce = Array(Preimage.random().bytes.prefix(16))
            let macaroon = MacaroonGuard.bake(permissions, rootKeyID: id, rootKey: rootKey, nonce: nonce)
            return ["macaroon": .string(Hex.encode(macaroon))]
        }
    }

    private static func permission(_ node: JSONNode) -> Permission {
        Permission(node["entity"]?.string ?? "", node["action"]?.string ?? "")
    }

    private static func allow(_ permissions: [Permission], external: Bool) throws(RPCError) {
        let supported =
            "supported actions are [\(Permission.actions.joined(separator: " "))], "
            + "supported entities are [\(Permission.entities.joined(separator: " "))]"
        guard !permissions.isEmpty else {
            throw RPCError(
                "permission list cannot be empty. specify at least one action/entity pair. \(supported)"
            )
        }
        guard !external else { return }
        for permission in permissions {
            guard Permission.entities.contains(permission.entity) else {
                throw RPCError("invalid permission entity. \(supported)")
            }
            let isKnown =
                permission.entity == "uri"
                ? MethodPermissions.table[permission.action] != nil : Permission.actions.contains(permission.action)
            guard isKnown else { throw RPCError("invalid permission action. \(supported)") }
        }
    }

    private static func check(_ node: Node, _: Arguments, _ body: [UInt8]) throws(RPCError) -> Operation {
        let fields: Set<String> = ["macaroon", "permissions", "full_method", "check_default_perms_from_full_method"]
        let message = try Message(body, fields: fields)
        let macaroon = try message.bytes("macaroon") ?? []
        let method = try message.string("full_method")
        let usesTable = try message.bool("check_default_perms_from_full_method")
        let listed = try message.elements("permissions").map(permission)
        return .unary {
            let goesByMethod = listed.isEmpty && (usesTable || !method.isEmpty)
            let permissions = goesByMethod ? MethodPermissions.table[method] ?? [] : listed
            let rootKeys = try await node.ledger.read { $0.accounts[node.account].rootKeys }
            let guardian = MacaroonGuard(rootKeys: rootKeys, now: node.clock.now, peer: nil)
            do throws(RPCError) {
                try guardian.check(macaroon, method: method, permissions: permissions)
            } catch {
                throw RPCError(error.message, code: .invalidArgument)
            }
            return ["valid": true]
        }
    }
}
