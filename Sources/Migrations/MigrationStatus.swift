// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials

/// One step as seen from the database.
public struct MigrationStatus: Sendable, Hashable {
    /// What became of a step.
    public enum State: Sendable, Hashable {
        case applied(Date)
        case pending
        /// Applied with another text than this build holds.
        case drifted(Date)
        /// Applied by a newer build.
        case unknown(Date)
    }

    public let id: Int32
    public let name: String
    public let state: State
}
