// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import Macaroons

/// The files of one account: its certificate and its macaroons.
struct NodeFiles: Sendable {
    let directory: String

    var certificatePath: String { directory + "/tls.cert" }
    var keyPath: String { directory + "/tls.key" }

    func macaroonPath(_ role: MacaroonRole) -> String { "\(directory)/\(role.rawValue).macaroon" }

    /// Reads the certificate, or makes a new one when there is none or it has expired; blocks.
    func certificate(now: Int64) throws -> NodeCertificate {
        try PrivateFile.makeDirectory(directory)
        if let certificate = try PrivateFile.read(certificatePath), let key = try PrivateFile.read(keyPath) {
            let found = NodeCertificate(
                certificatePEM: String(decoding: certificate, as: UTF8.self),
                keyPEM: String(decoding: key, as: UTF8.self)
            )
            if NodeCertificate.isCurrent(found.certificatePEM, now: now) { return found }
        }
        let made = try NodeCertificate.make(now: now)
        try PrivateFile.write(Array(made.keyPEM.utf8), to: keyPath)
        try PrivateFile.write(Array(made.certificatePEM.utf8), to: certificatePath, mode: 0o644)
        return made
    }

    /// Bakes the macaroon files that are not there, or are of another root key because the journal was removed; blocks.
    func bakeMacaroons(rootKey: [UInt8]) throws(SandboxError) {
        try PrivateFile.makeDirectory(directory)
        for role in MacaroonRole.allCases {
            let found = try PrivateFile.read(macaroonPath(role))
            if let found, let macaroon = try? Macaroon(parsing: found), macaroon.isSigned(by: rootKey) { continue }
            let nonce = Array(Preimage.random().bytes.prefix(16))
            let macaroon = MacaroonGuard.bake(role.permissions, rootKeyID: 0, rootKey: rootKey, nonce: nonce)
            try PrivateFile.write(macaroon, to: macaroonPath(role))
        }
    }
}
