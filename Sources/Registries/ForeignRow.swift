// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Foundation
internal import LightningPrimitives

/// A JSON object of a directory, read member by member; what is missing, of another type or out of range is absent.
struct ForeignRow {
    private let members: [String: Any]

    init?(_ value: Any) {
        guard let members = value as? [String: Any] else { return nil }
        self.members = members
    }

    /// The document of an answer: an object, or an array at the top.
    static func document(_ body: [UInt8]) -> Any? {
        guard JSONNesting.isShallow(body) else { return nil }
        return try? JSONSerialization.jsonObject(with: Data(body))
    }

    /// A text without controls, trimmed and cut; `nil` when nothing is left.
    func text(_ name: String, limit: Int) -> String? { (members[name] as? String).flatMap { Self.plain($0, limit) } }

    /// The first text of an array, cleaned like ``text(_:limit:)``.
    func firstText(_ name: String, limit: Int) -> String? {
        (array(name).first as? String).flatMap { Self.plain($0, limit) }
    }

    /// Cleans a text and cuts it to so many bytes.
    ///
    /// Marks that turn the direction of writing go too: a name must not be able to change how what stands beside it reads.
    private static func plain(_ raw: String, _ limit: Int) -> String? {
        let plain = raw.unicodeScalars.lazy.filter { !$0.properties.isBidiControl }
            .map { $0.properties.generalCategory == .control ? " " : $0 }
        var text = String(String.UnicodeScalarView(plain.prefix(limit * 4)))
        text = text.trimmingCharacters(in: .whitespaces)
        while text.utf8.count > limit { text.removeLast() }
        return text.isEmpty ? nil : text
    }

    /// A number within a range, also when it is written as a text.
    func number(_ name: String, in range: ClosedRange<Double>) -> Double? {
        let value: Double? =
            switch members[name] {
            case let number as NSNumber: String(cString: number.objCType) == "c" ? nil : number.doubleValue
            case let text as String: Double(text)
            default: nil
            }
        guard let value, value.isFinite, range.contains(value) else { return nil }
        return value
    }

    func object(_ name: String) -> ForeignRow? { members[name].flatMap { ForeignRow($0) } }

    /// Whether the member is there and holds an array.
    func has(_ name: String) -> Bool { members[name] is [Any] }

    func array(_ name: String) -> [Any] { members[name] as? [Any] ?? [] }

    /// Unix seconds of `YYYY-MM-DD HH:MM:SS` or RFC 3339, read as UTC without a zone.
    func time(_ name: String) -> Int64? {
        guard let text = members[name] as? String, text.utf8.count >= 19 else { return nil }
        let bytes = Array(text.utf8.prefix(19))
        func digits(_ range: Range<Int>) -> Int? { Int(String(decoding: bytes[range], as: UTF8.self)) }
        guard let year = digits(0..<4), let month = digits(5..<7), let day = digits(8..<10), let hour = digits(11..<13),
            let minute = digits(14..<16), let second = digits(17..<19), (2009...2100).contains(year),
            (1...12).contains(month), (1...31).contains(day), (0...23).contains(hour), (0...59).contains(minute),
            (0...60).contains(second)
        else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let parts = DateComponents(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        return calendar.date(from: parts).map { Int64($0.timeIntervalSince1970) }
    }

    /// A method we use; `GET` unless the row says `POST`.
    func method(_ name: String) -> String {
        (members[name] as? String)?.uppercased() == "POST" ? "POST" : "GET"
    }
}

extension MilliSatoshi {
    /// A price in satoshi as a directory writes it: more than nothing, at most one bitcoin.
    init?(listedSats value: Double?) {
        guard let value, value > 0, value <= 100_000_000 else { return nil }
        self.init(msat: Int64((value * 1000).rounded(.up)))
    }
}
