// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The directory with a server's keys, `/etc/assay/roughtime`.
public struct KeyDirectory: Sendable {
    public static let standard = "/etc/assay/roughtime"

    public let path: String

    public init(_ path: String) { self.path = path }

    /// The seed, sealed for `LoadCredentialEncrypted=`.
    public var sealedSeed: String { "\(path)/longterm.seed.cred" }
    /// The seed as it is, for machines without systemd.
    public var plainSeed: String { "\(path)/longterm.seed" }
    /// The public key, one line.
    public var publicKey: String { "\(path)/longterm.pub" }
    /// The seed, encrypted to the backup key.
    public var backup: String { "\(path)/longterm.seed.backup" }

    /// How the seed is kept.
    public enum Keeping: Sendable {
        case sealed(CredentialSealing, CredentialSealing.Key)
        /// A file of mode 0400.
        case plain
    }

    /// Makes the directory for its owner alone, if there is none, and makes sure that it holds no seed yet.
    /// - Throws: ``RoughtimeKeyError/Code/refused`` when there is one: no command overwrites a key.
    public func prepare(isRecovery: Bool) throws(RoughtimeKeyError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .system("make \(path)") }
        for file in [sealedSeed, plainSeed] + (isRecovery ? [] : [publicKey, backup]) where access(file, F_OK) == 0 {
            throw .exists(file)
        }
    }

    /// Writes seed and public key, and reads the seed back as a service would get it.
    /// - Throws: ``RoughtimeKeyError/Code/mismatch`` when another seed comes back.
    public func keep(_ seed: borrowing LongTermSeed, _ keeping: Keeping) async throws(RoughtimeKeyError) {
        let key = try seed.publicKey()
        switch keeping {
        case .sealed(let sealing, let sealingKey):
            let credential = try await sealing.seal(seed, to: sealingKey)
            try DurableFile.write(credential, to: sealedSeed, mode: 0o400, replacing: .refused)
            try Self.require(try await sealing.unseal(sealedSeed).publicKey(), key)
        case .plain:
            try seed.withBytes { (bytes) throws(RoughtimeKeyError) in
                try DurableFile.write(bytes, to: plainSeed, mode: 0o400, replacing: .refused)
            }
            try Self.require(
                try LongTermSeed.read(from: .file(plainSeed), credentialsDirectory: nil).publicKey(),
                key
            )
        }
        try DurableFile.write(Array((LongTermPublicKey.text(of: key) + "\n").utf8), to: publicKey, mode: 0o644)
    }

    /// Reads the seed that is kept here, unsealing it if it is sealed.
    public func seed(_ sealing: CredentialSealing) async throws(RoughtimeKeyError) -> LongTermSeed {
        if access(sealedSeed, F_OK) == 0 { return try await sealing.unseal(sealedSeed) }
        guard access(plainSeed, F_OK) == 0 else {
            throw RoughtimeKeyError(.missing, "there is neither \(sealedSeed) nor \(plainSeed): assay roughtime keygen")
        }
        return try LongTermSeed.read(from: .file(plainSeed), credentialsDirectory: nil)
    }

    private static func require(_ found: [UInt8], _ expected: [UInt8]) throws(RoughtimeKeyError) {
        guard found == expected else {
            throw RoughtimeKeyError(.mismatch, "the seed that was written does not come back; do not use this key")
        }
    }
}
