// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Hummingbird
internal import Pomade
internal import Signer

/// A signed request, and how its route answers.
struct SignerCall: Sendable {
    let route: SignerRoute
    let body: [UInt8]
    let caller: SignerCaller

    private func read<Body: Decodable>(_ type: Body.Type) throws(SignerFailure) -> Body {
        do { return try JSONDecoder().decode(type, from: Data(body)) } catch {
            throw SignerFailure(.badRequest, Self.explanation(error))
        }
    }

    /// Names the member that is wrong, never its value.
    private static func explanation(_ error: any Error) -> String {
        let path: [any CodingKey]
        switch error as? DecodingError {
        case .keyNotFound(let key, let context)?: path = context.codingPath + [key]
        case .typeMismatch(_, let context)?, .valueNotFound(_, let context)?, .dataCorrupted(let context)?:
            path = context.codingPath
        default: path = []
        }
        let names = path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        // Other members than ours are not in a path, so this is no text of the caller's.
        return names.isEmpty ? "The body is not what the route takes." : "The member \(names) is missing or wrong."
    }

    private func done(_ content: some Encodable & Sendable, _ message: String) throws(SignerFailure) -> Response {
        do { return try SignerAnswer.success(content, message) } catch {
            throw SignerFailure(.internalError, "Something went wrong here: try again later.")
        }
    }

    private func done(_ message: String) throws(SignerFailure) -> Response {
        try done(PomadeContent.Nothing(), message)
    }

    func answer(_ service: SignerService, _ challenges: ChallengeDesk) async throws(SignerFailure) -> Response {
        switch route {
        case .signCommit:
            let content = try await service.commit(read(PomadeBody.Commit.self), caller: caller)
            return try done(PomadeContent.Result(content), "Committed.")
        case .signComplete:
            let content = try await service.complete(read(PomadeBody.Complete.self), caller: caller)
            return try done(PomadeContent.Result(content), "Signed.")
        case .keyExchange:
            let content = try await service.exchange(read(PomadeBody.KeyExchange.self), caller: caller)
            return try done(PomadeContent.Result(content), "Exchanged.")
        case .commitBatch:
            let content = try await service.commitBatch(read(PomadeBody.CommitBatch.self), caller: caller)
            return try done(PomadeContent.Results(content), "Committed.")
        case .register:
            try await service.register(read(PomadeBody.Register.self), caller: caller)
            return try done("Registered.")
        case .challenge:
            let body = try read(PomadeBody.Challenge.self)
            try service.requireSensible(body)
            challenges.take(body)
            return try done("If the address is known here, a code is on its way.")
        case .loginStart, .loginSelect, .recoverySetup, .recoveryStart, .recoverySelect, .recoveryCancel,
            .emailConfirm, .passwordRotate:
            return try await answerOwner(service)
        case .sessionList, .sessionDeactivate, .sessionDelete, .policy, .audit: return try await answerUser(service)
        case .info: return try done(try service.info(), "This signer.")
        case .refreshStage:
            try await service.stageRefresh(read(PomadeBody.RefreshStage.self), caller: caller)
            return try done("The new share is staged.")
        case .refreshCommit:
            try await service.commitRefresh(read(PomadeBody.RefreshCommit.self), caller: caller)
            return try done("The new share is in force.")
        case .repair, .keyGeneration: return try await answerSigners(service)
        }
    }

    /// Routes on which signers work together.
    private func answerSigners(_ service: SignerService) async throws(SignerFailure) -> Response {
        if route == .keyGeneration {
            switch try read(PomadeBody.KeyGeneration.self) {
            case .begin(let body):
                return try done(try await service.beginGeneration(body, caller: caller), "Announced.")
            case .share(let body):
                return try done(try await service.shareGeneration(body, caller: caller), "Shares for the others.")
            case .finish(let body):
                return try done(try await service.finishGeneration(body, caller: caller), "The key is made.")
            }
        }
        switch try read(PomadeBody.Repair.self) {
        case .begin(let body): return try done(try await service.beginRepair(body, caller: caller), "Split.")
        case .sum(let body): return try done(try await service.sumRepair(body, caller: caller), "Added up.")
        case .take(let body):
            try await service.takeRepair(body, caller: caller)
            return try done("The share is made again.")
        }
    }

    /// Routes of who owns an address.
    private func answerOwner(_ service: SignerService) async throws(SignerFailure) -> Response {
        switch route {
        case .recoverySetup:
            try await service.setUpRecovery(read(PomadeBody.RecoverySetup.self), caller: caller)
            return try done("Recovery is set up.")
        case .loginStart:
            return try done(
                try await service.startLogin(read(PomadeBody.Start.self), caller: caller),
                "Choose a session."
            )
        case .loginSelect:
            return try done(
                try await service.selectLogin(read(PomadeBody.Selection.self), caller: caller),
                "Logged in."
            )
        case .recoveryStart:
            let items = try await service.startRecovery(read(PomadeBody.Start.self), caller: caller)
            return try done(items, "Choose a session.")
        case .recoverySelect:
            let content = try await service.selectRecovery(read(PomadeBody.Selection.self), caller: caller)
            return try done(content, "Recovered.")
        case .recoveryCancel: return try done(try await service.cancelRecovery(caller: caller), "Stopped.")
        case .passwordRotate:
            let content = try await service.rotatePassword(read(PomadeBody.PasswordRotation.self), caller: caller)
            return try done(content, "The password is changed.")
        default: throw SignerFailure(.notFound, "There is no such route.")
        }
    }

    /// Routes of the user's own key.
    private func answerUser(_ service: SignerService) async throws(SignerFailure) -> Response {
        switch route {
        case .sessionList: return try done(try await service.list(caller: caller), "Your sessions.")
        case .sessionDeactivate:
            try await service.deactivate(read(PomadeBody.Selection.self), caller: caller)
            return try done("The session is deactivated.")
        case .sessionDelete:
            try await service.delete(read(PomadeBody.Selection.self), caller: caller)
            return try done("The session is deleted.")
        case .policy:
            try await service.setPolicy(read(PomadeBody.PolicyChange.self), caller: caller)
            return try done("The policy is in force.")
        case .audit: return try done(try await service.audit(caller: caller), "The last actions.")
        default: throw SignerFailure(.notFound, "There is no such route.")
        }
    }
}
