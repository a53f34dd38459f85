// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import LightningPrimitives

/// Reads LND's `GET /v1/graph` answer as it arrives and builds the graph from it.
///
/// The body is never in memory as a whole: a splitter finds the elements of the two big arrays, and pieces of about
/// 128 KiB go through Foundation's decoder. A bad element is counted and skipped; it never stops the reading.
public struct GraphReader: Sendable {
    /// How much graph is accepted.
    public struct Limits: Sendable, Hashable {
        /// Most nodes, announced or named by a channel.
        ///
        /// Mainnet has about 17,000.
        public var nodes = 1_000_000
        /// Most channels.
        ///
        /// Mainnet has about 51,000.
        public var channels = 2_000_000

        public init() {}
    }

    /// What was read and what was passed over.
    public struct Report: Sendable, Hashable {
        /// Bytes of JSON.
        public internal(set) var bytes = 0
        /// Announcements accepted.
        public internal(set) var nodes = 0
        /// Channels accepted.
        public internal(set) var channels = 0
        /// Elements that were not a node or a channel, or whose keys, numbers or size were impossible.
        public internal(set) var badElements = 0
        /// Directions whose policy made no sense; they are treated as unknown.
        public internal(set) var badPolicies = 0
        /// Channels that came a second time.
        public internal(set) var duplicateChannels = 0

        /// Nothing was read.
        public init() {}
    }

    private var splitter = ElementSplitter()
    private var graph = ChannelGraph()
    private var known: Set<ShortChannelID> = []
    private var counted = Report()
    private let limits: Limits

    public init(limits: Limits = Limits()) {
        self.limits = limits
        graph.reserve(nodes: 20_000, channels: 60_000)
    }

    /// What was read so far.
    public var report: Report {
        var report = counted
        report.badElements += splitter.refusedElements
        return report
    }

    /// Takes the next bytes of the answer, cut anywhere.
    ///
    /// - Throws: ``GraphReadError`` when the whole cannot be the answer to `GET /v1/graph`. The reader must not be used
    ///   after that.
    public mutating func consume(_ bytes: UnsafeRawBufferPointer) throws(GraphReadError) {
        counted.bytes += bytes.count
        var position = 0
        while let section = try splitter.advance(bytes, from: &position) {
            switch section {
            case .nodes: try addNodes()
            case .edges: try addChannels()
            }
            splitter.removePiece()
        }
    }

    /// Takes the next bytes of the answer, cut anywhere; see ``consume(_:)-(UnsafeRawBufferPointer)``.
    public mutating func consume(_ bytes: [UInt8]) throws(GraphReadError) {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(GraphReadError) in try consume(buffer) }
        }
        try result.get()
    }

    /// Ends the reading.
    ///
    /// - Returns: the graph. ``report`` says what was left out.
    /// - Throws: `.truncated` when bytes are missing, `.malformed` when one of the arrays never came.
    public func finish() throws(GraphReadError) -> ChannelGraph {
        try splitter.finish()
        return graph
    }

    private mutating func addNodes() throws(GraphReadError) {
        for element in decode(NodeElement.self) {
            graph.add(element.node)
            counted.nodes += 1
        }
        try checkLimits()
    }

    private mutating func addChannels() throws(GraphReadError) {
        for element in decode(EdgeElement.self) {
            guard known.insert(element.id).inserted else {
                counted.duplicateChannels += 1
                continue
            }
            // BOLT 7 orders the ends by key; an answer that does not is put right.
            let isOrdered = element.node1 < element.node2
            let (low, high) = isOrdered ? (element.node1, element.node2) : (element.node2, element.node1)
            graph.add(
                Channel(
                    id: element.id,
                    node1: graph.intern(low),
                    node2: graph.intern(high),
                    capacitySat: element.capacitySat,
                    policy1: isOrdered ? element.policy1 : element.policy2,
                    policy2: isOrdered ? element.policy2 : element.policy1
                )
            )
            counted.channels += 1
            counted.badPolicies += element.badPolicies
        }
        try checkLimits()
    }

    private func checkLimits() throws(GraphReadError) {
        guard graph.nodes.count <= limits.nodes, graph.channels.count <= limits.channels else {
            throw GraphReadError(.tooLarge, "more than \(limits.nodes) nodes or \(limits.channels) channels")
        }
    }

    /// Decodes the splitter's piece; one element that is not even JSON costs the others a second attempt, one by one.
    private mutating func decode<Element: Decodable>(_ type: Element.Type) -> [Element] {
        let decoder = JSONDecoder()
        let piece = splitter.piece
        let tolerated: [Tolerated<Element>]
        if let all = try? decoder.decode([Tolerated<Element>].self, from: Data(piece.array)) {
            tolerated = all
        } else {
            tolerated = piece.elements.flatMap { range in
                (try? decoder.decode([Tolerated<Element>].self, from: Data(piece.array(of: range)))) ?? []
            }
        }
        let elements = tolerated.compactMap(\.element)
        counted.badElements += piece.elements.count - elements.count
        return elements
    }
}
