// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import Deadlines
internal import FoundationEssentials
internal import Glibc
internal import KeyShareProtocol
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// Carries backups to other places.
struct OffsiteCopies: Sendable {
    let configuration: BackupConfiguration
    let records: BackupRecords
    let now: @Sendable () -> Date
    let logger: Logger

    /// After a failure a target is left alone for so long.
    private static let pause: TimeInterval = 900

    /// Copies the newest backup to each target that has not got it.
    ///
    /// - Parameter isPatient: leaves alone for a while what has just failed.
    /// - Returns: what went wrong, by target.
    func run(_ good: BackupRecords.Good, isPatient: Bool = false) async throws -> [String: BackupFault] {
        let known = try await records.copies(of: good.id)
        var faults: [String: BackupFault] = [:]
        for target in configuration.targets {
            let last = known.first { $0.target == target.description }
            if last?.isOK == true { continue }
            if isPatient, let last, now().timeIntervalSince(last.at) < Self.pause { continue }
            var fault: BackupFault?
            do {
                try await withDeadline(configuration.copyDeadline) { try await copy(good, to: target) }
            } catch {
                fault = Self.fault(error)
            }
            faults[target.description] = fault
            try await records.setCopy(of: good, target: target.description, error: fault?.detail, at: now())
            logger.log(
                level: fault == nil ? .info : .error,
                fault == nil ? "backup copied" : "backup not copied",
                metadata: [
                    "keyshare.target": "\(target)", "keyshare.backup": "\(good.name)",
                    "keyshare.reason": "\(fault?.detail ?? "none")",
                ]
            )
        }
        return faults
    }

    private static func fault(_ error: any Error) -> BackupFault {
        switch error {
        case let fault as BackupFault: fault
        case is DeadlineExceeded: BackupFault(.copy, "the copy took too long")
        default: BackupFault(.copy, "\(error)")
        }
    }

    private func copy(_ good: BackupRecords.Good, to target: OffsiteTarget) async throws {
        guard let path = DumpPath(good.name), path.folder == nil, good.name.hasSuffix(".akb") else {
            throw BackupFault(.copy, "only sealed backups leave this host")
        }
        let file = try DumpFolder(path: configuration.directory).open(path)
        // A file that was exchanged since is not carried on.
        guard file.size == good.size else { throw BackupFault(.damaged, "\(good.name) is not as it was made") }
        switch target.place {
        case .folder(let folder): try await copy(file, to: folder)
        case .sftp(let user, let host, let port, let folder):
            try await copy(file, user: user, host: host, port: port, folder: folder)
        case .peer(let base): try await copy(file, toPeer: base)
        }
    }

    // MARK: A folder

    private func copy(_ file: DumpFile, to folder: String) async throws {
        guard access(folder, W_OK | X_OK) == 0 else {
            throw BackupFault(.copy, "the folder is not there, or cannot be written")
        }
        let part = try PartialFile(in: folder)
        try await file.forEachPiece { try await part.write($0) }
        try await part.publish(as: file.name)
    }

    // MARK: sftp

    private func copy(_ file: DumpFile, user: String?, host: String, port: Int, folder: String) async throws {
        let places: [String] = ["/usr/bin/sftp", "/bin/sftp"]
        guard let program = places.first(where: { access($0, X_OK) == 0 }) else {
            throw BackupFault(.program, "sftp is not installed: apt-get install openssh-client")
        }
        var arguments = ["-q", "-b", "-", "-P", String(port)]
        if let path = configuration.sshConfiguration { arguments += ["-F", path] }
        arguments += [
            "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=20",
            "-o", "ServerAliveInterval=15",
        ]
        // "--": what follows is a host, whatever it begins with.
        arguments += ["--", user.map { "\($0)@\(host)" } ?? host]
        let part = "\(folder)/\(DumpFolder.partPrefix)\(UUID().text)"
        // A name that is there is taken away first: only an unfinished copy can have it.
        let script = """
            put "\(configuration.directory)/\(file.name)" "\(part)"
            chmod 600 "\(part)"
            -rm "\(folder)/\(file.name)"
            rename "\(part)" "\(folder)/\(file.name)"
            ls -l "\(folder)/\(file.name)"

            """
        guard !configuration.directory.contains(where: { $0 == "\"" || $0.isNewline }) else {
            throw BackupFault(.copy, "sftp cannot take a DUMP_DIR with quotes in its name")
        }
        var environment: [String: String] = [:]
        for name in ["HOME", "SSH_AUTH_SOCK"] { environment[name] = ProcessInfo.processInfo.environment[name] }
        let run = try await ProgramRun(program, arguments, environment).write { writer in
            try await writer(Array(script.utf8))
        }
        if let problem = run.problem { throw BackupFault(.copy, problem) }
        let words = run.output.split { $0.isNewline }.last?.split(separator: " ") ?? []
        guard words.contains(Substring(String(file.size))) else {
            throw BackupFault(.copy, "the copy is not of the backup's size")
        }
    }

    // MARK: Another node

    private func copy(_ file: DumpFile, toPeer base: String) async throws {
        let url = base.hasSuffix("/admin/v1/offsite") ? base : "\(base)/admin/v1/offsite"
        var request = HTTPClientRequest(url: "\(url)/\(configuration.node)/\(file.name)")
        request.method = .PUT
        request.headers.add(name: "Content-Type", value: "application/octet-stream")
        if let token = configuration.offsiteToken {
            request.headers.add(name: "Authorization", value: "Bearer \(token)")
        }
        request.body = .stream(FilePieces(file: file), length: .known(file.size))
        let nanoseconds = Int64(configuration.copyDeadline / .nanoseconds(1))
        let answer = try await HTTPClient.shared.execute(request, timeout: .nanoseconds(nanoseconds), logger: logger)
        let body = try? await answer.body.collect(upTo: 64 * 1024)
        guard (200..<300).contains(answer.status.code) else {
            let text = body.map { String(buffer: $0) } ?? ""
            let told = try? JSONDecoder().decode(Refusal.self, from: Data(text.utf8))
            let reason = told.map { ": \($0.code)" } ?? ""
            throw BackupFault(.copy, "the other node answered \(answer.status.code)\(reason)")
        }
    }

    private struct Refusal: Decodable {
        let code: String
    }
}

/// A file as the body of a request.
private struct FilePieces: AsyncSequence, Sendable {
    let file: DumpFile

    struct AsyncIterator: AsyncIteratorProtocol {
        let file: DumpFile
        var offset: Int64 = 0

        mutating func next() async throws -> ByteBuffer? {
            let bytes = try await file.read(at: offset, count: 256 * 1024)
            offset += Int64(bytes.count)
            return bytes.isEmpty ? nil : ByteBuffer(bytes: bytes)
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(file: file) }
}
