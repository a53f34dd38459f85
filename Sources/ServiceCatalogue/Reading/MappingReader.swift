// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import YAML

/// Collects what is wrong with a file, so that all of it can be told at once.
final class ProblemList {
    private(set) var problems: [CatalogueProblem] = []

    func add(_ mark: YAMLMark, _ key: String, _ reason: String) {
        // A file that is something else altogether need not be told line by line.
        if problems.count < 50 { problems.append(CatalogueProblem(mark, key: key, reason)) }
    }
}

/// Reads one mapping key by key; what nobody asked for is a problem.
struct MappingReader {
    let mark: YAMLMark
    /// The mapping's place in the tree, such as `services[0]`.
    let place: String
    let problems: ProblemList
    private var left: [String: YAMLNode.Entry]
    private var asked: [String] = []

    /// Notes a problem and returns `nil` when the node is not a mapping.
    init?(_ node: YAMLNode, _ place: String, _ problems: ProblemList) {
        guard case .mapping(let entries) = node.content else {
            problems.add(node.mark, place, "a mapping is needed here, and this is \(node.kind)")
            return nil
        }
        mark = node.mark
        self.place = place
        self.problems = problems
        left = Dictionary(entries.map { ($0.key, $0) }) { first, _ in first }
    }

    func path(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }

    func problem(_ key: String, _ reason: String, at mark: YAMLMark? = nil) {
        problems.add(mark ?? self.mark, path(key), reason)
    }

    /// Takes a key's value; `nil` when it is absent.
    mutating func take(_ key: String) -> YAMLNode? {
        asked.append(key)
        return left.removeValue(forKey: key)?.value
    }

    /// Takes a value that must be there.
    mutating func require(_ key: String, _ remedy: String) -> YAMLNode? {
        guard let node = take(key) else {
            problem(key, "is missing; \(remedy)")
            return nil
        }
        return node
    }

    /// Takes a text and reads it; a problem when it is not a text or cannot be read.
    mutating func value<Value>(_ key: String, _ remedy: String, _ read: (String) -> Value?) -> Value? {
        guard let node = take(key) else { return nil }
        return scalar(node, key, remedy, read)
    }

    /// Reads a text; a problem when it is not a text or cannot be read.
    func scalar<Value>(_ node: YAMLNode, _ key: String, _ remedy: String, _ read: (String) -> Value?) -> Value? {
        guard case .scalar(let text, _) = node.content, !node.isNull else {
            problem(key, "\(remedy); this is \(node.kind)", at: node.mark)
            return nil
        }
        guard let value = read(text) else {
            problem(key, "'\(text.prefix(64))' does not fit: \(remedy)", at: node.mark)
            return nil
        }
        return value
    }

    /// Takes a list and reads each text of it.
    mutating func list<Value>(_ key: String, _ remedy: String, _ read: (String) -> Value?) -> [Value]? {
        guard let node = take(key) else { return nil }
        return items(node, key, remedy).compactMap { scalar($0, key, remedy, read) }
    }

    /// The nodes of a list; a problem when it is none or empty.
    func items(_ node: YAMLNode, _ key: String, _ remedy: String) -> [YAMLNode] {
        guard case .sequence(let nodes) = node.content, !nodes.isEmpty else {
            problem(key, "a list is needed: \(remedy)", at: node.mark)
            return []
        }
        return nodes
    }

    /// Takes a mapping below this one.
    mutating func mapping(_ key: String) -> MappingReader? {
        take(key).flatMap { MappingReader($0, path(key), problems) }
    }

    /// Notes every key that nobody asked for.
    func finish() {
        for entry in left.values.sorted(by: { ($0.keyMark.line, $0.key) < ($1.keyMark.line, $1.key) }) {
            let meant = NearestWord.to(entry.key, among: asked)
            let remedy = meant.map { "did you mean '\($0)'?" } ?? "there is: \(asked.sorted().joined(separator: ", "))"
            problem(entry.key, "is not a key here; \(remedy)", at: entry.keyMark)
        }
    }
}
