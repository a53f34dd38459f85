// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import CryptoExtras
internal import FoundationEssentials
internal import PasswordHashing

/// What is known of the administrator's password, and whether a text is it.
///
/// ```
/// $argon2id$v=19$m=65536,t=3,p=2$SALT$HASH      base64 without padding
/// pbkdf2-sha256$600000$SALT$HASH                base64url without padding
/// ```
public struct AdministratorPassword: Sendable {
    /// Why a password or a hash is not taken.
    public struct Refused: Error, Sendable, Hashable, CustomStringConvertible {
        public let description: String
    }

    private enum Form: Sendable {
        case argon2id(Argon2id, salt: [UInt8])
        case pbkdf2(rounds: Int, salt: [UInt8])
    }

    /// The least characters of a password.
    public static let minimumCount = 14
    /// The most bytes of a password that is looked at.
    static let maximumCount = 1024

    private let form: Form
    private let hash: [UInt8]

    /// Reads a hash.
    ///
    /// - Throws: ``Refused`` for a form that is not known, or parameters that are too weak or too costly.
    public init(hash text: String) throws(Refused) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 6, parts[0].isEmpty, parts[1] == "argon2id" {
            self = try Self(argon2id: parts)
        } else if parts.count == 4, parts[0] == "pbkdf2-sha256" {
            guard let rounds = Int(parts[1]), (100_000...10_000_000).contains(rounds),
                let salt = Base64.decode(parts[2], alphabet: .urlSafe, padding: .forbidden),
                (8...64).contains(salt.count),
                let hash = Base64.decode(parts[3], alphabet: .urlSafe, padding: .forbidden), hash.count == 32
            else { throw Refused(description: "the hash is not pbkdf2-sha256$ROUNDS$SALT$HASH") }
            self.init(form: .pbkdf2(rounds: rounds, salt: salt), hash: hash)
        } else {
            throw Refused(description: "the hash begins neither with $argon2id$ nor with pbkdf2-sha256$")
        }
    }

    private init(form: Form, hash: [UInt8]) {
        self.form = form
        self.hash = hash
    }

    private init(argon2id parts: [String]) throws(Refused) {
        var numbers: [String: UInt32] = [:]
        for pair in parts[3].split(separator: ",") {
            let sides = pair.split(separator: "=")
            if sides.count == 2 { numbers[String(sides[0])] = UInt32(sides[1]) }
        }
        guard parts[2] == "v=19", let memory = numbers["m"], (8192...1_048_576).contains(memory),
            let passes = numbers["t"], (1...16).contains(passes), let lanes = numbers["p"], (1...16).contains(lanes),
            let salt = Base64.decode(parts[4], padding: .forbidden), (8...64).contains(salt.count),
            let hash = Base64.decode(parts[5], padding: .forbidden), (16...64).contains(hash.count)
        else { throw Refused(description: "the hash is not $argon2id$v=19$m=...,t=...,p=...$SALT$HASH") }
        self.init(
            form: .argon2id(
                Argon2id(memory: memory, iterations: passes, lanes: lanes, size: hash.count),
                salt: salt
            ),
            hash: hash
        )
    }

    /// Takes a password in clear, and keeps what Oko compares: PBKDF2-HMAC-SHA-256 with 100,000 rounds and a fixed salt.
    ///
    /// - Throws: ``Refused`` for one that is short, or stands in somebody's examples.
    public init(clear password: String) throws(Refused) {
        try Self.check(password)
        let form = Form.pbkdf2(rounds: Self.okoRounds, salt: Self.okoSalt)
        guard let hash = Self.derive(Array(password.utf8), form) else {
            throw Refused(description: "the password cannot be hashed")
        }
        self.init(form: form, hash: hash)
    }

    static let okoRounds = 100_000
    static let okoSalt = Array("ksn-admin-auth".utf8)

    /// Refuses what anyone would try.
    public static func check(_ password: String) throws(Refused) {
        let plain = password.lowercased().filter { $0.isLetter || $0.isNumber }
        let samples = [
            "adminpassword", "youradminpassword", "yourpassword", "yourstrongpassword", "yoursecurepassword",
            "password", "changeme", "changemeplease", "passwordpassword", "adminadminadmin",
            "correcthorsebatterystaple",
        ]
        guard password.count >= minimumCount else {
            throw Refused(description: "the administrator's password has fewer than \(minimumCount) characters")
        }
        guard !samples.contains(plain), Set(plain).count > 4, !plain.hasPrefix("12345678") else {
            throw Refused(description: "the administrator's password is one that anyone would try; choose another")
        }
        guard password.utf8.count <= maximumCount else {
            throw Refused(description: "the administrator's password has more than \(maximumCount) bytes")
        }
    }

    /// Hashes a new password with Argon2id and a fresh salt.
    ///
    /// - Throws: ``Refused``.
    public static func hashed(_ password: String) throws(Refused) -> String {
        try check(password)
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let function = Argon2id.pomade
        do {
            let hash = try function.hash(Array(password.utf8), salt: salt)
            let parameters = "m=\(function.memory),t=\(function.iterations),p=\(function.lanes)"
            return
                "$argon2id$v=19$\(parameters)$\(Base64.encode(salt, padded: false))$\(Base64.encode(hash, padded: false))"
        } catch { throw Refused(description: "the password cannot be hashed: \(error)") }
    }

    /// Whether a text is the password; takes some 0.2 s of the calling thread.
    func matches(_ password: [UInt8]) -> Bool {
        guard password.count <= Self.maximumCount, let derived = Self.derive(password, form) else { return false }
        return constantTimeEqual(derived, hash)
    }

    private static func derive(_ password: [UInt8], _ form: Form) -> [UInt8]? {
        switch form {
        case .argon2id(let function, let salt): return try? function.hash(password, salt: salt)
        case .pbkdf2(let rounds, let salt):
            let key = try? KDF.Insecure.PBKDF2.deriveKey(
                from: password,
                salt: salt,
                using: .sha256,
                outputByteCount: 32,
                // The number of rounds is the stored hash's; at least 100,000, as Oko has it.
                unsafeUncheckedRounds: rounds
            )
            return key.map { $0.withUnsafeBytes { Array($0) } }
        }
    }
}
