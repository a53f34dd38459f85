// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto

/// Reads an archive piece by piece: manifest, signatures, then exactly the manifest's files in its order.
///
/// What comes out may be believed as far as it has come out: the manifest's signatures are checked before its first file
/// is given, and a file's end is given after its hash was checked. Nothing but the one archive that
/// ``ArchiveHeader`` and the manifest describe is accepted, so links, other paths, additional, missing and repeated files
/// need no rules of their own.
public struct ArchiveReader {
    /// What was read, in order.
    public enum Part {
        case manifest(SignedManifest)
        case beginning(ReleaseManifest.File)
        case content(ArraySlice<UInt8>)
        case end(ReleaseManifest.File)
    }

    /// What a manifest's signatures are compared with.
    public enum Trust: Sendable {
        case keys(TrustedKeys)
        /// Nothing is checked but the form and the hashes: for those who sign.
        case unchecked
    }

    private enum State {
        case header
        case content(ArchiveHeader, remaining: Int64)
        case padding(remaining: Int)
        case trailer
        case finished
    }

    private let trust: Trust
    private var state = State.header
    private var block: [UInt8] = []
    private var text: [UInt8] = []
    private var manifest: [UInt8]?
    private var signed: SignedManifest?
    private var next = 0
    private var hash = SHA256()

    public init(trust: Trust) { self.trust = trust }

    /// Reads the next bytes and tells what they hold.
    ///
    /// - Throws: ``ReleaseError``, or what `emit` throws; nothing must be read after that.
    public mutating func read(_ bytes: ArraySlice<UInt8>, emit: (Part) throws -> Void) throws {
        var rest = bytes
        while let first = rest.first {
            switch state {
            case .header:
                guard let header = try takeBlock(&rest) else { return }
                try begin(header, emit)
            case .content(let header, let remaining):
                let count = Int(min(remaining, Int64(rest.count)))
                try take(rest.prefix(count), of: header, emit)
                rest = rest.dropFirst(count)
                state = .content(header, remaining: remaining - Int64(count))
                if remaining == Int64(count) { try end(header, emit) }
            case .padding(let remaining):
                guard first == 0 else { throw ReleaseError(.malformed, "the archive has bytes between its files") }
                rest = rest.dropFirst()
                state = remaining == 1 ? .header : .padding(remaining: remaining - 1)
            case .trailer:
                guard let block = try takeBlock(&rest) else { return }
                guard block.allSatisfy({ $0 == 0 }) else {
                    throw ReleaseError(.malformed, "the archive goes on after its last file")
                }
                state = .finished
            case .finished: throw ReleaseError(.malformed, "there are bytes after the archive's end")
            }
        }
    }

    /// Tells that there are no more bytes.
    ///
    /// - Returns: the manifest, all of whose files have been given.
    /// - Throws: `.malformed` when the archive is not whole.
    public func finish() throws(ReleaseError) -> SignedManifest {
        guard case .finished = state, let signed else {
            throw ReleaseError(.malformed, "the archive is not complete: copy it again")
        }
        return signed
    }

    /// Collects a block over several pieces.
    private mutating func takeBlock(_ rest: inout ArraySlice<UInt8>) throws -> [UInt8]? {
        let part = rest.prefix(ArchiveHeader.blockSize - block.count)
        block += part
        rest = rest.dropFirst(part.count)
        guard block.count == ArchiveHeader.blockSize else { return nil }
        defer { block.removeAll(keepingCapacity: true) }
        return block
    }

    private mutating func begin(_ block: [UInt8], _ emit: (Part) throws -> Void) throws {
        let header = try ArchiveHeader.read(block)
        guard let signed else { return try beginText(header, emit) }
        guard next < signed.manifest.files.count else {
            if let header {
                throw ReleaseError(.altered, "the manifest does not list '\(header.path)', or lists it once")
            }
            state = .trailer
            return
        }
        let file = signed.manifest.files[next]
        guard let header else { throw ReleaseError(.altered, "the archive lacks '\(file.path)'") }
        guard header == ArchiveHeader(file) else {
            throw ReleaseError(
                .altered,
                "the archive has '\(header.path)' where the manifest has '\(file.path)' of \(file.size) bytes"
            )
        }
        hash = SHA256()
        try emit(.beginning(file))
        state = .content(header, remaining: header.size)
        if header.size == 0 { try end(header, emit) }
    }

    /// The first two files are the manifest and its signatures.
    private mutating func beginText(_ header: ArchiveHeader?, _ emit: (Part) throws -> Void) throws {
        let isFirst = manifest == nil
        let name = isFirst ? ReleaseManifest.fileName : ReleaseManifest.signatureFileName
        let limit = isFirst ? ReleaseManifest.sizeLimit : ReleaseSignatures.sizeLimit
        guard let header, header.path == name, header.mode == 0o644 else {
            throw ReleaseError(
                .malformed,
                "this is not a release: its \(isFirst ? "first" : "second") file is not \(name)"
            )
        }
        guard header.size <= Int64(limit) else {
            throw ReleaseError(.malformed, "\(name) is larger than \(limit) bytes")
        }
        state = .content(header, remaining: header.size)
        if header.size == 0 { try end(header, emit) }
    }

    private mutating func take(
        _ bytes: ArraySlice<UInt8>,
        of header: ArchiveHeader,
        _ emit: (Part) throws -> Void
    ) throws {
        guard signed != nil else {
            text += bytes
            return
        }
        bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
        try emit(.content(bytes))
    }

    private mutating func end(_ header: ArchiveHeader, _ emit: (Part) throws -> Void) throws {
        let padding = ArchiveHeader.padding(header.size)
        state = padding == 0 ? .header : .padding(remaining: padding)
        if let signed {
            let file = signed.manifest.files[next]
            guard Array(hash.finalize()) == file.sha256 else {
                throw ReleaseError(.altered, "'\(file.path)' is not the file that was signed")
            }
            next += 1
            return try emit(.end(file))
        }
        defer { text = [] }
        guard let manifest else {
            manifest = text
            return
        }
        let signed = try SignedManifest(manifest: manifest, signatures: text)
        if case .keys(let keys) = trust { try keys.verify(signed.signatures, manifest: manifest) }
        self.signed = signed
        try emit(.manifest(signed))
    }
}
