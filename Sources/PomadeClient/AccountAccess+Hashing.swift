// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import IPAddresses
public import PasswordHashing
internal import Pomade
internal import Secp256k1

extension AccountAccess {
    /// How passwords and addresses are hashed for these signers.
    ///
    /// Cheaper than the protocol says only where all of them run on this machine and say that they are for tests: any
    /// other signer could ask for less to guess passwords with.
    public static func hashing(of urls: [String]) async -> Argon2id {
        for url in urls { guard isLocal(url), await isForTests(url) else { return .pomade } }
        return urls.isEmpty ? .pomade : .pomadeTest
    }

    private static func isLocal(_ url: String) -> Bool {
        guard let host = URLComponents(string: url)?.host else { return false }
        return host == "localhost" || IPAddress(host)?.isLoopback == true
    }

    private static func isForTests(_ url: String) async -> Bool {
        guard let connection = try? SignerConnection(url) else { return false }
        let signer = SignerConnection.Signer(SecretKey.random())
        let info: PomadeContent.Info? = try? await connection.ask(
            .info,
            PomadeContent.Nothing(),
            as: signer,
            now: unixSeconds()
        )
        return info?.statement.limits.hashingMemory == Int(Argon2id.pomadeTest.memory)
    }
}
