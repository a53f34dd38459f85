// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// Which releases have been active, in order; the contents of `history.json`.
public struct ReleaseHistory: Sendable, Hashable, Codable {
    /// One switch of the `current` link.
    public struct Switch: Sendable, Hashable, Codable {
        public enum Reason: String, Sendable, Codable { case install, rollback }

        public enum Outcome: String, Sendable, Codable {
            /// Under way, or interrupted.
            case pending
            /// The release was healthy, or nobody asked whether it is.
            case active
            /// The release was not healthy, and the one before was switched back to.
            case failed
        }

        public let version: ReleaseVersion
        /// In Unix seconds.
        public let time: Int64
        public let reason: Reason
        public var outcome: Outcome
    }

    private let format: String
    public private(set) var switches: [Switch]

    /// The most switches that are remembered.
    public static let countLimit = 1000
    /// The largest file that is read, in bytes.
    public static let sizeLimit = 1 << 20

    private static let format = "assay/release-history/1"

    public init() {
        format = Self.format
        switches = []
    }

    /// Reads the file.
    ///
    /// - Throws: `.malformed`.
    public init(parsing bytes: [UInt8]) throws(ReleaseError) {
        guard bytes.count <= Self.sizeLimit, let history = try? JSONDecoder().decode(Self.self, from: Data(bytes)),
            history.format == Self.format, history.switches.count <= Self.countLimit
        else {
            throw ReleaseError(.malformed, "history.json is not a history of releases: move it away to start a new one")
        }
        self = history
    }

    /// The file's text.
    public var bytes: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        guard let data = try? encoder.encode(self) else { preconditionFailure("strings and integers always encode") }
        return Array(data) + [UInt8(ascii: "\n")]
    }

    /// The switch that was begun and never finished: the program was stopped in the middle.
    public var unfinished: ReleaseVersion? {
        switches.last.flatMap { $0.outcome == .pending ? $0.version : nil }
    }

    /// Writes down that a switch begins.
    ///
    /// An unfinished one before it is one that failed: it was never seen healthy.
    public mutating func begin(_ version: ReleaseVersion, reason: Switch.Reason, time: Int64) {
        finish(.failed)
        switches.append(Switch(version: version, time: time, reason: reason, outcome: .pending))
        switches.removeFirst(max(0, switches.count - Self.countLimit))
    }

    /// Writes down how the switch ended; does nothing when none is under way.
    public mutating func finish(_ outcome: Switch.Outcome) {
        guard let last = switches.indices.last, switches[last].outcome == .pending else { return }
        switches[last].outcome = outcome
    }

    /// The release that was active before the current one: not the one with the next lower version, and none that failed.
    ///
    /// After going back it is the release that was gone back from.
    /// - Parameter current: what the link says, which is right even when somebody has set it by hand.
    public func previous(current: ReleaseVersion?) -> ReleaseVersion? {
        switches.last { $0.outcome == .active && $0.version != current }?.version
    }

    /// When a release last became active, in Unix seconds.
    public func lastActive(_ version: ReleaseVersion) -> Int64? {
        switches.last { $0.outcome == .active && $0.version == version }?.time
    }
}

extension ReleaseHistory {
    /// Which of the installed releases may go: all but the newest `keep`, the current and the previous one.
    ///
    /// - Parameter keep: 2 or more.
    public func removable(
        installed: [ReleaseVersion],
        current: ReleaseVersion?,
        keep: Int
    ) -> [ReleaseVersion] {
        let needed = Set([current, previous(current: current)].compactMap { $0 })
        let others = installed.filter { !needed.contains($0) }.sorted(by: >)
        return Array(others.dropFirst(max(0, keep - needed.count)))
    }
}
