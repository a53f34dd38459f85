// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Checks answers against the request and the server's long-term key (RFC 10049, section 5.4).
public struct ResponseVerifier: Sendable {
    static let maximumPathNodes = 32
    /// From 1970 to the end of the year 9999, in microseconds since 1970.
    static let plausibleTimes: ClosedRange<Int128> = 0...253_402_300_799_999_999

    public let longTermPublicKey: [UInt8]
    public let options: VerificationOptions

    public init(longTermPublicKey: [UInt8], options: VerificationOptions = VerificationOptions()) {
        self.longTermPublicKey = longTermPublicKey
        self.options = options
    }

    /// Checks an answer.
    ///
    /// - Parameters:
    ///   - response: the datagram as it came.
    ///   - request: the datagram as it was sent.
    /// - Returns: what the answer proves.
    /// - Throws: ``VerificationFailure``: the answer proves nothing and should be ignored, not believed in part.
    public func verify(_ response: [UInt8], to request: [UInt8]) throws(VerificationFailure) -> VerifiedResponse {
        try verify(response, to: Request(reading: request))
    }

    public func verify(_ response: [UInt8], to request: Request) throws(VerificationFailure) -> VerifiedResponse {
        guard response.count <= request.packet.count else { throw .longerThanRequest }
        let parts = try parts(response, isFramed: request.versions != [.google], offered: request.versions)
        try checkNonce(parts.message, parts.signed, parts.profile, request)
        let (order, depth) = try checkTree(parts.message, parts.signed, parts.profile, request)
        let versions = try serverVersions(parts.signed, parts.profile)
        let isDowngraded = isDowngraded(parts.profile.version, request.versions, versions)
        if isDowngraded, options.isStrictAboutVersion { throw .downgraded }
        let (midpoint, radius) = try checkTime(parts.signed, parts.profile, parts.certificate.delegation)
        return VerifiedResponse(
            version: parts.profile.version,
            midpoint: midpoint,
            radius: radius,
            delegation: parts.certificate.delegation,
            serverVersions: versions,
            isDowngraded: isDowngraded,
            usesDraftContext: parts.usesDraftContext,
            order: order,
            depth: depth
        )
    }

    /// Reads what an answer states about the time without the request: who signed it, and when.
    ///
    /// That suffices for whoever wants to know that something is not older than the answer, and for nothing else: the
    /// answer may be to anybody's question.
    /// - Throws: ``VerificationFailure`` when a signature does not hold.
    public func statement(in response: [UInt8]) throws(VerificationFailure) -> SignedStatement {
        let parts = try parts(response, isFramed: Frame.isFramed(response), offered: nil)
        // The length of the root tells Google's version from the early drafts, which sign in the same words.
        _ = try parts.signed.value(.root, length: parts.profile.hash.length)
        let (midpoint, radius) = try checkTime(parts.signed, parts.profile, parts.certificate.delegation)
        return SignedStatement(
            version: parts.profile.version,
            publicKey: longTermPublicKey,
            midpoint: midpoint,
            radius: radius
        )
    }

    private struct Parts {
        let message: Message
        let signed: Message
        let profile: Profile
        let certificate: Certificate
        let usesDraftContext: Bool
    }

    /// Takes an answer apart and checks both signatures.
    private func parts(
        _ response: [UInt8],
        isFramed: Bool,
        offered: [Version]?
    ) throws(VerificationFailure) -> Parts {
        let message = try message(response, isFramed: isFramed)
        let signedBytes = Array(try message.value(.signedResponse))
        let signed = try Message.nested(signedBytes, .signedResponse)
        let profile = try profile(message, signed, isFramed: isFramed, offered: offered)
        if profile.responseType == .always || profile.responseType == .ifAsked && message[.type] != nil {
            guard try message.value(.type, length: 4).littleEndianValue == 1 else { throw .invalid(.type) }
        }
        let (certificate, usesDraftContext) = try certificate(message, profile)
        let context = usesDraftContext ? profile.responseContext.inDrafts : profile.responseContext
        guard
            isSigned(
                context.bytes + signedBytes,
                by: certificate.delegation.publicKey,
                try message.value(.signature, length: 64)
            )
        else { throw .responseSignature }
        return Parts(
            message: message,
            signed: signed,
            profile: profile,
            certificate: certificate,
            usesDraftContext: usesDraftContext
        )
    }

    private func message(_ response: [UInt8], isFramed: Bool) throws(VerificationFailure) -> Message {
        do throws(MessageError) {
            return try Message(isFramed ? Frame.unwrap(response) : response)
        } catch {
            throw .malformed(error)
        }
    }

