// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A request as a client sends it.
public struct Request: Equatable, Sendable {
    /// Padding to this many bytes keeps the answer from being longer than the request (RFC 10049, section 5.1).
    public static let paddedLength = 1024

    /// The whole datagram, with its frame where the version has one.
    public let packet: [UInt8]
    public let nonce: [UInt8]
    /// The versions offered; Google's alone when there is no frame.
    public let versions: [Version]

    /// Makes a request.
    ///
    /// - Parameters:
    ///   - versions: all of one nonce length; Google's only alone.
    ///   - nonce: 64 bytes up to draft 04, else 32.
    ///   - serverKey: the long-term key that shall answer, for SRV; versions before draft 10 ignore it.
    ///   - sendsType: whether TYPE is sent to servers of draft 12; drafts 12 and 13 did not know it.
    /// - Returns: nil when the versions do not go together or the nonce has another length than theirs.
    public init?(versions: [Version], nonce: [UInt8], serverKey: [UInt8]? = nil, sendsType: Bool = true) {
        let versions = Array(Set(versions)).sorted()
        let profiles = versions.compactMap(Profile.of)
        guard let newest = profiles.max(by: { $0.age < $1.age }), profiles.count == versions.count,
            profiles.allSatisfy({ $0.nonceLength == nonce.count && $0.isFramed == newest.isFramed })
        else { return nil }
        var values: [(Tag, [UInt8])] = [(.nonce, nonce)]
        if newest.isFramed {
            values.append((.version, versions.flatMap { [UInt8](littleEndian: $0.rawValue) }))
        }
        if newest.knowsServerTag, let serverKey {
            values.append((.server, LongTermKey.serverTag(publicKey: serverKey)))
        }
        if newest.responseType == .always || newest.responseType == .ifAsked && sendsType {
            values.append((.type, [0, 0, 0, 0]))
        }
        // The RFC's example pads the message; the drafts' programs pad the packet.
        let target = Self.paddedLength - (newest.isFramed && newest.version != .rfc10049 ? Frame.headerLength : 0)
        let used = Message(values: values + [(newest.paddingTag, [])]).bytes.count
        values.append((newest.paddingTag, [UInt8](repeating: 0, count: max(0, target - used))))
        let message = Message(values: values).bytes
        packet = newest.isFramed ? Frame.wrap(message) : message
        self.nonce = nonce
        self.versions = versions
    }

    /// Reads a request as a verifier does, who asks only what it binds the server to.
    ///
    /// - Throws: ``VerificationFailure/request`` for anything that is none.
    public init(reading packet: [UInt8]) throws(VerificationFailure) {
        let isFramed = Frame.isFramed(packet)
        guard let bytes = isFramed ? try? Frame.unwrap(packet) : packet, let message = try? Message(bytes),
            let nonce = message[.nonce], nonce.count == 32 || nonce.count == 64
        else { throw .request }
        self.packet = packet
        self.nonce = Array(nonce)
        guard isFramed else {
            guard nonce.count == 64, message[.version] == nil else { throw .request }
            versions = [.google]
            return
        }
        guard let list = message[.version].flatMap(Self.versions), !list.isEmpty else { throw .request }
        versions = list
    }

    static let maximumVersions = 32

    /// The numbers in a value of VER or VERS; nil when it is none.
    static func versions(_ value: ArraySlice<UInt8>) -> [Version]? {
        guard value.count.isMultiple(of: 4), value.count <= 4 * maximumVersions else { return nil }
        return stride(from: value.startIndex, to: value.endIndex, by: 4).map {
            Version(rawValue: UInt32(truncatingIfNeeded: value[$0..<$0 + 4].littleEndianValue))
        }
    }
}

extension Profile {
    /// Where a version stands in history: Google's first, the RFC's last.
    var age: Int { version.index ?? 0 }
}
