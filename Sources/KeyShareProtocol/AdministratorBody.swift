// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The bodies of the administrator's routes.
public enum AdministratorBody {
    /// `backup`, and what every route has.
    public struct Password: Sendable, Decodable {
        /// Absent when it came as `Authorization: Basic`.
        public let password: String?
    }

    /// `restore`.
    public struct Restore: Sendable, Decodable {
        public let password: String?
        let dumpPath: String?

        enum CodingKeys: String, CodingKey {
            case password
            case dumpPath = "dump_path"
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            password = try container.decodeIfPresent(String.self, forKey: .password)
            dumpPath = try? container.decodeIfPresent(String.self, forKey: .dumpPath)
        }

        /// What to restore: a path, whose file must lie in the folder of backups.
        ///
        /// - Throws: `INVALID_DUMP_PATH`.
        public func checked() throws(KeyShareFailure) -> DumpPath {
            guard let dumpPath, let path = DumpPath(dumpPath) else {
                throw KeyShareFailure(.invalidDumpPath, "'dump_path' must be the name of a backup of this node")
            }
            return path
        }
    }

    /// `unseal`.
    public struct Unseal: Sendable, Decodable {
        public let password: String?
        private let piece: String?

        enum CodingKeys: String, CodingKey { case password, piece }

        /// The line that a holder of a piece was given.
        ///
        /// - Throws: `INVALID_REQUEST`.
        public func checked() throws(KeyShareFailure) -> String {
            guard let piece, (1...1024).contains(piece.utf8.count) else {
                throw KeyShareFailure(.invalidRequest, "'piece' must be a piece of the root secret")
            }
            return piece
        }
    }

    /// `audit`.
    public struct Audit: Sendable, Decodable {
        public let password: String?
        private let after: Int64?
        private let limit: Int?
        /// Whether the whole chain is to be followed.
        public let verify: Bool?

        enum CodingKeys: String, CodingKey { case password, after, limit, verify }

        /// From which entry on, and how many.
        ///
        /// - Throws: `INVALID_REQUEST`.
        public func checked() throws(KeyShareFailure) -> (after: Int64, limit: Int) {
            let (after, limit) = (after ?? 0, limit ?? 100)
            guard after >= 0, (0...1000).contains(limit) else {
                throw KeyShareFailure(
                    .invalidRequest,
                    "'after' must not be negative, 'limit' an integer from 0 to 1000"
                )
            }
            return (after, limit)
        }
    }

    /// `get_backup_history`.
    public struct History: Sendable, Decodable {
        public let password: String?
        private let days: Days

        private enum Days: Sendable {
            case all
            case last(Int)
            case invalid
        }

        enum CodingKeys: String, CodingKey { case password, days }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            password = try container.decodeIfPresent(String.self, forKey: .password)
            if try !container.contains(.days) || container.decodeNil(forKey: .days) {
                days = .all
            } else {
                days = (try? container.decode(Int.self, forKey: .days)).map { .last($0) } ?? .invalid
            }
        }

        /// How many days back; `nil` for all.
        ///
        /// - Throws: `INVALID_DAYS` unless it is an integer from 1 to 1000.
        public func checked() throws(KeyShareFailure) -> Int? {
            switch days {
            case .all: return nil
            case .last(let days) where (1...1000).contains(days): return days
            case .last, .invalid: throw KeyShareFailure(.invalidDays, "'days' must be an integer from 1 to 1000")
            }
        }
    }
}

/// Where a backup is said to be: a bare name, or a path that ends in one.
///
/// Whether the path leads directly into the folder of backups, and to a regular file, only the file system can say.
public struct DumpPath: Sendable, Hashable {
    /// Letters, digits, dots, dashes and underscores, ending in `.dump` or `.akb`.
    public let name: String
    /// The folder as it was given; `nil` for a bare name.
    public let folder: String?

    public init?(_ path: String) {
        guard (1...1024).contains(path.utf8.count) else { return nil }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard let last = parts.last, last.utf8.allSatisfy(Self.isNameByte), !last.hasPrefix("."),
            last.hasSuffix(".dump") || last.hasSuffix(".akb"), last.utf8.count <= 255, !path.utf8.contains(0)
        else { return nil }
        name = String(last)
        folder =
            parts.count == 1
            ? nil : parts.count == 2 && parts[0].isEmpty ? "/" : parts.dropLast().joined(separator: "/")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
