// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FoundationEssentials

/// Discord's access tokens, which must have been given to our own application.
public struct DiscordProvider: IdentityProvider {
    private struct Answer: Decodable {
        struct Application: Decodable { let id: String }
        struct User: Decodable { let id: String }
        let application: Application
        let scopes: [String]
        let expires: String
        let user: User?
    }

    private let applicationID: String
    private let url: String
    private let connection: any ProviderConnection

    /// - Parameter baseURL: without a slash at the end.
    public init(applicationID: String, baseURL: String = "https://discord.com", connection: any ProviderConnection) {
        self.applicationID = applicationID
        url = baseURL + "/api/oauth2/@me"
        self.connection = connection
    }

    public func identity(of login: LoginAttempt) async throws(IdentityFailure) -> VerifiedIdentity {
        let reply = try await connection.get(url, bearer: login.token)
        guard reply.status == 200, JSONNesting.isShallow(reply.body),
            let answer = try? JSONDecoder().decode(Answer.self, from: Data(reply.body))
        else { throw .unauthorized("Discord does not know the token") }
        guard answer.application.id == applicationID else {
            throw .unauthorized("the token is for another application")
        }
        guard let expiry = Self.seconds(answer.expires), expiry > login.now else {
            throw .unauthorized("the token has expired")
        }
        guard answer.scopes.contains("identify"), let id = answer.user?.id, !id.isEmpty, id.utf8.count <= 64,
            id.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { throw .unauthorized("the token does not say who its user is") }
        return VerifiedIdentity(userAuthID: "discord_" + id)
    }

    /// Discord writes microseconds and an offset, or neither fraction.
    private static func seconds(_ text: String) -> Int64? {
        let styles = [
            Date.ISO8601FormatStyle(includingFractionalSeconds: true), Date.ISO8601FormatStyle(),
        ]
        for style in styles {
            if let date = try? style.parse(text) { return Int64(date.timeIntervalSince1970) }
        }
        return nil
    }
}
