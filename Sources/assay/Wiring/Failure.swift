// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// An error that ends the program: what went wrong and what to do, with an exit code of sysexits.h.
struct Failure: Error {
    static let usage: Int32 = 64
    static let unreadable: Int32 = 65
    static let unavailable: Int32 = 69
    static let software: Int32 = 70
    static let output: Int32 = 74
    static let temporary: Int32 = 75
    static let refused: Int32 = 77
    static let configuration: Int32 = 78

    let exitCode: Int32
    let message: String

    init(_ exitCode: Int32, _ message: String) {
        self.exitCode = exitCode
        self.message = message
    }
}
