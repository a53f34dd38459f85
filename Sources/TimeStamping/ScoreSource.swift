// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A score that can be stamped.
public struct StampableScore: Sendable {
    /// The node's name, 32 bytes.
    public let node: [UInt8]
    /// What there is to say, without what changes each time; only compared.
    public let content: @Sendable () throws -> [UInt8]
    /// The document to stamp, which names an answer of the time server that it is younger than.
    ///
    /// The argument is the answer's SHA-256 in hexadecimal.
    public let document: @Sendable (_ after: String) throws -> [UInt8]

    public init(
        node: [UInt8],
        content: @escaping @Sendable () throws -> [UInt8],
        document: @escaping @Sendable (_ after: String) throws -> [UInt8]
    ) {
        self.node = node
        self.content = content
        self.document = document
    }
}

/// Where scores come from.
public struct ScoreSource: Sendable {
    /// Scores of one moment.
    public struct Edition: Sendable {
        /// Differs whenever the scores may.
        public let version: Int64
        public let scores: @Sendable () -> [StampableScore]

        public init(version: Int64, scores: @escaping @Sendable () -> [StampableScore]) {
            self.version = version
            self.scores = scores
        }
    }

    /// The newest scores; nil before there are any.
    public let newest: @Sendable () -> Edition?

    public init(newest: @escaping @Sendable () -> Edition?) {
        self.newest = newest
    }
}
