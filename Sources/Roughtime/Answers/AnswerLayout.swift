// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The answers of one version, with or without TYPE, for every depth of tree.
struct AnswerLayouts: Sendable {
    /// Deepest tree: a full batch.
    static let maximumDepth = 8

    let context: [UInt8]
    private let layouts: [AnswerLayout]

    init(_ profile: Profile, hasType: Bool, certificate: [UInt8], versions: [Version]) {
        context = profile.responseContext.bytes
        layouts = (0...Self.maximumDepth).map {
            AnswerLayout(profile, hasType: hasType, certificate: certificate, versions: versions, depth: $0)
        }
    }

    @inline(__always)
    subscript(depth: Int) -> AnswerLayout { layouts[depth] }
}

/// An answer with gaps, and where the gaps are.
struct AnswerLayout: Sendable {
    let bytes: [UInt8]
    let signature: Int
    let nonce: Int?
    let path: Int
    let index: Int
    /// The signed part.
    let signed: Range<Int>
    let radius: Int
    let midpoint: Int
    let root: Int
    let signedNonce: Int?
    /// VER, whether signed or not.
    let version: Int?
    /// Where the message begins, behind the frame.
    let start: Int

    init(_ profile: Profile, hasType: Bool, certificate: [UInt8], versions: [Version], depth: Int) {
        func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
        let number = [UInt8](littleEndian: profile.version.rawValue)
        var inner: [(Tag, [UInt8])] = [
            (.radius, zeros(4)), (.midpoint, zeros(8)), (.root, zeros(profile.hash.length)),
        ]
        if profile.hasSignedNonce { inner.append((.nonce, zeros(profile.nonceLength))) }
        if profile.hasSignedVersions {
            inner.append((.version, number))
            inner.append((.versions, versions.flatMap { [UInt8](littleEndian: $0.rawValue) }))
        }
        let signed = Message(values: inner)
        var outer: [(Tag, [UInt8])] = [
            (.signature, zeros(64)), (.path, zeros(depth * profile.hash.length)), (.signedResponse, signed.bytes),
            (.certificate, certificate), (.index, zeros(4)),
        ]
        if profile.hasNonce { outer.append((.nonce, zeros(profile.nonceLength))) }
        if profile.hasVersion { outer.append((.version, number)) }
        if profile.answersType(hasType: hasType) { outer.append((.type, [1, 0, 0, 0])) }
        let message = Message(values: outer)
        let start = profile.isFramed ? Frame.headerLength : 0
        func place(_ tag: Tag) -> Int? {
            message.fields.first { $0.tag == tag }.map { $0.range.lowerBound + start }
        }
        let base = place(.signedResponse) ?? 0
        func innerPlace(_ tag: Tag) -> Int? {
            signed.fields.first { $0.tag == tag }.map { $0.range.lowerBound + base }
        }
        bytes = profile.isFramed ? Frame.wrap(message.bytes) : message.bytes
        signature = place(.signature) ?? 0
        nonce = place(.nonce)
        path = place(.path) ?? 0
        index = place(.index) ?? 0
        self.signed = base..<base + signed.bytes.count
        radius = innerPlace(.radius) ?? 0
        midpoint = innerPlace(.midpoint) ?? 0
        root = innerPlace(.root) ?? 0
        signedNonce = innerPlace(.nonce)
        version = place(.version) ?? innerPlace(.version)
        self.start = start
    }
}
