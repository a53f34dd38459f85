// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What an operator decides about a key share node.
public struct KeyShareConfiguration: Sendable {
    /// Whether calls need a commit-reveal session around them.
    public enum Sessions: String, Sendable, Hashable, CaseIterable {
        /// The members of sessions are ignored in version 2.
        case off
        /// A session is checked where a call names one.
        case optional
        /// Version 2 needs a session, and version 1, which has none, gives and takes no shares.
        case required
    }

    /// How shares are written.
    public enum WriteFormat: String, Sendable, Hashable, CaseIterable {
        /// As an Oko node reads them, for the time in which one may have to take over again.
        case v1
        case v2
    }

    public var sessions = Sessions.optional
    public var writeFormat = WriteFormat.v2
    /// Calls by which one person is given shares, or a list of wallets, in an hour.
    public var readsPerHour: Int32 = 20
    /// Calls by which one person changes shares in an hour.
    public var writesPerHour: Int32 = 5
    /// Calls of one person in an hour that are refused for what is stored, such as an unknown wallet.
    ///
    /// They do not count as reads or writes, but what is refused is an answer, too.
    public var refusalsPerHour: Int32 = 100
    /// Questions of one address whether one person has a share, in an hour.
    public var checksPerHour: Int32 = 120
    /// Rows of format 1 that the background rewrites in a second.
    public var migratedPerSecond = 100
    /// The part of all shares that is opened and checked each day.
    public var scrubbedPerDay = 0.01

    public init() {}
}
