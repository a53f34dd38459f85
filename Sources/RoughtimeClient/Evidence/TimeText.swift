// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Points in time and spans as people read them.
public enum TimeText {
    /// A point in time in UTC, to the millisecond.
    ///
    /// - Parameter unixMicroseconds: since 1970.
    public static func utc(_ unixMicroseconds: Int128) -> String {
        guard let time = Int64(exactly: unixMicroseconds), (-62_135_596_800_000_000...253_402_300_799_999_999) ~= time
        else { return "\(unixMicroseconds) microseconds after 1970" }
        // Rounded down, as a clock does.
        let (second, micro) = (time.quotientAndRemainder(dividingBy: 1_000_000), time)
        let seconds = second.remainder < 0 ? second.quotient - 1 : second.quotient
        let millis = (micro - seconds * 1_000_000) / 1000
        let style = Date.ISO8601FormatStyle(dateSeparator: .dash, dateTimeSeparator: .space, timeZone: .gmt)
        let text = Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(style)
        let digits = String(millis)
        return text.replacingOccurrences(of: "Z", with: "") + "." + String(repeating: "0", count: 3 - digits.count)
            + digits + " UTC"
    }

    /// A span in a unit that suits its size.
    ///
    /// - Parameter microseconds: of any sign.
    public static func span(_ microseconds: Int128, signed: Bool = false) -> String {
        let magnitude = microseconds < 0 ? -microseconds : microseconds
        let sign = microseconds < 0 ? "-" : signed ? "+" : ""
        switch magnitude {
        case ..<1000: return "\(sign)\(magnitude) us"
        case ..<1_000_000: return "\(sign)\(decimal(magnitude, 1000)) ms"
        case ..<600_000_000: return "\(sign)\(decimal(magnitude, 1_000_000)) s"
        case ..<172_800_000_000: return "\(sign)\(magnitude / 60_000_000) min"
        default: return "\(sign)\(magnitude / 86_400_000_000) days"
        }
    }

    private static func decimal(_ value: Int128, _ unit: Int128) -> String {
        let (whole, rest) = value.quotientAndRemainder(dividingBy: unit)
        let tenths = rest * 1000 / unit
        guard tenths > 0 else { return "\(whole)" }
        var digits = String(repeating: "0", count: 3 - "\(tenths)".count) + "\(tenths)"
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(whole).\(digits)"
    }
}
