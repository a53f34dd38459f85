// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What a macaroon allows, such as `invoices:write`.
struct Permission: Sendable, Hashable {
    /// The things that can be acted on; `uri` allows one call by its name.
    static let entities = [
        "onchain", "offchain", "address", "message", "peers", "info", "invoices", "signer", "macaroon", "uri",
    ]
    static let actions = ["read", "write", "generate"]

    let entity: String
    let action: String

    init(_ entity: String, _ action: String) {
        self.entity = entity
        self.action = action
    }

    /// Reads `entity:action`.
    init?(_ text: some StringProtocol) {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        self.init(String(text[..<colon]), String(text[text.index(after: colon)...]))
    }

    static func uri(_ method: String) -> Permission { Permission("uri", method) }

    var json: JSON { ["entity": .string(entity), "action": .string(action)] }
}

/// The macaroon files every account gets.
enum MacaroonRole: String, Sendable, CaseIterable {
    case admin
    case invoice
    case readonly
    case pay

    var permissions: [Permission] {
        switch self {
        case .admin:
            ["onchain", "offchain", "address", "message", "peers", "info", "invoices", "signer", "macaroon"]
                .flatMap { entity in
                    let actions = entity == "signer" || entity == "macaroon" ? Permission.actions : ["read", "write"]
                    return actions.map { Permission(entity, $0) }
                }
        case .invoice: [Permission("invoices", "read"), Permission("invoices", "write"), Permission("info", "read")]
        case .readonly:
            ["onchain", "offchain", "address", "message", "peers", "info", "invoices", "macaroon"]
                .map { Permission($0, "read") }
        case .pay: [Permission("offchain", "read"), Permission("offchain", "write"), Permission("info", "read")]
        }
    }
}
