// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FoundationEssentials

/// Reads the bodies of requests, strictly.
public enum RequestBody {
    /// The most bytes of a body.
    public static let maximumCount = 100_000
    /// How deep a body nests at most: the body, its wallets, a wallet, a sealed share.
    public static let maximumDepth = 4

    /// Reads a JSON object; members that a type does not name are ignored.
    ///
    /// - Parameter depth: how deep it nests at most.
    /// - Throws: `PAYLOAD_TOO_LARGE`, or `INVALID_REQUEST` for what is no object, has a member twice, nests too deep, or
    ///   lacks a member.
    public static func decode<Body: Decodable>(
        _: Body.Type,
        _ bytes: [UInt8],
        depth: Int = maximumDepth
    ) throws(KeyShareFailure) -> Body {
        guard bytes.count <= maximumCount else {
            throw KeyShareFailure(.payloadTooLarge, "the body is larger than \(maximumCount) bytes")
        }
        guard !bytes.contains(0) else { throw KeyShareFailure(.invalidRequest, "the body is not JSON in UTF-8") }
        guard JSONNesting.isShallow(bytes, limit: depth) else {
            throw KeyShareFailure(.invalidRequest, "the body nests more than \(depth) deep")
        }
        guard StrictJSON.isStrict(bytes) else {
            throw KeyShareFailure(
                .invalidRequest,
                "the body names a member twice or with an escape, or has a comma too many"
            )
        }
        do { return try JSONDecoder().decode(Body.self, from: Data(bytes)) } catch let error as DecodingError {
            throw KeyShareFailure(.invalidRequest, Self.sentence(error))
        } catch let failure as KeyShareFailure {
            throw failure
        } catch {
            throw KeyShareFailure(.invalidRequest, "the body is not a JSON object")
        }
    }

    private static func sentence(_ error: DecodingError) -> String {
        func name(_ path: [any CodingKey]) -> String {
            path.isEmpty ? "the body" : "'" + path.map(\.stringValue).joined(separator: ".") + "'"
        }
        return switch error {
        case .keyNotFound(let key, let context): "\(name(context.codingPath + [key])) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "\(name(context.codingPath)) has a wrong type"
        case .dataCorrupted(let context): "\(name(context.codingPath)) is not valid"
        @unknown default: "the body is not valid"
        }
    }
}

/// One value for each of some curves, as `wallets` has them.
public struct ByCurve<Value: Sendable>: Sendable {
    /// At least one, in the order secp256k1, ed25519.
    public let entries: [(curve: String, value: Value)]

    public subscript(curve: String) -> Value? { entries.first { $0.curve == curve }?.value }

    static var curves: [String] { ["secp256k1", "ed25519"] }
}

extension ByCurve: Decodable where Value: Decodable {
    public init(from decoder: any Decoder) throws {
        let values = try [String: Value](from: decoder)
        guard !values.isEmpty else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "no curve"))
        }
        guard values.keys.allSatisfy(Self.curves.contains) else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "unknown curve"))
        }
        entries = Self.curves.compactMap { curve in values[curve].map { (curve, $0) } }
    }
}
