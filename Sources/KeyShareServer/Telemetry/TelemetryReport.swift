// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// What a node reports of itself, as Oko's service takes it.
public struct TelemetryReport: Sendable, Hashable, Codable {
    public struct Payload: Sendable, Hashable, Codable {
        /// `OK` or `ERROR`.
        public let db_status: String
        public let error_msg: String?

        enum CodingKeys: CodingKey { case db_status, error_msg }

        public init(db_status: String, error_msg: String?) {
            self.db_status = db_status
            self.error_msg = error_msg
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(db_status, forKey: .db_status)
            try container.encode(error_msg, forKey: .error_msg)
        }
    }

    /// 64 hexadecimal digits.
    public let public_key: String
    /// -1 when it is not known.
    public let key_share_count: Int64
    public let payload: Payload

    public init(public_key: String, key_share_count: Int64, payload: Payload) {
        self.public_key = public_key
        self.key_share_count = key_share_count
        self.payload = payload
    }

    /// The route that takes reports.
    public static let path = "/tss/v1/ks_node/telemetry"

    var bytes: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { preconditionFailure("a report is JSON") }
        return Array(data)
    }
}
