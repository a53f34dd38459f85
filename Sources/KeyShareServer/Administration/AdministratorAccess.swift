// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import HTTPTypes
internal import IPAddresses
internal import KeyShareProtocol
internal import PasswordHashing
internal import RequestLimits

/// Who may use the administrator's routes.
///
/// The password comes in the body, or as `Authorization: Basic` with any user; the key as `Authorization: Bearer`. Wrong
/// ones are counted, and after too many of them nobody is let in for a quarter of an hour.
public final class AdministratorAccess: Sendable {
    private let keyHash: [UInt8]?
    private let hasPassword: Bool
    private let queue: HashingQueue
    private let tries = WrongTries()
    /// Monotonic seconds.
    private let now: @Sendable () -> Double

    /// - Parameters:
    ///   - password: `nil` when only the key opens.
    ///   - key: a random text of at least 32 characters.
    public convenience init(password: AdministratorPassword?, key: String?) {
        self.init(password: password, key: key) { MonotonicSeconds.now() }
    }

    init(password: AdministratorPassword?, key: String?, clock: @escaping @Sendable () -> Double) {
        keyHash = key.map { Array(SHA256.hash(data: Array($0.utf8))) }
        hasPassword = password != nil
        now = clock
        // One at a time: each takes a core for a fifth of a second, and there is one administrator.
        queue = HashingQueue(workers: 1, waiting: 8) { given, _ in
            [password?.matches(given) == true ? 1 : 0]
        }
    }

    /// Admits a request, or says why not.
    ///
    /// - Parameter bodyPassword: the member `password` of its body.
    /// - Throws: `UNAUTHORIZED`, `RATE_LIMIT_EXCEEDED`.
    func admit(_ headers: HTTPFields, bodyPassword: String?, from client: IPAddress?) async throws(KeyShareFailure) {
        guard hasPassword || keyHash != nil else {
            throw KeyShareFailure(.unauthorized, "This node has no administrator: set KS_ADMIN_PASSWORD_HASH")
        }
        let credential = Self.credential(headers, bodyPassword)
        guard let credential else { throw KeyShareFailure(.unauthorized, "Admin password is required") }
        guard let number = tries.begin(client, now: now()) else {
            throw KeyShareFailure(tooManyWithin: Int(WrongTries.window))
        }
        guard try await isRight(credential) else { throw KeyShareFailure(.unauthorized, "Invalid admin password") }
        tries.forgive(number)
    }

    private enum Credential {
        case password(String)
        case key(String)
    }

    private func isRight(_ credential: Credential) async throws(KeyShareFailure) -> Bool {
        switch credential {
        case .key(let key):
            // Hashes have one length, so the comparison tells nothing about the key's.
            let hash = Array(SHA256.hash(data: Array(key.utf8)))
            return keyHash.map { constantTimeEqual(hash, $0) } ?? false
        case .password(let password):
            guard hasPassword else { return false }
            do throws(HashingError) { return try await queue.hash(Array(password.utf8), salt: []) == [1] } catch {
                throw KeyShareFailure(tooManyWithin: 60)
            }
        }
    }

    private static func credential(_ headers: HTTPFields, _ bodyPassword: String?) -> Credential? {
        let header = headers[.authorization] ?? ""
        let parts = header.split(separator: " ", maxSplits: 1).map(String.init)
        if parts.count == 2 {
            let token = parts[1].trimmingPrefix { $0 == " " }
            switch parts[0].lowercased() {
            case "bearer": return .key(String(token))
            case "basic":
                let text = Base64.decodeEither(token).map { String(decoding: $0, as: UTF8.self) } ?? ""
                guard let colon = text.firstIndex(of: ":") else { return .password("") }
                return .password(String(text[text.index(after: colon)...]))
            default: break
            }
        }
        guard let bodyPassword, !bodyPassword.isEmpty else { return nil }
        return .password(bodyPassword)
    }
}
