// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// One thing an operator can set: its name, meaning, form and default.
///
/// The one table of settings drives parsing, `assay config`, and the generated documentation, so they cannot disagree.
public struct Setting: Sendable, Hashable {
    /// The form of a setting's value.
    public enum Kind: Sendable, Hashable {
        case text
        /// A number within a range.
        case integer(ClosedRange<Int>)
        /// true/false, yes/no, on/off, 1/0.
        case boolean
        /// One of a few words.
        case choice([String])
        /// A file's path.
        case path
        /// Never printed; also read from the file that `NAME_FILE` names, or a systemd credential.
        case secret
    }

    /// The environment variable.
    public let name: String
    public let kind: Kind
    /// What holds when nothing is set; `nil` for "off" or "has to be set".
    public let defaultValue: String?
    /// One sentence, with the unit.
    public let meaning: String
    /// Whether an empty text is a value of its own and not the same as nothing.
    let takesEmpty: Bool

    init(
        _ name: String,
        _ kind: Kind,
        default defaultValue: String? = nil,
        takesEmpty: Bool = false,
        _ meaning: String
    ) {
        self.name = name
        self.kind = kind
        self.defaultValue = defaultValue
        self.meaning = meaning
        self.takesEmpty = takesEmpty
    }

    /// Whether the value must never be shown.
    public var isSecret: Bool { kind == .secret }

    /// The form in words, for documentation and errors.
    public var form: String {
        switch kind {
        case .text: "text"
        case .integer(let range): "integer \(range.lowerBound)...\(range.upperBound)"
        case .boolean: "true or false"
        case .choice(let words): words.joined(separator: ", ")
        case .path: "path"
        case .secret: "secret"
        }
    }
}
