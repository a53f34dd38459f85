// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import KeyShareProtocol

/// What people and programs are told of a route.
struct RouteDescription {
    let endpoint: Endpoint
    let summary: String
    /// The example of a body, JSON.
    let body: String?
    /// The example of a success, JSON; `nil` where it is no JSON.
    let answer: String?
    /// What it may be refused with, besides what every route has.
    let codes: [KeyShareFailureCode]

    static let all: [RouteDescription] = Endpoint.all.map(describe)

    private static func describe(_ endpoint: Endpoint) -> RouteDescription {
        switch endpoint {
        case .root: .init(endpoint, "Says that the node is there", answer: nil)
        case .status:
            .init(
                endpoint,
                "How the node is; with ?ready=1 it answers 503 while share routes do not serve",
                answer: """
                    {"is_db_connected":true,"is_db_backup_checked":true,"latest_backup_time":"2026-01-31T03:17:00.000Z",\
                    "ks_node_public_key":"64 hex","launch_time":"2026-01-01T00:00:00.000Z","git_hash":null,"version":"1.0.0",\
                    "sealed":false,"schema_version":1,"kek_epoch":1,"rows_v1_left":0,"backup":{"last_ok":null,\
                    "last_drill":{"at":"2026-01-31T03:20:00.000Z","ok":true},"offsite":"ok"},"audit_head":null,\
                    "time":"2026-01-31T12:00:00.000Z","pg_dump_version":"15.6"}
                    """
            )
        case .page: .init(endpoint, "This description, as a page", answer: nil)
        case .description: .init(endpoint, "This description, in OpenAPI 3.0.0", answer: #"{"openapi":"3.0.0"}"#)
        case .nodeKeys:
            .init(
                endpoint,
                "The node's keys, each signed by the one before",
                answer: data(
                    #"{"keys":[{"version":1,"public_key":"64 hex","is_active":true,"created_at":"...","rotated_at":null,"signature":null}]}"#
                ),
                [.nodeSealed]
            )
        case .metrics: .init(endpoint, "Figures for Prometheus; on the administrator's address", answer: nil)
        case .offsite:
            .init(
                endpoint,
                "Takes a backup of another node, with that node's bearer; the body is the file",
                answer: data("null"),
                [.unauthorized]
            )
        case .share(let route): share(route)
        case .administration(let action, _): administration(endpoint, action)
        }
    }

    init(
        _ endpoint: Endpoint,
        _ summary: String,
        body: String? = nil,
        answer: String?,
        _ codes: [KeyShareFailureCode] = []
    ) {
        self.endpoint = endpoint
        self.summary = summary
        self.body = body
        self.answer = answer
        self.codes = codes
    }

    private static func data(_ json: String) -> String { #"{"success":true,"data":\#(json)}"# }

    // MARK: Shares

    private static let keyAndShare = #""public_key":"66 hex","share":"128 hex""#
    private static let reveal = #","cr_session_id":"UUID","cr_signature":"128 hex""#
    private static let sealed = #"{"nonce":"24 hex","ciphertext":"hex","tag":"32 hex"}"#
    private static let login = #""auth_type":"google","enc_token":\#(sealed)"#
    private static let writing: [KeyShareFailureCode] = [
        .unauthorized, .publicKeyInvalid, .shareInvalid, .curveTypeNotSupported, .duplicatePublicKey,
    ]
    private static let reading: [KeyShareFailureCode] = [
        .unauthorized, .userNotFound, .walletNotFound, .keyShareNotFound, .publicKeyInvalid,
    ]
    private static let session: [KeyShareFailureCode] = [
        .sessionNotFound, .sessionExpired, .invalidSignature, .sessionAlreadyExists,
    ]

    private static func share(_ route: KeyShareRoute) -> RouteDescription {
        let (summary, body, answer, codes) = route.isVersion3 ? version3(route) : versions1And2(route)
        let outside: [KeyShareFailureCode] =
            route.authentication == .none ? [.nodeSealed] : [.providerUnavailable, .nodeSealed]
        return RouteDescription(.share(route), summary, body: body, answer: data(answer), codes + outside)
    }

    private typealias Parts = (summary: String, body: String, answer: String, codes: [KeyShareFailureCode])

    private static func versions1And2(_ route: KeyShareRoute) -> Parts {
        let one = #"{"auth_type":"google","curve_type":"secp256k1",\#(keyAndShare)}"#
        let both =
            #"{"auth_type":"google","wallets":{"secp256k1":{\#(keyAndShare)},"ed25519":{"public_key":"64 hex","share":"128 hex"}}\#(reveal)}"#
        let point = #"{"share_id":"UUID","share":"128 hex"}"#
        return switch route {
        case .registerV1: ("Stores one share", one, "null", writing)
        case .getV1:
            (
                "Gives one share to its owner",
                #"{"auth_type":"google","curve_type":"secp256k1","public_key":"66 hex"}"#,
                point, reading
            )
        case .checkV1:
            (
                "Whether a share exists",
                #"{"user_auth_id":"google_1","auth_type":"google","curve_type":"secp256k1","public_key":"66 hex"}"#,
                #"{"exists":true}"#, [.publicKeyInvalid]
            )
        case .reshareV1: ("Confirms a share", one, "null", reading + [.shareInvalid, .reshareFailed])
        case .getV2:
            (
                "Gives the shares of several wallets",
                #"{"auth_type":"google","wallets":{"secp256k1":"66 hex","ed25519":"64 hex"}\#(reveal)}"#,
                #"{"secp256k1":\#(point),"ed25519":\#(point)}"#, reading + session
            )
        case .checkV2:
            (
                "Whether the shares of several wallets exist",
                #"{"user_auth_id":"google_1","auth_type":"google","wallets":{"secp256k1":"66 hex","ed25519":"64 hex"}}"#,
                #"{"secp256k1":{"exists":true},"ed25519":{"exists":false}}"#, [.publicKeyInvalid]
            )
        case .registerV2: ("Stores the shares of both curves at once", both, "null", writing + session)
        case .registerEd25519V2:
            (
                "Adds an ed25519 share to a user who has a secp256k1 wallet",
                #"{"auth_type":"google","public_key":"64 hex","share":"128 hex"\#(reveal)}"#, "null",
                writing + [.userNotFound, .walletNotFound] + session
            )
        case .reshareV2: ("Confirms several shares", both, "null", reading + [.reshareFailed] + session)
        case .reshareRegisterV2: ("Stores shares on a node that newly joined", both, "null", writing + session)
        default: ("Opens a commit-reveal session", commit, committed, [.sessionAlreadyExists])
        }
    }

    private static let commit =
        #"{"session_id":"UUID","operation_type":"sign_in","client_ephemeral_pubkey":"64 hex","id_token_hash":"64 hex"}"#
    private static let committed = #"{"node_pubkey":"64 hex","node_signature":"128 hex"}"#

    private static func version3(_ route: KeyShareRoute) -> Parts {
        let keys = #"{\#(login),"wallets":{"secp256k1":"66 hex"}}"#
        let shares =
            #"{\#(login),"wallets":{"secp256k1":{"public_key":"66 hex","share":\#(sealed),"commitments":["66 hex"]}}}"#
        let decision = #"{\#(login),"refresh_id":"UUID"}"#
        return switch route {
        case .commitV3:
            (
                "Opens a session of version 3", commit,
                #"{"node_pubkey":"64 hex","node_signature":"128 hex","expires_at":"2026-01-31T12:05:00.000Z"}"#,
                [.sessionAlreadyExists]
            )
        case .getV3:
            (
                "Gives shares, sealed to the session", keys,
                #"{"secp256k1":{"share_id":"UUID","epoch":1,"share":\#(sealed)}}"#, reading + session
            )
        case .checkV3: ("Whether the caller's shares exist", keys, #"{"secp256k1":{"exists":true}}"#, session)
        case .registerV3: ("Stores sealed shares of any curves", shares, "null", writing + session)
        case .reshareRegisterV3: ("Stores sealed shares on a node that newly joined", shares, "null", writing + session)
        case .deleteV3: ("Erases shares; the audit keeps that there were some", keys, "null", reading + session)
        case .listV3:
            (
                "Lists the caller's wallets", "{\(login)}",
                #"[{"curve_type":"secp256k1","public_key":"66 hex","epoch":1,"created_at":"...","updated_at":"..."}]"#,
                [.unauthorized, .userNotFound] + session
            )
        case .refreshPrepareV3:
            (
                "Prepares a refresh of shares",
                #"{\#(login),"wallets":{"secp256k1":{"public_key":"66 hex","epoch":1,"delta":\#(sealed),"commitments":["66 hex"]}}}"#,
                #"{"refresh_id":"UUID","epoch":2}"#, reading + [.shareInvalid, .epochConflict] + session
            )
        case .refreshCommitV3:
            ("Puts refreshed shares in force", decision, "null", [.unauthorized, .epochConflict] + session)
        default: ("Takes a refresh back", decision, "null", [.unauthorized, .epochConflict] + session)
        }
    }

    // MARK: Administration

    private static func administration(_ endpoint: Endpoint, _ action: AdministratorAction) -> RouteDescription {
        let (summary, body, answer, codes): (String, String, String, [KeyShareFailureCode]) =
            switch action {
            case .backup:
                (
                    "Makes a backup now", #"{"password":"..."}"#,
                    #"{"dumpId":"UUID","dumpPath":"NAME.akb","dumpSize":1,"dumpDuration":1,"dump_id":"UUID","dump_path":"NAME.akb","dump_size":1,"dump_duration":1}"#,
                    [.dumpFailed]
                )
            case .restore:
                (
                    "Restores a backup of this node, after it was checked beside the live database",
                    #"{"password":"...","dump_path":"NAME.akb"}"#, #"{"dump_path":"NAME.akb"}"#,
                    [.invalidDumpPath, .invalidDumpFile, .dumpFileAccessError, .dumpFileNotFound, .restoreFailed]
                )
            case .history:
                (
                    "The backups that were made, the newest first", #"{"password":"...","days":7}"#,
                    #"[{"dump_id":"UUID","status":"COMPLETED","dump_path":"NAME.akb","meta":{"dump_duration":1,"dump_size":1},"copies":[],"created_at":"...","updated_at":"..."}]"#,
                    [.invalidDays]
                )
            case .rotateKeypair:
                (
                    "Makes the node a new key, signed by the one before", #"{"password":"..."}"#,
                    #"{"version":2,"public_key":"64 hex","is_active":true,"created_at":"...","rotated_at":null,"signature":"128 hex"}"#,
                    [.nodeSealed]
                )
            case .rotateKeyEncryptionKey:
                (
                    "Wraps the data keys of all shares anew", #"{"password":"..."}"#,
                    #"{"epoch":2,"rewrapped":1,"damaged":0,"complete":true}"#, [.nodeSealed]
                )
            case .unseal:
                (
                    "Takes a piece of the root secret", #"{"password":"...","piece":"..."}"#,
                    #"{"given":3,"needed":3,"sealed":false}"#, []
                )
            case .seal:
                ("Forgets the root secret until it is given again", #"{"password":"..."}"#, #"{"sealed":true}"#, [])
            case .audit:
                (
                    "Entries of the audit, and whether its chain holds",
                    #"{"password":"...","after":0,"limit":100,"verify":true}"#,
                    #"{"entries":[],"verification":{"entries":0,"signed_heads":0,"holds":true,"faults":[]}}"#, []
                )
            }
        return RouteDescription(endpoint, summary, body: body, answer: data(answer), [.unauthorized] + codes)
    }
}

extension KeyShareRoute {
    var isVersion3: Bool { rawValue.hasPrefix("/keyshare/v3/") }
}
