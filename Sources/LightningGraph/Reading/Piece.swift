// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A run of complete array elements, held as the JSON array they make.
struct Piece: Sendable {
    /// A piece is full when it holds this many bytes: large enough that a decoder's fixed cost vanishes, small enough
    /// to stay in the second-level cache.
    static let fullSize = 128 * 1024
    /// An element with more bytes is skipped; real ones have about 800.
    static let elementLimit = 1 << 20

    /// The array without its closing bracket.
    private var bytes: [UInt8] = [UInt8(ascii: "[")]
    private(set) var elements: [Range<Int>] = []
    private var elementStart = 1
    /// Whether the element being collected has outgrown its limit.
    private var isOversized = false

    var isEmpty: Bool { elements.isEmpty }
    var isFull: Bool { bytes.count >= Self.fullSize }

    /// Begins an element.
    mutating func begin() {
        if !elements.isEmpty { bytes.append(UInt8(ascii: ",")) }
        elementStart = bytes.count
        isOversized = false
    }

    /// Adds bytes to the element that was begun.
    mutating func append(_ part: UnsafeRawBufferPointer.SubSequence) {
        guard !isOversized else { return }
        guard bytes.count - elementStart + part.count <= Self.elementLimit else {
            isOversized = true
            return
        }
        bytes.append(contentsOf: part)
    }

    /// Ends the element that was begun.
    ///
    /// - Returns: whether it was kept; one that was too large leaves no trace.
    mutating func end() -> Bool {
        guard !isOversized else {
            bytes.removeLast(bytes.count - elementStart + (elements.isEmpty ? 0 : 1))
            return false
        }
        elements.append(elementStart..<bytes.count)
        return true
    }

    /// The JSON array of all elements.
    var array: [UInt8] { bytes + [UInt8(ascii: "]")] }

    /// The JSON array of one element alone.
    func array(of element: Range<Int>) -> [UInt8] { [UInt8(ascii: "[")] + bytes[element] + [UInt8(ascii: "]")] }

    mutating func removeAll() {
        bytes.removeLast(bytes.count - 1)
        elements.removeAll(keepingCapacity: true)
    }
}
