// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What one connection has prepared.
///
/// A statement is prepared for the parameter types of its first call. A call with other types prepares it once more
/// under another name, so that values keep describing themselves; NULL fits any type.
struct PreparedStatements {
    private struct Variant {
        let name: String
        let types: [PostgresType]
    }

    private var variants: [Statement: [Variant]] = [:]
    private var serial = 0

    /// The server-side name for a call, and whether it must be prepared first.
    ///
    /// - Parameter isFresh: prepares in any case, for a call that found its statement missing on the server.
    mutating func name(
        for statement: Statement,
        types: [PostgresType],
        isFresh: Bool
    ) -> (name: String, isNew: Bool) {
        if isFresh {
            variants[statement]?.removeAll { Self.fits(types, $0.types) }
        } else if let variant = variants[statement]?.first(where: { Self.fits(types, $0.types) }) {
            return (variant.name, false)
        }
        serial += 1
        let variant = Variant(name: "\(statement.name).\(serial)", types: types)
        variants[statement, default: []].append(variant)
        return (variant.name, true)
    }

    /// Forgets a name that the server does not know.
    mutating func forget(_ name: String, of statement: Statement) {
        variants[statement]?.removeAll { $0.name == name }
    }

    mutating func removeAll() { variants = [:] }

    private static func fits(_ call: [PostgresType], _ prepared: [PostgresType]) -> Bool {
        guard call.count == prepared.count else { return false }
        return zip(call, prepared).allSatisfy { called, known in called == known || called == .inferred }
    }
}
