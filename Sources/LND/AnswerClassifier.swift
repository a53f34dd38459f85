// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Turns an HTTP answer into its class, in the one order that keeps a malformed foreign input from tripping the breaker.
enum AnswerClassifier {
    struct Answer: Sendable, Hashable {
        let errorClass: LNDError.Class?
        let meaning: LNDError.Meaning?
        let grpcCode: Int?
        let message: String

        static let ok = Answer(errorClass: nil, meaning: nil, grpcCode: nil, message: "")
    }

    /// LND's error body; in streams the same object stands inside `error`.
    struct ErrorBody: Decodable {
        let code: Int
        let message: String
    }

    private struct StreamError: Decodable { let error: ErrorBody }

    /// Classifies a complete answer.
    /// - Parameters:
    ///   - bodyDecodes: whether a 2xx body was what the call returns.
    ///   - mayBeNotFound: whether the call can lawfully answer that a thing does not exist.
    static func classify(status: Int, body: Data, bodyDecodes: Bool, mayBeNotFound: Bool) -> Answer {
        if (200..<300).contains(status) {
            return bodyDecodes ? .ok : Answer(.transport, nil, nil, "the body did not parse")
        }
        let decoder = JSONDecoder()
        let error =
            (try? decoder.decode(ErrorBody.self, from: body))
            ?? (try? decoder.decode(StreamError.self, from: body))?.error
        return classify(status: status, error: error, mayBeNotFound: mayBeNotFound)
    }

    static func classify(status: Int, error: ErrorBody?, mayBeNotFound: Bool) -> Answer {
        let code = error?.code
        let message = error?.message ?? "HTTP \(status) without an LND error body"
        if code == 1 { return Answer(.cancelled, nil, code, message) }
        if status == 401 || status == 403 || code == 7 || code == 16 { return Answer(.auth, nil, code, message) }
        if status == 429 || code == 8 { return Answer(.busy, nil, code, message) }
        if status == 405 || status == 501 || code == 12 { return Answer(.unsupported, nil, code, message) }
        if (status == 404 || code == 5) && !mayBeNotFound { return Answer(.unsupported, nil, code, message) }
        if [502, 503, 504].contains(status) || code == 4 || code == 14 || error == nil {
            return Answer(.transport, nil, code, message)
        }
        let meaning = ErrorMeanings.meaning(code: code, message: message)
        return Answer(.answered, meaning, code, message)
    }
}

extension AnswerClassifier.Answer {
    init(_ errorClass: LNDError.Class, _ meaning: LNDError.Meaning?, _ grpcCode: Int?, _ message: String) {
        self.init(errorClass: errorClass, meaning: meaning, grpcCode: grpcCode, message: message)
    }
}

/// What LND's sentences mean.
///
/// LND answers nearly everything with code 2 (unknown), so the sentence has to carry the meaning. The table is data: a
/// sentence that is not in it means `unclassified`, from which nothing follows.
enum ErrorMeanings {
    private static let table: [(part: String, meaning: LNDError.Meaning)] = [
        ("unable to find a path", .noRoute),
        ("insufficient local balance", .insufficientLocalBalance),
        ("invoice with payment hash already exists", .invoiceAlreadyExists),
        ("invoice already settled", .invoiceAlreadySettled),
        ("invoice is already paid", .alreadyPaid),
        ("payment is in transition", .alreadyPaid),
        ("invoice expired. valid until", .invoiceExpired),
        ("invoice not for current active network", .wrongNetwork),
        ("unable to locate invoice", .notFound),
        ("unable to find node", .notFound),
        ("edge not found", .notFound),
        ("wallet not created", .notReady),
        ("wallet locked", .notReady),
        ("rpc server is in the process of starting", .notReady),
        ("waiting to start", .notReady),
        ("server is still in the process of starting", .notReady),
        ("expected 1 macaroon", .macaroonRefused),
        ("verification failed", .macaroonRefused),
        ("cannot determine data format of binary-encoded macaroon", .macaroonRefused),
        ("cannot get macaroon", .macaroonRefused),
        ("permission denied", .macaroonRefused),
        ("encoding/hex", .macaroonRefused),
    ]

    static func meaning(code: Int?, message: String) -> LNDError.Meaning {
        let text = message.lowercased()
        if let entry = table.first(where: { text.contains($0.part) }) { return entry.meaning }
        switch code {
        case 3: return .invalidArgument
        case 5: return .notFound
        case 6: return .alreadyPaid
        default: return .unclassified
        }
    }
}
