// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import IPAddresses
import Macaroons
import Testing

@testable import LightningSandbox

@Suite("The macaroons of the sandbox")
struct PermissionTests {
    /// A call that changes nothing, and the roles that may make it.
    private static let matrix: [(method: String, path: String, body: String?, roles: Set<MacaroonRole>)] = [
        ("GET", "/v1/getinfo", nil, [.admin, .invoice, .readonly, .pay]),
        ("POST", "/v1/invoices", #"{"value":"1"}"#, [.admin, .invoice]),
        ("GET", "/v1/invoices", nil, [.admin, .invoice, .readonly]),
        ("GET", "/v1/invoice/00", nil, [.admin, .invoice, .readonly]),
        ("GET", "/v2/invoices/lookup", nil, [.admin, .invoice]),
        ("GET", "/v2/invoices/subscribe/AAAA", nil, [.admin, .invoice, .readonly]),
        ("POST", "/v2/invoices/cancel", "{}", [.admin, .invoice]),
        ("GET", "/v1/payreq/lnbcrt1", nil, [.admin, .readonly, .pay]),
        ("POST", "/v2/router/send", "{}", [.admin, .pay]),
        ("GET", "/v2/router/track/AAAA", nil, [.admin, .readonly, .pay]),
        ("GET", "/v1/payments", nil, [.admin, .readonly, .pay]),
        ("GET", "/v1/graph", nil, [.admin, .invoice, .readonly, .pay]),
        ("GET", "/v1/graph/info", nil, [.admin, .invoice, .readonly, .pay]),
        ("GET", "/v1/graph/node/00", nil, [.admin, .invoice, .readonly, .pay]),
        ("GET", "/v1/graph/edge/1", nil, [.admin, .invoice, .readonly, .pay]),
        ("GET", "/v1/graph/routes/00/1", nil, [.admin, .invoice, .readonly, .pay]),
        ("GET", "/v1/channels", nil, [.admin, .readonly, .pay]),
        ("GET", "/v1/balance/channels", nil, [.admin, .readonly, .pay]),
        ("POST", "/v1/macaroon", "{}", [.admin]),
        ("GET", "/v1/macaroon/ids", nil, [.admin, .readonly]),
        ("DELETE", "/v1/macaroon/77", nil, [.admin]),
        ("GET", "/v1/macaroon/permissions", nil, [.admin, .invoice, .readonly, .pay]),
        ("POST", "/v1/macaroon/checkpermissions", "{}", [.admin, .readonly]),
    ]

    @Test("each role may make its own calls and no others")
    func roles() async throws {
        try await withSandbox { nodes in
            let node = try #require(nodes["merchant"])
            for entry in Self.matrix {
                for role in MacaroonRole.allCases {
                    let macaroon = try node.macaroon(role)
                    let body = entry.body.map { Data($0.utf8) }
                    let answer = try await node.call(entry.method, entry.path, macaroon: macaroon, raw: body)
                    let error = answer.object["error"] as? [String: Any] ?? answer.object
                    let isDenied = error["message"] as? String == "permission denied"
                    #expect(isDenied == !entry.roles.contains(role), "\(role) \(entry.method) \(entry.path)")
                }
            }
        }
    }

    @Test("every call has a permission, but for the wallet's state")
    func table() {
        let unguarded = Endpoint.all.filter { MethodPermissions.needed($0.name).isEmpty }.map(\.name)
        #expect(Set(unguarded) == ["/lnrpc.State/GetState", "/lnrpc.State/SubscribeState"])
        #expect(MethodPermissions.table.count == 162)
    }

    @Test("a macaroon for one call by its name admits that call only")
    func uri() async throws {
        try await withSandbox { nodes in
            let node = try #require(nodes["merchant"])
            let permissions = [["entity": "uri", "action": "/lnrpc.Lightning/GetInfo"]]
            let baked = try await node.admin("POST", "/v1/macaroon", body: ["permissions": permissions])
            let macaroon = try #require(baked.object["macaroon"] as? String)
            #expect(try await node.call("GET", "/v1/getinfo", macaroon: macaroon).status == 200)
            #expect(try await node.call("GET", "/v1/channels", macaroon: macaroon).message == "permission denied")
        }
    }

    @Test("a deleted root key takes its macaroons with it, and the others stay")
    func revocation() async throws {
        try await withSandbox { nodes in
            let node = try #require(nodes["merchant"])
            let permissions = [["entity": "info", "action": "read"]]
            let order: [String: Any] = ["permissions": permissions, "root_key_id": "7"]
            let baked = try await node.admin("POST", "/v1/macaroon", body: order)
            let macaroon = try #require(baked.object["macaroon"] as? String)
            #expect(try await node.call("GET", "/v1/getinfo", macaroon: macaroon).status == 200)
            #expect(try await node.admin("GET", "/v1/macaroon/ids").object["root_key_ids"] as? [String] == ["0", "7"])
            #expect(try await node.admin("DELETE", "/v1/macaroon/7").object["deleted"] as? Bool == true)
            let refused = try await node.call("GET", "/v1/getinfo", macaroon: macaroon)
            #expect(refused.message.hasSuffix("root key with id 7 doesn't exist"))
            #expect(try await node.admin("DELETE", "/v1/macaroon/7").object["deleted"] as? Bool == false)
            #expect(try await node.admin("DELETE", "/v1/macaroon/0").status == 500)
        }
    }

    @Test("caveats hold by time and by address, and unknown ones never")
    func caveats() throws {
        let key = [UInt8](repeating: 7, count: 32)
        let guardian = MacaroonGuard(rootKeys: [0: key], now: 1_795_229_140, peer: IPAddress("127.0.0.1"))
        let baked = MacaroonGuard.bake([Permission("info", "read")], rootKeyID: 0, rootKey: key, nonce: [1])
        let macaroon = try Macaroon(parsing: baked)
        let method = "/lnrpc.Lightning/GetInfo"
        for caveat in ["time-before 2026-11-21T02:45:41Z", "ipaddr 127.0.0.1", "iprange 127.0.0.0/8"] {
            let bytes = macaroon.adding(caveat: caveat).serialized()
            #expect(throws: Never.self) { try guardian.check(headers: [Hex.encode(bytes)], method: method) }
        }
        for caveat in [
            "time-before 2026-11-21T02:45:40Z", "time-before soon", "ipaddr 127.0.0.2", "ipaddr", "iprange 10.0.0.0/8",
            "lnd-custom name value", "lnd-custom", "nonsense x", "",
        ] {
            let bytes = macaroon.adding(caveat: caveat).serialized()
            #expect(throws: RPCError.self, "\(caveat)") {
                try guardian.check(headers: [Hex.encode(bytes)], method: method)
            }
        }
    }

