// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A set of versions we speak.
public struct VersionSet: Hashable, Sendable {
    private var bits: UInt16

    public init(_ versions: some Sequence<Version>) {
        bits = versions.reduce(0) { $0 | ($1.index.map { 1 << UInt16($0) } ?? 0) }
    }

    public static let all = VersionSet(Version.all)

    @inline(__always)
    public func contains(_ version: Version) -> Bool {
        guard let index = version.index else { return false }
        return contains(index: index)
    }

    @inline(__always)
    func contains(index: Int) -> Bool { bits & (1 << UInt16(index)) != 0 }

    /// The members, Google first, ascending.
    public var versions: [Version] { Version.all.filter(contains).sorted() }

    /// The members that have a number on the wire, ascending: what VERS states.
    public var numbered: [Version] { versions.filter { $0 != .google } }
}
