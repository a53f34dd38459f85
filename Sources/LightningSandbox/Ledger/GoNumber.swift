// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Numbers as Go prints them, where LND's sentences have them.
enum GoNumber {
    /// A positive integer in the shortest scientific form, such as `3.1536e+07`.
    static func scientific(_ number: Int64) -> String {
        let digits = Array(String(number))
        let significant = digits.reversed().drop { $0 == "0" }.reversed()
        let fraction = String(significant.dropFirst())
        let exponent = digits.count - 1
        let mantissa = fraction.isEmpty ? String(digits[0]) : "\(digits[0]).\(fraction)"
        return "\(mantissa)e+\(exponent < 10 ? "0" : "")\(exponent)"
    }
}
