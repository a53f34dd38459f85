// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import L402

/// One offer of the Payment authentication scheme.
///
/// Source: draft-ryan-httpauth-payment. The parameters are kept as text, exactly as sent, because the id authenticates
/// the text.
public struct PaymentChallenge: Sendable, Hashable {
    public let id: String
    public let realm: String
    /// How to pay, such as `lightning`.
    public let method: String
    /// What is paid for, such as `charge`.
    public let intent: String
    /// What is asked, in base64url; see ``ChargeRequest``.
    public let request: String
    /// When the offer ends, as RFC 3339 text.
    public let expires: String?
    /// The digest of the request's body (RFC 9530).
    public let digest: String?
    /// For a person to read; the id does not cover it.
    public let description: String?
    /// The seller's own data in base64url; see ``PaymentBinding``.
    public let opaque: String?

    /// Makes a challenge, or returns `nil` when a parameter that every challenge needs is empty, or one holds a control
    /// character that no header can carry.
    public init?(
        id: String,
        realm: String,
        method: String,
        intent: String,
        request: String,
        expires: String? = nil,
        digest: String? = nil,
        description: String? = nil,
        opaque: String? = nil
    ) {
        self.id = id
        self.realm = realm
        self.method = method
        self.intent = intent
        self.request = request
        self.expires = expires
        self.digest = digest
        self.description = description
        self.opaque = opaque
        guard ![id, realm, method, intent, request].contains(""), parameters.allSatisfy({ Self.isSendable($0.value) })
        else { return nil }
    }

    /// The challenge as it stands in a `WWW-Authenticate` line, alone or after `, ` behind another challenge.
    public var headerValue: String {
        "Payment " + parameters.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ", ")
    }

    /// The parameters that are present, in the order in which they are sent.
    private var parameters: [(name: String, value: String)] {
        let all: [(name: String, value: String?)] = [
            ("id", id), ("realm", realm), ("method", method), ("intent", intent), ("request", request),
            ("expires", expires), ("digest", digest), ("description", description), ("opaque", opaque),
        ]
        return all.compactMap { name, value in value.map { (name, $0) } }
    }

    /// Whether a quoted-string can hold the text (RFC 9110 section 5.6.4): no control character but the tab.
    private static func isSendable(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }
    }

    private static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) else { return text }
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { out.append("\\") }
            out.append(scalar)
        }
        return String(out)
    }
}

extension PaymentChallenge {
    /// Reads the Payment challenges of `WWW-Authenticate` lines (RFC 9110 section 11.6.1), in order.
    ///
    /// Challenges of other schemes, incomplete ones and repetitions are left out.
    public static func read(_ lines: [String]) -> [PaymentChallenge] {
        var found: [PaymentChallenge] = []
        for case .payment(let parameters) in ChallengeReader.read(lines) {
            // Challenges that differ only in parameters unknown here are the same to us.
            guard let challenge = PaymentChallenge(parameters: parameters), !found.contains(challenge) else { continue }
            found.append(challenge)
        }
        return found
    }

    private init?(parameters: [String: String]) {
        guard let id = parameters["id"], let realm = parameters["realm"], let method = parameters["method"],
            let intent = parameters["intent"], let request = parameters["request"]
        else { return nil }
        self.init(
            id: id,
            realm: realm,
            method: method,
            intent: intent,
            request: request,
            expires: parameters["expires"],
            digest: parameters["digest"],
            description: parameters["description"],
            opaque: parameters["opaque"]
        )
    }
}