    private func profile(
        _ message: Message,
        _ signed: Message,
        isFramed: Bool,
        offered: [Version]?
    ) throws(VerificationFailure) -> Profile {
        guard isFramed else { return Profile.table[0] }
        // From draft 12 on the version is signed; before, it stands beside what is signed.
        let isOutside = message[.version] != nil && signed[.version] == nil
        let value = isOutside ? try message.value(.version, length: 4) : try signed.value(.version, length: 4)
        let version = Version(rawValue: UInt32(truncatingIfNeeded: value.littleEndianValue))
        guard offered?.contains(version) != false, version != .google, let profile = Profile.of(version) else {
            throw .versionNotOffered(version)
        }
        guard profile.hasVersion == isOutside else { throw .missing(.version) }
        return profile
    }

    private func certificate(
        _ message: Message,
        _ profile: Profile
    ) throws(VerificationFailure) -> (Certificate, usesDraftContext: Bool) {
        let bytes = Array(try message.value(.certificate))
        do throws(VerificationFailure) {
            let certificate = try Certificate(
                verifying: bytes,
                profile: profile.delegation,
                longTermPublicKey: longTermPublicKey
            )
            return (certificate, false)
        } catch {
            guard error == .delegationSignature, options.acceptsDraftContexts, profile.version == .rfc10049 else {
                throw error
            }
            let certificate = try Certificate(
                verifying: bytes,
                profile: profile.delegation,
                context: profile.delegation.context.inDrafts,
                longTermPublicKey: longTermPublicKey
            )
            return (certificate, true)
        }
    }

    private func checkNonce(
        _ message: Message,
        _ signed: Message,
        _ profile: Profile,
        _ request: Request
    ) throws(VerificationFailure) {
        guard profile.nonceLength == request.nonce.count else { throw .nonce }
        if profile.hasNonce { guard try message.value(.nonce).elementsEqual(request.nonce) else { throw .nonce } }
        if profile.hasSignedNonce {
            guard try signed.value(.nonce).elementsEqual(request.nonce) else { throw .nonce }
        }
    }

    private func checkTree(
        _ message: Message,
        _ signed: Message,
        _ profile: Profile,
        _ request: Request
    ) throws(VerificationFailure) -> (MerkleTree.Order, depth: Int) {
        let node = profile.hash.length
        let root = try signed.value(.root, length: node)
        let index = UInt32(truncatingIfNeeded: try message.value(.index, length: 4).littleEndianValue)
        let flat = try message.value(.path)
        guard flat.count.isMultiple(of: node), flat.count <= node * Self.maximumPathNodes else {
            throw .invalid(.path)
        }
        let path = stride(from: flat.startIndex, to: flat.endIndex, by: node).map { Array(flat[$0..<$0 + node]) }
        let leaf = profile.leaf == .packet ? request.packet : request.nonce
        for order in MerkleTree.Order.allCases {
            // Some servers build the trees of these versions the other way round; the leaf binds the answer all the same.
            if order == .mirrored, path.isEmpty || !profile.mayBeMirrored { break }
            let found = MerkleTree.root(leaf: leaf, index: index, path: path, hash: profile.hash, order: order)
            if let found, found.elementsEqual(root) { return (order, path.count) }
        }
        throw .root
    }

    private func serverVersions(_ signed: Message, _ profile: Profile) throws(VerificationFailure) -> [Version] {
        guard profile.hasSignedVersions else { return [] }
        guard let versions = Request.versions(try signed.value(.versions)), !versions.isEmpty,
            zip(versions, versions.dropFirst()).allSatisfy({ $0 < $1 }), versions.contains(profile.version)
        else { throw .versionList }
        return versions
    }

    private func isDowngraded(_ used: Version, _ offered: [Version], _ served: [Version]) -> Bool {
        let common = Set(offered).intersection(served).compactMap(Profile.of)
        guard let best = common.max(by: { $0.age < $1.age }) else { return false }
        return best.version != used
    }

    private func checkTime(
        _ signed: Message,
        _ profile: Profile,
        _ delegation: Delegation
    ) throws(VerificationFailure) -> (midpoint: Int128, radius: Int64) {
        let midpoint = try signed.value(.midpoint, length: 8).littleEndianValue
        let radius = try signed.value(.radius, length: 4).littleEndianValue
        if radius == 0, profile.knowsServerTag { throw .zeroRadius }
        // Before draft 12 the version is not signed. A time under another version's format lies far outside this range, so
        // nobody can make a server contradict itself by putting another version beside what it signed.
        guard let time = profile.timeFormat.decode(midpoint), Self.plausibleTimes.contains(time) else {
            throw .invalid(.midpoint)
        }
        guard delegation.notBefore <= midpoint, midpoint <= delegation.notAfter else { throw .outsideDelegation }
        return (time, Int64(radius) * profile.timeFormat.radiusUnit)
    }
}

extension Profile {
    /// Whether servers in use build the tree of this version in the other order.
    var mayBeMirrored: Bool { (5...12).contains(age) }
}
