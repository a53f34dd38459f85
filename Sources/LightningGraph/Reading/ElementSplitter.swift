// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Cuts the two big arrays of LND's `GET /v1/graph` answer into their elements, chunk by chunk.
///
/// It knows just enough of RFC 8259 to find where an element begins and ends: nesting depth, and whether it is inside a
/// string or behind a backslash. Whether an element is valid JSON is the decoder's business. State is carried across
/// chunks, so a chunk may end anywhere, also inside a UTF-8 sequence or an escape. Memory: one piece.
struct ElementSplitter {
    /// The arrays that are split; everything else at the top level is skipped.
    enum Section: Hashable, Sendable { case nodes, edges }

    private enum State {
        /// Before the opening brace. Next: `object`.
        case start
        /// Inside the top-level object. Next: `key`, `skippedValue`, `array`, `end`.
        case object(expectsValue: Bool)
        /// Inside a key of the top-level object. Next: `object`.
        case key
        /// Inside a value that is not wanted. Next: `object`.
        case skippedValue
        /// Inside one of the two arrays, between elements. Next: `element`, `junk`, `object`.
        case array(Section)
        /// Inside an object of one of the two arrays. Next: `array`.
        case element(Section)
        /// Inside an element that is not an object, such as a string. Next: `array`.
        case junk(Section)
        /// Inside an element that is a bare word or number. Next: `array`.
        case scalar(Section)
        /// Behind the closing brace. Only white space may follow.
        case end
    }

    private var state = State.start
    private var nesting = Nesting()
    private var key: [UInt8] = []
    /// Bytes seen in earlier chunks, for error texts.
    private var offset = 0
    private var seen: Set<Section> = []
    private(set) var piece = Piece()
    /// Elements that were no objects or too large.
    private(set) var refusedElements = 0

    /// Scans from `position` until a piece is ready or the chunk is used up.
    ///
    /// - Returns: the array the ready ``piece`` belongs to, or `nil` at the end of the chunk. The caller empties the
    ///   piece with ``removePiece()`` and calls again.
    /// - Throws: `.malformed` when the top level is not an object of arrays and values.
    mutating func advance(
        _ chunk: UnsafeRawBufferPointer,
        from position: inout Int
    ) throws(GraphReadError) -> Section? {
        while position < chunk.count {
            switch state {
            case .element(let section):
                let start = position
                let finished = nesting.scan(chunk, from: &position)
                piece.append(chunk[start..<position])
                guard finished else { continue }
                if !piece.end() { refusedElements += 1 }
                state = .array(section)
                if piece.isFull { return section }
            case .junk(let section):
                if nesting.scan(chunk, from: &position) { state = .array(section) }
            case .skippedValue:
                if nesting.scan(chunk, from: &position) { state = .object(expectsValue: false) }
            case .array(let section):
                if beginElement(chunk[position], section) { continue }
                position += 1
                if case .object = state, !piece.isEmpty { return section }
            case .scalar(let section):
                if chunk[position] == UInt8(ascii: ",") || chunk[position] == UInt8(ascii: "]") {
                    state = .array(section)
                } else {
                    position += 1
                }
            case .start, .object, .key, .end:
                if try topLevel(chunk[position], at: offset + position) { position += 1 }
            }
        }
        offset += chunk.count
        return nil
    }

    mutating func removePiece() { piece.removeAll() }

    /// Checks that the object is complete and held both arrays.
    func finish() throws(GraphReadError) {
        guard case .end = state else {
            throw GraphReadError(.truncated, "the graph ends after \(offset) bytes, before its closing brace")
        }
        guard seen.count == 2 else {
            throw GraphReadError(.malformed, "the answer does not hold the arrays `nodes` and `edges`")
        }
    }

    /// Handles one byte between elements.
    ///
    /// - Returns: whether the byte begins an element and has to be scanned again as its first byte.
    private mutating func beginElement(_ byte: UInt8, _ section: Section) -> Bool {
        switch byte {
        case UInt8(ascii: "{"):
            piece.begin()
            nesting = Nesting()
            state = .element(section)
            return true
        case UInt8(ascii: "]"):
            state = .object(expectsValue: false)
            return false
        case UInt8(ascii: "["), UInt8(ascii: "\""):
            refusedElements += 1
            nesting = Nesting()
            state = .junk(section)
            return true
        case UInt8(ascii: ","), UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"):
            return false
        default:
            refusedElements += 1
            state = .scalar(section)
            return true
        }
    }

    /// Handles one byte of the top level.
    ///
    /// - Returns: whether the byte is used up; otherwise the new state scans it again.
    private mutating func topLevel(_ byte: UInt8, at position: Int) throws(GraphReadError) -> Bool {
        if case .key = state {
            guard byte != UInt8(ascii: "\"") else {
                state = .object(expectsValue: false)
                return true
            }
            // Longer keys are not ours, whatever they say.
            if key.count < 16 { key.append(byte) }
            return true
        }
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): return true
        default: break
        }
        switch (state, byte) {
        case (.start, UInt8(ascii: "{")):
            state = .object(expectsValue: false)
        case (.object(false), UInt8(ascii: "\"")):
            key.removeAll(keepingCapacity: true)
            state = .key
        case (.object, UInt8(ascii: ",")):
            state = .object(expectsValue: false)
        case (.object(false), UInt8(ascii: ":")):
            state = .object(expectsValue: true)
        case (.object, UInt8(ascii: "}")):
            state = .end
        case (.object(true), UInt8(ascii: "[")) where section(of: key) != nil:
            guard let section = section(of: key) else { return true }
            seen.insert(section)
            state = .array(section)
        case (.object(true), UInt8(ascii: "[")), (.object(true), UInt8(ascii: "{")),
            (.object(true), UInt8(ascii: "\"")):
            nesting = Nesting()
            state = .skippedValue
            return false
        case (.object(true), UInt8(ascii: "n")):
            // null: there are none.
            if let section = section(of: key) { seen.insert(section) }
        case (.object(true), _):
            break  // a number or a word that nobody asked for
        default:
            throw GraphReadError(.malformed, "unexpected byte \(byte) at \(position) of the graph")
        }
        return true
    }

    private func section(of key: [UInt8]) -> Section? {
        if key == Array("nodes".utf8) { return .nodes }
        if key == Array("edges".utf8) { return .edges }
        return nil
    }
}
