// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A node of a YAML text, with its place.
///
/// The subset that configuration needs (YAML 1.1 as libyaml reads it): one document of mappings with plain text keys,
/// sequences and scalars. Anchors, aliases, tags and repeated keys are errors, so that what is written is what holds.
public struct YAMLNode: Sendable, Hashable {
    /// What the node is.
    public enum Content: Sendable, Hashable {
        /// Text; `isPlain` when it stands without quotes.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        case mapping([Entry])
    }

    /// One key of a mapping.
    public struct Entry: Sendable, Hashable {
        public let key: String
        public let keyMark: YAMLMark
        public let value: YAMLNode
    }

    public let content: Content
    public let mark: YAMLMark

    public init(_ content: Content, mark: YAMLMark) {
        self.content = content
        self.mark = mark
    }

    /// Whether nothing is said: an empty value, `~` or `null`.
    public var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// The kind in words, for errors.
    public var kind: String {
        switch content {
        case .scalar: isNull ? "nothing" : "text"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}
