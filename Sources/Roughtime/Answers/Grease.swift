// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Spoils a few answers on purpose, so that clients which do not check are noticed early (RFC 10049, section 7).
///
/// A greased answer never states a wrong time under two valid signatures, and is never longer than the request.
final class Grease {
    enum Kind: CaseIterable {
        /// A tag nobody knows; a client ignores it.
        case unknownTag
        /// INDX is missing.
        case missingTag
        /// A wrong midpoint under a signature that does not hold.
        case brokenSignature
        /// A version that was not offered.
        case versionNotOffered
    }

    private let oneIn: UInt64
    private var state: UInt64
    private var kind = Kind.unknownTag

    init(oneIn: Int, seed: UInt64) {
        self.oneIn = UInt64(max(oneIn, 0))
        state = seed
    }

    @inline(__always)
    func isDue() -> Bool { oneIn > 0 && next() % oneIn == 0 }

    /// Before signing: chooses the kind, and states a version that nobody offered if that is it.
    func begin(_ answer: UnsafeMutableRawPointer, version: Int?) {
        kind = Kind.allCases[Int(next() % UInt64(Kind.allCases.count))]
        if kind == .versionNotOffered, let version { storeUnknownVersion(answer, version) }
    }

    /// After signing; returns the new length.
    func finish(_ answer: UnsafeMutableRawPointer, _ length: Int, _ layout: AnswerLayout, limit: Int) -> Int {
        switch kind {
        case .unknownTag:
            return length + 8 <= limit ? addTag(answer, length, layout.start) : length
        case .missingTag:
            // INDX is the last tag; its name becomes one that nobody knows and that still comes last.
            let count = load(answer, layout.start)
            store(Tag(rawValue: Tag.index.rawValue + 0x0100_0000).rawValue, answer, layout.start + 8 * Int(count) - 4)
        case .brokenSignature:
            let midpoint = answer.loadUnaligned(fromByteOffset: layout.midpoint, as: UInt64.self)
            answer.storeBytes(of: midpoint ^ next() & 0xffff, toByteOffset: layout.midpoint, as: UInt64.self)
            let byte = layout.signature + Int(next() % 32)
            answer.storeBytes(
                of: answer.load(fromByteOffset: byte, as: UInt8.self) ^ 0x55,
                toByteOffset: byte,
                as: UInt8.self
            )
        case .versionNotOffered:
            if let version = layout.version, !layout.signed.contains(version) { storeUnknownVersion(answer, version) }
        }
        return length
    }

    /// Appends an empty value under a tag above all others.
    private func addTag(_ answer: UnsafeMutableRawPointer, _ length: Int, _ start: Int) -> Int {
        let count = Int(load(answer, start))
        let values = start + 8 * count
        let tags = start + 4 * count
        (answer + values + 8).copyMemory(from: answer + values, byteCount: length - values)
        (answer + tags + 4).copyMemory(from: answer + tags, byteCount: 4 * count)
        store(UInt32(length - values), answer, tags)
        store(Tag.index.rawValue + 0x0100_0000, answer, tags + 4 + 4 * count)
        store(UInt32(count + 1), answer, start)
        if start > 0 { store(UInt32(length + 8 - start), answer, 8) }
        return length + 8
    }

    private func storeUnknownVersion(_ answer: UnsafeMutableRawPointer, _ offset: Int) {
        // Private numbers are never offered to strangers.
        store(0xc000_0000 | UInt32(truncatingIfNeeded: next() >> 40), answer, offset)
    }

    private func load(_ answer: UnsafeMutableRawPointer, _ offset: Int) -> UInt32 {
        answer.loadUnaligned(fromByteOffset: offset, as: UInt32.self).littleEndian
    }

    private func store(_ value: UInt32, _ answer: UnsafeMutableRawPointer, _ offset: Int) {
        answer.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
    }

    private func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
