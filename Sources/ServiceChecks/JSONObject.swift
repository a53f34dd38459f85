// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Foundation

/// A JSON object of somebody else, looked at member by member.
///
/// Nothing of it is trusted: what is missing or of another type reads as absent.
struct JSONObject {
    private let members: [String: Any]

    /// Reads an object, or returns `nil` when the bytes are anything else.
    init?(_ bytes: [UInt8]) {
        guard JSONNesting.isShallow(bytes), let value = try? JSONSerialization.jsonObject(with: Data(bytes)),
            let members = value as? [String: Any]
        else { return nil }
        self.members = members
    }

    private init(_ members: [String: Any]) { self.members = members }

    /// The member's value whatever it is; `nil` when it is absent or null.
    private func value(_ name: String) -> Any? {
        guard let value = members[name], !(value is NSNull) else { return nil }
        return value
    }

    func has(_ name: String) -> Bool { value(name) != nil }

    func text(_ name: String) -> String? { value(name) as? String }

    /// A number that is not a boolean.
    func number(_ name: String) -> Double? {
        guard let number = value(name) as? NSNumber, !Self.isBoolean(number) else { return nil }
        return number.doubleValue
    }

    func boolean(_ name: String) -> Bool? {
        guard let number = value(name) as? NSNumber, Self.isBoolean(number) else { return nil }
        return number.boolValue
    }

    func objects(_ name: String) -> [JSONObject]? { (value(name) as? [[String: Any]])?.map { JSONObject($0) } }

    var isEmpty: Bool { members.isEmpty }

    /// Whether a member says something: neither absent, null, false nor empty.
    func says(_ name: String) -> Bool {
        switch value(name) {
        case nil: false
        case let text as String: !text.isEmpty
        case let number as NSNumber: Self.isBoolean(number) ? number.boolValue : number.doubleValue != 0
        case let array as [Any]: !array.isEmpty
        case let object as [String: Any]: !object.isEmpty
        default: true
        }
    }

    private static func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}
