// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Foundation

/// Whether what was paid for looks like an answer: stage 5.
public struct BodyQuality: Sendable, Hashable {
    /// Whether the body passes.
    public let isGood: Bool
    /// Why not; `nil` when it passes.
    public let reason: String?

    private init(_ reason: String?) {
        self.reason = reason
        isGood = reason == nil
    }

    /// A body of fewer bytes, without the white space around it, is no delivery.
    public static let leastBytes = 10

    /// Judges a body that came with a 2xx status.
    ///
    /// JSON is judged by its top level: a member `error` or `errors` that says something, or a flag that says no. Words
    /// are looked for in short texts only, because a long one may well be about errors.
    public init(status: Int, contentType: String?, body: [UInt8]) {
        guard (200..<300).contains(status) else {
            self.init("status \(status)")
            return
        }
        guard let text = BodyText(body) else {
            // Pictures, sound, archives.
            self.init(body.count < Self.leastBytes ? "too short" : nil)
            return
        }
        if BodyText.trivial.contains(text.trimmed) {
            self.init("says nothing")
        } else if text.trimmed.utf8.count < Self.leastBytes {
            self.init("too short")
        } else if let object = JSONObject(body) {
            self.init(Self.complaint(object))
        } else if BodyText.isJSON(contentType), !text.isJSON {
            self.init("not the JSON it says it is")
        } else if !text.isJSON, text.trimmed.utf8.count < 300 {
            self.init(text.errorWord.map { "says '\($0)'" } ?? text.placeholderWord.map { "says '\($0)'" })
        } else {
            self.init(nil)
        }
    }

    private static func complaint(_ object: JSONObject) -> String? {
        if object.isEmpty { return "an empty object" }
        for name in ["error", "errors"] where object.says(name) { return "the member '\(name)' is set" }
        for name in ["success", "ok"] where object.boolean(name) == false { return "the member '\(name)' is false" }
        if object.boolean("status") == false { return "the member 'status' is false" }
        if let status = object.number("status"), status >= 400, status < 600 {
            return "the member 'status' is an error"
        }
        let words = ["error", "fail", "failed", "failure", "unavailable", "unauthorized", "forbidden"]
        if let status = object.text("status"), words.contains(status.lowercased()) {
            return "the member 'status' is '\(status.prefix(20))'"
        }
        return nil
    }
}

/// SatRank's judgement of a body, kept for comparison.
public struct CompatibleBodyQuality: Sendable, Hashable {
    /// Points, 0 to 5.
    public let score: Int
    public let isGood: Bool

    public init(status: Int, contentType: String?, body: [UInt8]) {
        guard (200..<300).contains(status) else {
            (score, isGood) = (0, false)
            return
        }
        let text = BodyText(bytes: body)
        let hasError = text.errorWord != nil
        let hasPlaceholder = text.placeholderWord != nil
        let points = [
            text.trimmed.utf8.count >= 10, !BodyText.trivial.contains(text.trimmed), !hasError, !hasPlaceholder,
            !BodyText.isJSON(contentType) || text.isFilledJSON,
        ]
        score = points.filter { $0 }.count
        isGood = score >= 3 && !hasError && !hasPlaceholder
    }
}

/// A body as text.
private struct BodyText {
    let trimmed: String

    static let trivial: Set<String> = [
        "", "{}", "[]", "null", "\"\"", "ok", "OK", "true", "false", "0", "empty",
    ]
    private static let errorWords = [
        "error", "unavailable", "internal server error", "rate limit", "unauthorized", "forbidden", "not found",
        "quota exceeded", "insufficient",
    ]
    private static let placeholderWords = [
        "coming soon", "stay tuned", "placeholder", "lorem ipsum", "under construction", "not implemented",
    ]

    /// Returns `nil` when the bytes are no UTF-8.
    init?(_ body: [UInt8]) {
        guard let text = String(validating: body, as: UTF8.self) else { return nil }
        trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    init(bytes: [UInt8]) {
        trimmed = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    var errorWord: String? { first(of: Self.errorWords) }
    var placeholderWord: String? { first(of: Self.placeholderWords) }

    private func first(of words: [String]) -> String? {
        let lower = trimmed.lowercased()
        return words.first { lower.contains($0) }
    }

    static func isJSON(_ contentType: String?) -> Bool { contentType?.lowercased().contains("json") ?? false }

    private var json: Any? {
        let bytes = Array(trimmed.utf8)
        guard JSONNesting.isShallow(bytes) else { return nil }
        return try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
    }

    var isJSON: Bool { json != nil }

    var isFilledJSON: Bool {
        switch json {
        case let object as [String: Any]: !object.isEmpty
        case let array as [Any]: !array.isEmpty
        case let text as String: !text.isEmpty
        case nil, is NSNull: false
        default: true
        }
    }
}
