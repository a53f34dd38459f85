// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Which requests a server answers, and how: the decisions of RFC 10049, section 5.1, for every version at once.
public struct RequestRules: Sendable {
    public static let minimumLength = 1024
    public static let maximumLength = 2048

    public var versions: VersionSet
    /// The SRV values of our long-term keys.
    let serverTags: [[UInt8]]

    /// Makes the rules of a server.
    ///
    /// - Parameter longTermPublicKeys: our keys; with more than one, a request must say which with SRV.
    public init(versions: VersionSet = .all, longTermPublicKeys: [[UInt8]]) {
        self.versions = versions
        serverTags = longTermPublicKeys.map(LongTermKey.serverTag)
    }

    /// Decides about one datagram without copying it.
    @inline(__always)
    public func decide(_ datagram: RawSpan) -> Result<AcceptedRequest, DropReason> {
        do throws(DropReason) { return .success(try accept(datagram)) } catch { return .failure(error) }
    }

    private func accept(_ datagram: RawSpan) throws(DropReason) -> AcceptedRequest {
        let length = datagram.byteCount
        guard (Self.minimumLength...Self.maximumLength).contains(length), length & 3 == 0 else { throw .size }
        let isFramed = datagram.uint64(at: 0) == Frame.magic
        let start = isFramed ? Frame.headerLength : 0
        if isFramed, Int(datagram.uint32(at: 8)) != length - Frame.headerLength { throw .frame }
        let fields = try RequestFields(datagram, start..<length)
        guard let nonce = fields.nonce else { throw .nonce }
        guard isFramed else {
            guard fields.version == nil, versions.contains(.google) else { throw .version }
            guard nonce.count == 64 else { throw .nonce }
            return try AcceptedRequest(index: 0, hasType: false, key: anyKey(), nonce: nonce, length: length)
        }
        let chosen = try choose(datagram, fields, nonceLength: nonce.count)
        let profile = Profile.table[chosen]
        // Older texts know no such rule; the rest of a padded request must not carry anything from draft 12 on.
        if profile.hasSignedVersions, let padding = fields.padding, !isZero(datagram, padding) { throw .padding }
        return try AcceptedRequest(
            index: chosen,
            hasType: fields.type != nil,
            key: key(datagram, profile.knowsServerTag ? fields.server : nil),
            nonce: nonce,
            length: length
        )
    }

    /// The version to answer with: the RFC's if it will do, else the greatest that both know and the nonce fits.
    private func choose(
        _ datagram: RawSpan,
        _ fields: RequestFields,
        nonceLength: Int
    ) throws(DropReason) -> Int {
        guard let list = fields.version, list.count >= 4, list.count <= 4 * Request.maximumVersions else {
            throw .version
        }
        var isModern = false
        var isAscending = true
        var previous: UInt32?
        var best: Int?
        for offset in stride(from: list.lowerBound, to: list.upperBound, by: 4) {
            let number = datagram.uint32(at: offset)
            if let previous, number <= previous { isAscending = false }
            previous = number
            guard number != 0, let index = Version(rawValue: number).index else { continue }
            let profile = Profile.table[index]
            isModern = isModern || profile.hasSignedVersions
            guard versions.contains(index: index), profile.nonceLength == nonceLength,
                profile.responseType != .always || fields.type != nil
            else { continue }
            best = max(best ?? 0, index)
        }
        if isModern {
            guard isAscending else { throw .version }
            if let type = fields.type, type.count != 4 || datagram.uint32(at: type.lowerBound) != 0 { throw .type }
        }
        guard let best else { throw .version }
        return best
    }

    private func anyKey() throws(DropReason) -> Int {
        guard serverTags.count == 1 else { throw .srv }
        return 0
    }

    private func key(_ datagram: RawSpan, _ server: Range<Int>?) throws(DropReason) -> Int {
        guard let server else { return try anyKey() }
        guard server.count == 32 else { throw .srv }
        search: for key in serverTags.indices {
            for byte in 0..<32 where datagram.byte(at: server.lowerBound + byte) != serverTags[key][byte] {
                continue search
            }
            return key
        }
        throw .srv
    }

    @inline(__always)
    private func isZero(_ datagram: RawSpan, _ range: Range<Int>) -> Bool {
        var all: UInt64 = 0
        var offset = range.lowerBound
        while offset + 8 <= range.upperBound {
            all |= datagram.uint64(at: offset)
            offset += 8
        }
        while offset < range.upperBound {
            all |= UInt64(datagram.byte(at: offset))
            offset += 1
        }
        return all == 0
    }
}

/// A request that gets an answer: all that answering needs to know.
public struct AcceptedRequest: Sendable, Equatable {
    /// Which row of the profiles, see ``Version/index``.
    var index: Int
    public var hasType: Bool
    /// Which of our long-term keys.
    public var key: Int
    /// Where the nonce stands in the datagram.
    public var nonce: Range<Int>
    /// Length of the datagram, the most the answer may have.
    public var length: Int

    public var version: Version { Profile.table[index].version }
}

/// The places of the values that matter, found in one pass.
private struct RequestFields {
    var nonce: Range<Int>?
    var version: Range<Int>?
    var server: Range<Int>?
    var type: Range<Int>?
    var padding: Range<Int>?

    @inline(__always)
    init(_ datagram: RawSpan, _ range: Range<Int>) throws(DropReason) {
        var fields = RequestFields()
        do throws(MessageError) {
            try MessageScanner.scan(datagram, in: range) { tag, value in
                switch tag {
                case .nonce: fields.nonce = value
                case .version: fields.version = value
                case .server: fields.server = value
                case .type: fields.type = value
                case .padding: fields.padding = value
                default: break
                }
            }
        } catch {
            throw .parse
        }
        self = fields
    }

    private init() {}
}
