// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NIOPosix
public import Roughtime

/// The last chains as they came, so that evidence is still there when somebody asks for it.
public struct ChainStore: Sendable {
    /// A file could not be written or read; says which and what to do.
    public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        public let description: String
    }

    public static let standardCapacity = 1000
    private static let suffix = ".json"

    /// The directory, made when it is first needed; only its owner can read it.
    public let directory: String
    /// How many chains are kept; the oldest go first.
    public let capacity: Int

    public init(directory: String, capacity: Int = standardCapacity) {
        self.directory = directory
        self.capacity = max(capacity, 1)
    }

    /// Keeps a chain as a report that anybody can verify.
    ///
    /// - Parameters:
    ///   - unixMicroseconds: when, by the local clock; part of the file's name, so that names are in order.
    ///   - prefix: the first word of the name; chains and reports of malfeasance are counted apart.
    /// - Returns: the path of the file.
    @discardableResult
    public func keep(
        _ links: [ChainLink],
        at unixMicroseconds: Int64,
        prefix: String = "chain"
    ) async throws(Failure) -> String {
        do {
            // Files are written on threads that may block.
            return try await NIOThreadPool.singleton.runIfActive {
                try write(links, unixMicroseconds, prefix)
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(description: "\(directory): the chain could not be kept: \(error)")
        }
    }

    private func write(_ links: [ChainLink], _ unixMicroseconds: Int64, _ prefix: String) throws -> String {
        do {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw Failure(
                description: "\(directory) cannot be made: give another directory, or the right to write there"
            )
        }
        let time = String(max(unixMicroseconds, 0))
        let number = String(repeating: "0", count: max(0, 17 - time.count)) + time
        let salt = String(UInt32.random(in: 0x1000_0000 ... .max), radix: 16)
        let path = "\(directory)/\(prefix)-\(number)-\(salt)\(Self.suffix)"
        do {
            // Beside its place first, and moved there when it is whole.
            try MalfeasanceReport(links: links).json.write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw Failure(description: "\(path) cannot be written: is the disk full, or the directory another user's?")
        }
        for name in names(prefix).dropLast(capacity) {
            // Somebody else may have taken it away already.
            try? FileManager.default.removeItem(atPath: "\(directory)/\(name)")
        }
        return path
    }

    /// The names of the files with a prefix, oldest first.
    func names(_ prefix: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [])
            .filter { $0.hasPrefix(prefix + "-") && $0.hasSuffix(Self.suffix) }.sorted()
    }

    /// The paths of the chains that are kept, oldest first.
    public var chains: [String] { names("chain").map { "\(directory)/\($0)" } }
}
