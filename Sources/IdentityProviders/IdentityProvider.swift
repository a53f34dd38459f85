// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A login as it reaches the node.
public struct LoginAttempt: Sendable {
    /// What the client was given, or made.
    public let token: String
    /// The commit-reveal session around the call, lower case; `nil` without one.
    public let sessionID: String?
    /// Unix seconds.
    public let now: Int64

    /// The most bytes of a token.
    public static let maximumTokenCount = 16_384

    public init(token: String, sessionID: String?, now: Int64) {
        self.token = token
        self.sessionID = sessionID
        self.now = now
    }

    /// The other text of the same token; `nil` for those that have one text only.
    ///
    /// Of a signature of ECDSA (r, s) anyone can make (r, n - s), which holds for the same claims. To whoever counts uses of
    /// a token by its hash that would be another token.
    public var twinToken: String? { SignedToken(token)?.twin }
}

/// Who someone is, after the proof.
public struct VerifiedIdentity: Sendable, Hashable {
    /// Unique within the type of the login.
    public let userAuthID: String
    /// The name that older rows have for the same person, to be bound to ``userAuthID`` when it is first seen.
    public let formerUserAuthID: String?
    /// The public key that a passkey's login was verified with, to be kept when its user is made.
    ///
    /// A passkey's id proves nothing by itself: the person is the key's owner.
    public let passkeyKey: [UInt8]?

    public init(userAuthID: String, formerUserAuthID: String? = nil, passkeyKey: [UInt8]? = nil) {
        self.userAuthID = userAuthID
        self.passkeyKey = passkeyKey
        self.formerUserAuthID = formerUserAuthID
    }
}

/// Why a login is refused; the text may go into an answer.
public enum IdentityFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The proof does not hold.
    case unauthorized(String)
    /// The provider, or its keys, cannot be reached: the same login may succeed later.
    case unavailable(String)

    public var description: String {
        switch self {
        case .unauthorized(let reason), .unavailable(let reason): reason
        }
    }
}

/// Something that says who someone is.
public protocol IdentityProvider: Sendable {
    /// Checks a login.
    func identity(of login: LoginAttempt) async throws(IdentityFailure) -> VerifiedIdentity
}

/// All providers of a node, by the type of login that clients name.
public struct IdentityDirectory: Sendable {
    private let providers: [String: any IdentityProvider]

    public init(_ providers: [String: any IdentityProvider]) { self.providers = providers }

    public var authTypes: [String] { providers.keys.sorted() }

    /// Checks a login of a type.
    ///
    /// - Throws: ``IdentityFailure``; `.unauthorized` for a type that is not offered.
    public func identity(
        authType: String,
        of login: LoginAttempt
    ) async throws(IdentityFailure) -> VerifiedIdentity {
        guard let provider = providers[authType] else {
            let name = authType.prefix(64).filter {
                !$0.unicodeScalars.contains { $0.properties.generalCategory == .control }
            }
            throw .unauthorized("Invalid auth_type: \(name)")
        }
        guard login.token.utf8.count <= LoginAttempt.maximumTokenCount else {
            throw .unauthorized("the token is too long")
        }
        return try await provider.identity(of: login)
    }
}
