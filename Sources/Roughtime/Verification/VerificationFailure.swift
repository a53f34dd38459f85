// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why an answer proves nothing.
public enum VerificationFailure: Error, Equatable, Sendable, CustomStringConvertible {
    case malformed(MessageError)
    /// A value is missing.
    case missing(Tag)
    /// A value has a length or content it cannot have.
    case invalid(Tag)
    /// A message within the answer is malformed.
    case nested(Tag, MessageError)
    /// The request it is said to answer is no request.
    case request
    case longerThanRequest
    case versionNotOffered(Version)
    case delegationSignature
    case responseSignature
    case nonce
    case root
    case versionList
    case zeroRadius
    /// The midpoint lies outside the delegation.
    case outsideDelegation
    /// A better version was common to both, and the caller insists on the best.
    case downgraded

    public var description: String {
        switch self {
        case .malformed(let error): "malformed: \(error)"
        case .missing(let tag): "\(tag) is missing"
        case .invalid(let tag): "\(tag) has a value it cannot have"
        case .nested(let tag, let error): "\(tag) is malformed: \(error)"
        case .request: "the request is not a request of any version"
        case .longerThanRequest: "the answer is longer than the request"
        case .versionNotOffered(let version): "version \(version) was not offered"
        case .delegationSignature: "the delegation is not signed by the server's long-term key"
        case .responseSignature: "the answer is not signed by the delegated key"
        case .nonce: "the answer is for another nonce"
        case .root: "the path does not lead to the signed root"
        case .versionList: "the signed list of versions is not ascending, too long, or lacks the version used"
        case .zeroRadius: "a radius of zero"
        case .outsideDelegation: "the midpoint lies outside the time of the delegation"
        case .downgraded: "a better version was available than the one used"
        }
    }
}

extension Message {
    static func nested(_ bytes: [UInt8], _ tag: Tag) throws(VerificationFailure) -> Message {
        do throws(MessageError) { return try Message(bytes) } catch { throw .nested(tag, error) }
    }

    func value(_ tag: Tag) throws(VerificationFailure) -> ArraySlice<UInt8> {
        guard let value = self[tag] else { throw .missing(tag) }
        return value
    }

    func value(_ tag: Tag, length: Int) throws(VerificationFailure) -> ArraySlice<UInt8> {
        let value = try value(tag)
        guard value.count == length else { throw .invalid(tag) }
        return value
    }
}