    @Test("identifiers are written as LND writes them, and damaged ones never crash the reader")
    func identifiers() throws {
        let vector = try #require(try RecordedExchange.all()["macaroon-bake"])
        let json = try #require(try JSONSerialization.jsonObject(with: vector) as? [String: Any])
        let body = try #require((json["response"] as? [String: Any])?["body"] as? [String: String])
        let macaroon = try Macaroon(parsing: Hex.decode(body["macaroon"] ?? "") ?? [])
        let identifier = try #require(MacaroonIdentifier(macaroon.identifier))
        #expect(identifier.rootKeyID == 7)
        #expect(identifier.permissions == [Permission("invoices", "read"), Permission("invoices", "write")])
        #expect(identifier.bytes == macaroon.identifier)
        for length in 0..<macaroon.identifier.count {
            let part = MacaroonIdentifier(Array(macaroon.identifier.prefix(length)))
            #expect(part?.permissions.count ?? 0 < 2)
        }
        for bit in 0..<macaroon.identifier.count * 8 {
            var damaged = macaroon.identifier
            damaged[bit / 8] ^= 1 << (bit % 8)
            guard let read = MacaroonIdentifier(damaged) else { continue }
            #expect(MacaroonIdentifier(read.bytes)?.rootKeyID == read.rootKeyID)
        }
    }
}
