// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation

/// One recorded exchange with a real LND.
struct RecordedExchange {
    let name: String
    let node: String
    let method: String
    let path: String
    let macaroon: String
    /// The body's text; `nil` when none was sent.
    let body: String?
    let status: Int
    let headers: [String: String]
    /// The answer's body, or its lines when it was a stream.
    let answer: Any
    let isStream: Bool

    static func all() throws -> [String: Data] {
        let directory = Bundle.module.bundleURL.appending(path: "Vectors")
        let files = try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
        let pairs = try files.filter { $0.pathExtension == "json" }.map { file in
            (file.deletingPathExtension().lastPathComponent, try Data(contentsOf: file))
        }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    /// Reads an exchange after replacing what belongs to the recorded nodes by what belongs to ours.
    init?(name: String, text: String) throws {
        let json = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
        guard let request = json["request"] as? [String: Any], let response = json["response"] as? [String: Any] else {
            return nil
        }
        self.name = name
        node = request["node"] as? String ?? ""
        method = request["method"] as? String ?? ""
        path = request["path"] as? String ?? ""
        macaroon = request["macaroon"] as? String ?? "none"
        body = try request["raw_body"] as? String ?? Self.bodyText(request, in: text)
        status = response["status"] as? Int ?? 0
        headers = response["headers"] as? [String: String] ?? [:]
        let lines = response["stream_lines"] as? [Any]
        isStream = lines != nil
        answer = lines ?? response["body"] ?? NSNull()
    }

    /// The body as Python's `json.dumps` sent it, in the recorded order of its fields: errors tell positions in it.
    private static func bodyText(_ request: [String: Any], in text: String) throws -> String? {
        guard let fields = request["body"] as? [String: Any] else { return nil }
        let places = fields.keys.sorted { left, right in
            let leftPlace = text.range(of: "\"\(left)\"")?.lowerBound ?? text.endIndex
            return leftPlace < (text.range(of: "\"\(right)\"")?.lowerBound ?? text.endIndex)
        }
        let members = try places.map { key in
            let value = try JSONSerialization.data(
                withJSONObject: fields[key] ?? NSNull(),
                options: [.fragmentsAllowed, .withoutEscapingSlashes]
            )
            return "\"\(key)\": \(String(decoding: value, as: UTF8.self))"
        }
        return "{\(members.joined(separator: ", "))}"
    }
}

/// The shape of a JSON value: which fields, of which types.
enum Shape {
    /// Objects whose keys are data, not names of fields.
    static let maps: Set<String> = [
        "features", "custom_records", "first_hop_custom_records", "amp_invoice_state", "method_permissions",
    ]

    /// Lists the differences of two values' shapes; lists are compared by their last elements.
    static func differences(_ recorded: Any, _ ours: Any, at path: String = "$") -> [String] {
        switch (recorded, ours) {
        case (let recorded as [String: Any], let ours as [String: Any]):
            return members(recorded, ours, at: path)
        case (let recorded as [Any], let ours as [Any]):
            guard let last = recorded.last, let own = ours.last else { return [] }
            return differences(last, own, at: path + "[]")
        default:
            let (left, right) = (type(recorded), type(ours))
            return left == right ? [] : ["\(path): \(right) instead of \(left)"]
        }
    }

    private static func members(_ recorded: [String: Any], _ ours: [String: Any], at path: String) -> [String] {
        if maps.contains(path.split(separator: ".").last.map(String.init) ?? "") {
            guard let first = recorded.min(by: { $0.key < $1.key }), let own = ours.min(by: { $0.key < $1.key })
            else { return [] }
            return differences(first.value, own.value, at: path + ".*")
        }
        let missing = Set(recorded.keys).subtracting(ours.keys).sorted().map { "\(path).\($0) is missing" }
        let extra = Set(ours.keys).subtracting(recorded.keys).sorted().map { "\(path).\($0) is not LND's" }
        let common = Set(recorded.keys).intersection(ours.keys).sorted()
        return missing + extra
            + common.flatMap { differences(recorded[$0] ?? NSNull(), ours[$0] ?? NSNull(), at: "\(path).\($0)") }
    }

    private static func type(_ value: Any) -> String {
        switch value {
        case is NSNull: "null"
        case is String: "string"
        case is [String: Any]: "object"
        case is [Any]: "array"
        case let number as NSNumber where String(cString: number.objCType) == "c": "bool"
        default: "number"
        }
    }
}
