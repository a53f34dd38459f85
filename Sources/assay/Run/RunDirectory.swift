// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import Secp256k1
import Supervisor

/// The data directory of a run: where each thing is kept.
struct RunDirectory {
    let path: String

    var runFile: String { path + "/run.json" }
    var sandbox: String { path + "/sandbox" }
    var keyRing: String { path + "/secrets/l402-key-ring" }
    var operatorToken: String { path + "/secrets/operator-token" }
    var receiptKey: String { path + "/secrets/receipt-key" }
    var oracleKey: String { path + "/secrets/oracle-key" }
    var apiKey: String { path + "/secrets/api-key" }

    var keyShareRoot: String { path + "/secrets/keyshare-root" }
    var keyShareAdministrator: String { path + "/secrets/keyshare-admin-password" }
    var keyShare: String { path + "/keyshare" }

    func signerSecret(_ number: Int) -> String { "\(path)/secrets/signer-\(number)" }

    /// The run file of the run before this one.
    let previousRun: RunFile?

    /// Makes the directory, its parts and its secrets; those that are there stay.
    init(path: String) throws {
        let absolute = URL(fileURLWithPath: path).standardizedFileURL.path
        self.path = absolute
        previousRun = try? RunFile.read(absolute + "/run.json")
        do {
            // Others may pass through: a private database runs as another user and has directories of its own.
            try Self.makeDirectory(absolute, mode: 0o711)
            for part in ["secrets", "logs", "sandbox", "keyshare"] {
                try Self.makeDirectory("\(absolute)/\(part)", mode: 0o700)
            }
            _ = try PrivateFile.readOrCreate(keyRing) { "0 mint \(Self.randomHex())\n" }
            _ = try PrivateFile.readOrCreate(operatorToken) { Self.randomHex() + "\n" }
            _ = try PrivateFile.readOrCreate(receiptKey) { Self.randomHex() + "\n" }
            _ = try PrivateFile.readOrCreate(oracleKey) { Self.randomHex() + "\n" }
            _ = try PrivateFile.readOrCreate(apiKey) { Self.randomHex() + "\n" }
            _ = try PrivateFile.readOrCreate(keyShareRoot) { Self.randomHex() + "\n" }
            _ = try PrivateFile.readOrCreate(keyShareAdministrator) { Self.randomHex() + "\n" }
            for number in 1...RunSigners.count {
                _ = try PrivateFile.readOrCreate(signerSecret(number)) { Self.randomHex() + "\n" }
            }
        } catch {
            throw Failure(Failure.unavailable, "the data directory \(absolute) cannot be used: \(error)")
        }
    }

    /// The public half of the oracle's key, 64 hex digits; nil when the file holds no key.
    var oraclePublicKey: String? {
        let text = try? String(contentsOfFile: oracleKey, encoding: .utf8)
        let bytes = text.flatMap { Hex.decode($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
        return bytes.flatMap { SecretKey($0) }.map { Hex.encode($0.publicKey.xOnly) }
    }

    func log(_ name: String) -> String { "\(path)/logs/\(name).log" }

    private static func makeDirectory(_ path: String, mode: Int) throws {
        let manager = FileManager.default
        guard !manager.fileExists(atPath: path) else { return }
        try manager.createDirectory(
            atPath: path,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: mode]
        )
    }

    private static func randomHex() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<32).map { _ in
            let byte = UInt8.random(in: .min ... .max, using: &generator)
            return (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}
