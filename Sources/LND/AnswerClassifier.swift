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
    ///   - version: of the node, as it says itself; empty when not known yet.
    static func classify(status: Int, body: Data, bodyDecodes: Bool, mayBeNotFound: Bool, version: String = "")
        -> Answer
    {
        if (200..<300).contains(status) {
            return bodyDecodes ? .ok : Answer(.transport, nil, nil, "the body did not parse")
        }
        let decoder = JSONDecoder()
        let error =
            (try? decoder.decode(ErrorBody.self, from: body))
            ?? (try? decoder.decode(StreamError.self, from: body))?.error
        return classify(status: status, error: error, mayBeNotFound: mayBeNotFound, version: version)
    }

    static func classify(status: Int, error: ErrorBody?, mayBeNotFound: Bool, version: String = "") -> Answer {
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
        let meaning = ErrorMeanings.meaning(code: code, message: message, version: version)
        return Answer(.answered, meaning, code, message)
    }
}

extension AnswerClassifier.Answer {
    init(_ errorClass: LNDError.Class, _ meaning: LNDError.Meaning?, _ grpcCode: Int?, _ message: String) {
        self.init(errorClass: errorClass, meaning: meaning, grpcCode: grpcCode, message: message)
    }
}
