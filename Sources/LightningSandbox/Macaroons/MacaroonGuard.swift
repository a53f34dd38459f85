// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import IPAddresses
internal import Macaroons

/// Decides whether a macaroon admits a call, with LND's sentences when it does not.
struct MacaroonGuard: Sendable {
    static let location = "lnd"

    /// The account's root keys by id.
    let rootKeys: [UInt64: [UInt8]]
    /// Unix seconds.
    let now: Int64
    /// Who calls; `nil` when it is not known, which satisfies no address caveat.
    let peer: IPAddress?

    /// Bakes a macaroon.
    static func bake(
        _ permissions: [Permission],
        rootKeyID: UInt64,
        rootKey: [UInt8],
        nonce: [UInt8]
    ) -> [UInt8] {
        let identifier = MacaroonIdentifier(nonce: nonce, rootKeyID: rootKeyID, permissions: permissions)
        return Macaroon(rootKey: rootKey, identifier: identifier.bytes, location: location).serialized()
    }

    /// Checks the header `Grpc-Metadata-macaroon`.
    ///
    /// - Parameters:
    ///   - headers: every value of that header.
    ///   - method: the full name of the call.
    func check(headers: [String], method: String) throws(RPCError) {
        guard headers.count == 1, let header = headers.first else {
            throw RPCError("expected 1 macaroon, got \(headers.count)")
        }
        guard let bytes = Hex.decode(header) else { throw GoHex.error(header) }
        try check(bytes, method: method, permissions: MethodPermissions.needed(method))
    }

    /// Checks a macaroon against the permissions it needs, or the call it names.
    func check(_ bytes: [UInt8], method: String, permissions: [Permission]) throws(RPCError) {
        guard let macaroon = try? Macaroon(parsing: bytes), let identifier = MacaroonIdentifier(macaroon.identifier)
        else { throw RPCError("cannot determine data format of binary-encoded macaroon") }
        guard let rootKey = rootKeys[identifier.rootKeyID] else {
            let id = identifier.rootKeyID
            throw RPCError("cannot retrieve macaroon: cannot get macaroon: root key with id \(id) doesn't exist")
        }
        for caveat in macaroon.caveats { try check(caveat) }
        guard macaroon.isSigned(by: rootKey) else {
            throw RPCError("verification failed: signature mismatch after caveat verification")
        }
        let allowed = Set(identifier.permissions)
        guard allowed.contains(.uri(method)) || (!permissions.isEmpty && permissions.allSatisfy(allowed.contains))
        else { throw RPCError.permissionDenied }
    }

    private func check(_ caveat: Caveat) throws(RPCError) {
        let text = String(decoding: caveat.identifier, as: UTF8.self)
        guard caveat.verificationID == nil, let reason = reasonAgainst(text) else {
            if caveat.verificationID == nil { return }
            throw RPCError("cannot find discharge macaroon for caveat")
        }
        throw RPCError("caveat \"\(text)\" not satisfied: \(reason)")
    }

    /// Why a caveat does not hold; `nil` when it does.
    private func reasonAgainst(_ text: String) -> String? {
        let parts = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, parts.count == 2, let value = parts.last else { return "caveat not recognized" }
        switch name {
        case "time-before":
            guard let end = UTCTime(rfc3339: String(value)) else { return "cannot parse time" }
            return now < end.unixSeconds ? nil : "macaroon has expired"
        case "ipaddr":
            return IPAddress(value) == peer && peer != nil ? nil : "macaroon locked to different IP address"
        case "iprange":
            guard let network = IPNetwork(value), let peer, network.contains(peer) else {
                return "macaroon locked to different IP range"
            }
            return nil
        case "lnd-custom":
            let condition = value.split(separator: " ").first.map(String.init) ?? ""
            return "cannot accept macaroon with custom caveat '\(condition)', no middleware registered to handle it"
        default: return "caveat not recognized"
        }
    }
}

/// Go's sentences about text that is not hex.
enum GoHex {
    static func error(_ text: String) -> RPCError {
        let bad = text.utf8.first { Hex.decode(String(decoding: [$0, $0], as: UTF8.self)) == nil }
        guard let bad else { return RPCError("encoding/hex: odd length hex string") }
        let digits = String(bad, radix: 16, uppercase: true)
        let code = String(repeating: "0", count: 4 - digits.count) + digits
        return RPCError("encoding/hex: invalid byte: U+\(code) '\(Character(UnicodeScalar(bad)))'")
    }
}
