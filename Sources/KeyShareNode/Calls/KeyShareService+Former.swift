// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CommitReveal
internal import KeyShareProtocol
internal import KeyShares

extension KeyShareService {
    /// Version 1: one wallet a call, no sessions.
    func answerV1(
        _ route: KeyShareRoute,
        _ call: KeyShareCall,
        _ keys: OpenKeys
    ) async throws(KeyShareFailure) -> [UInt8] {
        switch route {
        case .checkV1:
            let body = try RequestBody.decode(KeyShareV1.Check.self, call.body, depth: 1)
            let key = try body.wallet.checked()
            let isThere = try await exist(
                [key],
                authType: body.wallet.authType,
                userAuthID: body.userAuthID,
                call,
                keys
            )
            return KeyShareAnswer.success(KeyShareAnswer.Existence(exists: isThere.first ?? false))
        case .getV1:
            let body = try protected(KeyShareV1.Get.self, call, depth: 1)
            let login = try await loginV1(body.authType, call, keys)
            let shares = try await give([try body.checked()], to: login, keys, namesCurve: false)
            guard let (row, share) = shares.first else {
                throw KeyShareFailure(.keyShareNotFound, "Key share not found")
            }
            return KeyShareAnswer.success(KeyShareAnswer.Share(shareID: row.id, share: share))
        case .registerV1:
            let body = try protected(KeyShareV1.Share.self, call, depth: 1)
            let login = try await loginV1(body.authType, call, keys)
            let share = KeyShareV3.Registered(share: try body.checked(), commitments: nil)
            try await register([share], for: login, mode: "register", keys, namesCurve: false)
            return KeyShareAnswer.empty
        default:
            let body = try protected(KeyShareV1.Share.self, call, depth: 1)
            let login = try await loginV1(body.authType, call, keys)
            try await confirm([try body.checked()], for: login, keys, namesCurve: false)
            return KeyShareAnswer.empty
        }
    }

    /// Reads the body of a call that needs a login; whoever sends none is told that first.
    private func protected<Body: Decodable>(
        _: Body.Type,
        _ call: KeyShareCall,
        depth: Int
    ) throws(KeyShareFailure) -> Body {
        do throws(KeyShareFailure) { return try RequestBody.decode(Body.self, call.body, depth: depth) } catch {
            guard call.bearer?.isEmpty ?? true, error.code == .invalidRequest else { throw error }
            throw KeyShareFailure(CommitRevealFailure.missingToken)
        }
    }

    private func loginV1(
        _ authType: String,
        _ call: KeyShareCall,
        _ keys: OpenKeys
    ) async throws(KeyShareFailure) -> Login {
        let proof = Proof(
            authType: authType,
            api: nil,
            sessionID: nil,
            signature: nil,
            token: .bearer(call.bearer),
            isSessionNeeded: configuration.sessions == .required,
            peer: call.peer
        )
        return try await login(proof, keys)
    }

    /// Version 2: several curves a call, with a session where there is one.
    func answerV2(
        _ route: KeyShareRoute,
        _ call: KeyShareCall,
        _ keys: OpenKeys
    ) async throws(KeyShareFailure) -> [UInt8] {
        switch route {
        case .checkV2:
            let body = try RequestBody.decode(KeyShareV2.Check.self, call.body, depth: 2)
            let wallets = try body.request.checked()
            let isThere = try await exist(
                wallets,
                authType: body.request.authType,
                userAuthID: body.userAuthID,
                call,
                keys
            )
            return Self.byCurve(wallets, isThere.map { KeyShareAnswer.Existence(exists: $0) })
        case .getV2:
            let body = try protected(KeyShareV2.Get.self, call, depth: 2)
            let login = try await loginV2(route, body.authType, body.reveal, call, keys)
            let shares = try await give(try body.checked(), to: login, keys)
            return Self.byCurve(
                shares.map(\.row.publicKey),
                shares.map { KeyShareAnswer.Share(shareID: $0.row.id, share: $0.share) }
            )
        case .registerEd25519V2:
            let body = try protected(KeyShareV2.RegisterEd25519.self, call, depth: 1)
            let login = try await loginV2(route, body.authType, body.reveal, call, keys)
            let share = KeyShareV3.Registered(share: try body.checked(), commitments: nil)
            try await register([share], for: login, mode: "add", keys)
        default:
            let body = try protected(KeyShareV2.Shares.self, call, depth: 3)
            let login = try await loginV2(route, body.authType, body.reveal, call, keys)
            if route == .reshareV2 {
                try await confirm(try body.checked(), for: login, keys)
            } else {
                let shares = route == .registerV2 ? try body.checkedBoth() : try body.checked()
                let registered = shares.map { KeyShareV3.Registered(share: $0, commitments: nil) }
                try await register(registered, for: login, mode: "register", keys)
            }
        }
        return KeyShareAnswer.empty
    }

    private func loginV2(
        _ route: KeyShareRoute,
        _ authType: String,
        _ reveal: KeyShareV2.RevealFields,
        _ call: KeyShareCall,
        _ keys: OpenKeys
    ) async throws(KeyShareFailure) -> Login {
        let isOff = configuration.sessions == .off
        let proof = Proof(
            authType: authType,
            api: route.api,
            sessionID: isOff ? nil : reveal.sessionID,
            signature: isOff ? nil : reveal.signature,
            token: .bearer(call.bearer),
            isSessionNeeded: configuration.sessions == .required,
            peer: call.peer
        )
        return try await login(proof, keys)
    }

    /// An answer with a value for each curve.
    static func byCurve(_ wallets: [WalletPublicKey], _ values: [some Encodable]) -> [UInt8] {
        let pairs = zip(wallets.map(\.curve), values)
        return KeyShareAnswer.success(Dictionary(pairs, uniquingKeysWith: { first, _ in first }))
    }
}
