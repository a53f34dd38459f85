// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import Glibc
import Logging
import Roughtime
import RoughtimeKeys
import ServiceLifecycle
import Settings
import Subprocess
import SystemPackage

/// The Roughtime parts of a run's data directory.
struct RunRoughtime {
    let directory: String
    /// The long-term public key in base64.
    let publicKey: String

    var keys: KeyDirectory { KeyDirectory("\(directory)/keys") }
    var publicKeyFile: String { keys.publicKey }
    var request: String { "\(directory)/request.json" }
    var certificates: String { "\(directory)/certificates.json" }
    var auditLog: String { "\(directory)/mintings.jsonl" }

    /// The socket between gateway and responder; elsewhere when the kernel's limit for such names is too short.
    let socket: String

    /// Makes the directory and, the first time, a key of this run's own.
    init(directory: String) async throws {
        self.directory = directory
        do {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            let keys = KeyDirectory("\(directory)/keys")
            if !FileManager.default.fileExists(atPath: keys.publicKey) {
                try keys.prepare(isRecovery: false)
                try await keys.keep(try LongTermSeed.random(), .plain)
            }
            socket = try Self.socket(near: directory)
            publicKey = LongTermPublicKey.text(of: try LongTermPublicKey.read(keys.publicKey))
            // What the policy counts per day is for servers, not for a person who starts and stops a run.
            try? FileManager.default.removeItem(atPath: "\(directory)/mintings.jsonl")
        } catch {
            throw Failure(Failure.unavailable, "the Roughtime keys in \(directory) cannot be used: \(error)")
        }
    }
}

extension RunRoughtime {
    /// Longer names do not fit into a socket's address.
    private static let longestSocketPath = 100

    /// A name for the socket, in a directory that is ours alone.
    static func socket(near directory: String) throws -> String {
        let path = "\(directory)/answer.sock"
        guard path.utf8.count > longestSocketPath else { return path }
        let name = Hex.encode(Array(SHA256.hash(data: Array(path.utf8))).prefix(8))
        let place = "/tmp/assay-\(geteuid())-\(name)"
        mkdir(place, 0o700)
        // Everybody may write to /tmp: what has this name already may be somebody else's.
        let facts = try? FileManager.default.attributesOfItem(atPath: place)
        guard let facts, facts[.type] as? FileAttributeType == .typeDirectory,
            (facts[.ownerAccountID] as? NSNumber)?.uint32Value == geteuid(),
            (facts[.posixPermissions] as? NSNumber).map({ $0.intValue & 0o077 == 0 }) == true
        else { throw Failure(Failure.unavailable, "\(place) is not a directory of this user alone; remove it") }
        return "\(place)/answer.sock"
    }
}

/// Runs `assay roughtime delegate` whenever the responder asks: what a path unit of systemd does in production.
struct DelegateRunner: Service {
    let files: RunRoughtime
    let environment: [String: String]
    let logFile: String
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var answered: [UInt8]?
            while !Task.isCancelled {
                if let request = try? CertificateRequest(file: files.request), request.publicKey != answered {
                    answered = request.publicKey
                    await delegate()
                }
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    private func delegate() async {
        do {
            let log = try FileDescriptor.open(
                FilePath(logFile),
                .writeOnly,
                options: [.create, .append],
                permissions: [.ownerReadWrite]
            )
            defer { try? log.close() }
            let result = try await Subprocess.run(
                .path(FilePath(ProgramFiles.executable.path)),
                arguments: [
                    "roughtime", "delegate", "--csr", files.request, "--out", files.certificates, "--seed-file",
                    files.keys.plainSeed, "--audit-log", files.auditLog, "--public-key", files.keys.publicKey,
                ],
                environment: .custom(
                    Dictionary(
                        uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) }
                    )
                ),
                input: .none,
                output: .fileDescriptor(log, closeAfterSpawningProcess: false),
                error: .combinedWithOutput
            ) { _ in }
            guard !result.terminationStatus.isSuccess else { return }
            logger.error("the Roughtime delegation was refused", metadata: ["log": "\(logFile)"])
        } catch {
            logger.error("the Roughtime delegate did not run", metadata: ["error": "\(error)"])
        }
    }
}
