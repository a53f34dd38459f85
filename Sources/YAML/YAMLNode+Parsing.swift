// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// How much of a YAML text is read.
public struct YAMLLimits: Sendable {
    /// Bytes of the text.
    public var size = 1 << 20
    /// Nodes of the tree.
    public var nodes = 65_536
    /// Levels of nesting.
    public var depth = 16

    public init() {}
}

extension YAMLNode {
    /// Reads a text of one document.
    ///
    /// - Throws: ``YAMLError`` with the place of the first problem.
    public init(parsing bytes: [UInt8], limits: YAMLLimits = YAMLLimits()) throws(YAMLError) {
        let start = YAMLMark(line: 1, column: 1)
        guard bytes.count <= limits.size else {
            throw YAMLError(start, "it is larger than \(limits.size) bytes")
        }
        var composer = Composer(reader: try EventReader(bytes), limits: limits)
        self = try composer.document()
    }

    /// Reads a text of one document.
    ///
    /// - Throws: ``YAMLError`` with the place of the first problem.
    public init(parsing text: String, limits: YAMLLimits = YAMLLimits()) throws(YAMLError) {
        try self.init(parsing: Array(text.utf8), limits: limits)
    }
}

/// Makes the tree of the events.
private struct Composer: ~Copyable {
    private let reader: EventReader
    private let limits: YAMLLimits
    private var count = 0

    init(reader: consuming EventReader, limits: YAMLLimits) {
        self.reader = reader
        self.limits = limits
    }

    mutating func document() throws(YAMLError) -> YAMLNode {
        _ = try next()
        let (first, mark) = try next()
        guard case .documentStart = first else { throw YAMLError(mark, "there is nothing in it") }
        let (event, nodeMark) = try next()
        let node = try compose(event, nodeMark, depth: 1)
        _ = try next()
        let (last, lastMark) = try next()
        guard case .streamEnd = last else { throw YAMLError(lastMark, "a second document begins; there must be one") }
        return node
    }

    private mutating func compose(_ event: EventReader.Event, _ mark: YAMLMark, depth: Int) throws(YAMLError)
        -> YAMLNode
    {
        guard depth <= limits.depth else { throw YAMLError(mark, "it is nested deeper than \(limits.depth) levels") }
        switch event {
        case .scalar(let text, let isPlain): return YAMLNode(.scalar(text, isPlain: isPlain), mark: mark)
        case .sequenceStart: return YAMLNode(.sequence(try sequence(depth)), mark: mark)
        case .mappingStart: return YAMLNode(.mapping(try mapping(depth)), mark: mark)
        case .refused(let reason): throw YAMLError(mark, reason)
        case .sequenceEnd, .mappingEnd, .documentStart, .documentEnd, .streamStart, .streamEnd:
            throw YAMLError(mark, "a value is missing here")
        }
    }

    private mutating func sequence(_ depth: Int) throws(YAMLError) -> [YAMLNode] {
        var nodes: [YAMLNode] = []
        while true {
            let (event, mark) = try next()
            if case .sequenceEnd = event { return nodes }
            nodes.append(try compose(event, mark, depth: depth + 1))
        }
    }

    private mutating func mapping(_ depth: Int) throws(YAMLError) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var places: [String: YAMLMark] = [:]
        while true {
            let (event, mark) = try next()
            if case .mappingEnd = event { return entries }
            if case .refused(let reason) = event { throw YAMLError(mark, reason) }
            guard case .scalar(let key, _) = event else { throw YAMLError(mark, "a key must be plain text") }
            if let first = places.updateValue(mark, forKey: key) {
                throw YAMLError(mark, "'\(key)' stands here a second time; the first is in line \(first.line)")
            }
            let (value, valueMark) = try next()
            let node = try compose(value, valueMark, depth: depth + 1)
            entries.append(YAMLNode.Entry(key: key, keyMark: mark, value: node))
        }
    }

    private mutating func next() throws(YAMLError) -> (EventReader.Event, YAMLMark) {
        let (event, mark) = try reader.next()
        count += 1
        guard count <= limits.nodes else { throw YAMLError(mark, "it has more than \(limits.nodes) parts") }
        return (event, mark)
    }
}
