// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension LongTermSeed {
    /// The name of the credential, and of the file in `$CREDENTIALS_DIRECTORY`.
    public static let credentialName = "longterm.seed"

    /// Where a seed may be read from; never from the command line.
    public enum Source: Sendable, Hashable {
        /// `$CREDENTIALS_DIRECTORY/longterm.seed`, which systemd has unsealed.
        case credential
        /// A file of 32 bytes that only its owner can read.
        case file(String)
        /// 32 bytes from standard input, such as the output of `systemd-creds decrypt`.
        case standardInput
    }

    /// Reads the seed straight into its locked page.
    ///
    /// - Parameter credentialsDirectory: what the environment says in `CREDENTIALS_DIRECTORY`.
    /// - Throws: ``RoughtimeKeyError`` when there is none: nothing ever takes its place.
    public static func read(
        from source: Source,
        credentialsDirectory: String?
    ) throws(RoughtimeKeyError) -> LongTermSeed {
        switch source {
        case .credential:
            guard let credentialsDirectory, !credentialsDirectory.isEmpty else { throw .noCredential("not set") }
            let path = "\(credentialsDirectory)/\(credentialName)"
            guard access(path, F_OK) == 0 else { throw .noCredential("there is no \(path)") }
            // systemd lets the service's user in with an access list, whose mask looks like a mode for the group.
            return try read(path: path, forbiddenMode: 0o007)
        case .file(let path): return try read(path: path, forbiddenMode: 0o077)
        case .standardInput: return try read(descriptor: STDIN_FILENO, name: "standard input")
        }
    }

    private static func read(path: String, forbiddenMode: mode_t) throws(RoughtimeKeyError) -> LongTermSeed {
        let descriptor = try BoundedFile.open(path)
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system("look at \(path)") }
        guard status.st_mode & forbiddenMode == 0 else {
            throw RoughtimeKeyError(.unreadable, "\(path) can be read by others; run: chmod 400 \(path)")
        }
        return try read(descriptor: descriptor, name: path)
    }

    /// Reads to the end of a file or pipe, which must come after exactly 32 bytes.
    static func read(descriptor: Int32, name: String) throws(RoughtimeKeyError) -> LongTermSeed {
        try LongTermSeed { (bytes) throws(RoughtimeKeyError) in
            var count = 0
            var surplus: UInt8 = 0
            while true {
                let isFull = count == byteCount
                let got = withUnsafeMutablePointer(to: &surplus) { surplus in
                    isFull
                        ? Glibc.read(descriptor, surplus, 1)
                        : Glibc.read(descriptor, bytes.baseAddress?.advanced(by: count), byteCount - count)
                }
                if got < 0, errno == EINTR { continue }
                guard got >= 0 else { throw .system("read \(name)") }
                if got == 0 { break }
                guard !isFull else {
                    throw RoughtimeKeyError(
                        .malformed,
                        "\(name) has more than 32 bytes; a seed is 32 raw bytes without a line end"
                    )
                }
                count += got
            }
            guard count == byteCount else {
                throw RoughtimeKeyError(.malformed, "\(name) has \(count) bytes; a seed has 32")
            }
        }
    }
}

extension RoughtimeKeyError {
    fileprivate static func noCredential(_ reason: String) -> Self {
        RoughtimeKeyError(
            .missing,
            """
            the long-term seed is missing: CREDENTIALS_DIRECTORY: \(reason). Make and seal one with 'assay roughtime \
            keygen' and start this through assay-roughtime-delegate.service, or give --seed-file FILE. Nothing takes its \
            place.
            """
        )
    }
}
