// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Deadlines
internal import Glibc
internal import Subprocess
internal import SystemPackage

/// Seals seeds to this machine with `systemd-creds`, so that only its systemd can hand them to a service.
///
/// A seed goes through pipes only; the plain bytes never lie in a file or an argument.
public struct CredentialSealing: Sendable {
    /// What a credential is sealed to.
    public enum Key: String, Sendable, CaseIterable {
        /// The machine's TPM and a file of root's: useless on another machine or with another boot chain.
        case hostAndTPM = "host+tpm2"
        /// A file of root's, `/var/lib/systemd/credential.secret`: useless without a copy of that file.
        case host
    }

    /// What the TPM compares at unsealing.
    public struct TPMPolicy: Sendable {
        /// Registers whose values must be those of now: 7 is the secure boot policy, 11 the booted kernel.
        public var registers = "7+11"
        /// A PEM file; values of register 11 that its private half has signed are good as well, so that kernel updates do
        /// not lock the key away (`systemd-measure`, unified kernel images).
        public var publicKeyFile: String?
        /// The TPM, when it is not the machine's first one.
        public var device: String?

        public init(registers: String = "7+11", publicKeyFile: String? = nil, device: String? = nil) {
            self.registers = publicKeyFile != nil && registers == "7+11" ? "7" : registers
            self.publicKeyFile = publicKeyFile
            self.device = device
        }

        fileprivate var arguments: [String] {
            ["--tpm2-pcrs=\(registers)"]
                + (publicKeyFile.map { ["--tpm2-public-key=\($0)", "--tpm2-public-key-pcrs=11"] } ?? [])
                + deviceArguments
        }

        fileprivate var deviceArguments: [String] { device.map { ["--tpm2-device=\($0)"] } ?? [] }
    }

    private static let program = "systemd-creds"
    /// Larger than any sealed seed.
    private static let greatestCredential = 65_536
    /// Some TPMs take seconds for one operation.
    private static let timeout = Duration.seconds(120)

    private let policy: TPMPolicy

    public init(policy: TPMPolicy = TPMPolicy()) { self.policy = policy }

    /// The best key that this machine has.
    public func bestKey() async throws(RoughtimeKeyError) -> Key {
        if policy.device != nil { return .hostAndTPM }
        do {
            let record = try await withDeadline(Self.timeout) {
                try await Subprocess.run(
                    .name(Self.program),
                    arguments: ["has-tpm2", "--quiet"],
                    output: .discarded,
                    error: .discarded
                )
            }
            return record.terminationStatus.isSuccess ? .hostAndTPM : .host
        } catch {
            throw .notThere
        }
    }

    /// Seals a seed.
    /// - Returns: the credential's text, for `LoadCredentialEncrypted=`.
    public func seal(_ seed: borrowing LongTermSeed, to key: Key) async throws(RoughtimeKeyError) -> [UInt8] {
        let (reading, writing) = try Self.pipe()
        // A pipe takes 32 bytes at once, so they can wait there for the program.
        let result = seed.withBytes { write(writing.rawValue, $0.baseAddress, $0.count) }
        close(writing.rawValue)
        guard result == LongTermSeed.byteCount else {
            close(reading.rawValue)
            throw .system("write to a pipe")
        }
        let arguments =
            ["encrypt", "--name=\(LongTermSeed.credentialName)", "--with-key=\(key.rawValue)"]
            + (key == .hostAndTPM ? policy.arguments : []) + ["-", "-"]
        do {
            let record = try await withDeadline(Self.timeout) {
                try await Subprocess.run(
                    .name(Self.program),
                    arguments: Arguments(arguments),
                    input: .fileDescriptor(reading, closeAfterSpawningProcess: true),
                    output: .bytes(limit: Self.greatestCredential),
                    error: .string(limit: 16_384)
                )
            }
            guard record.terminationStatus.isSuccess, !record.standardOutput.isEmpty else {
                throw RoughtimeKeyError.failed("seal", record.standardError)
            }
            return record.standardOutput
        } catch let error as RoughtimeKeyError {
            throw error
        } catch is DeadlineExceeded {
            throw RoughtimeKeyError(.sealing, "systemd-creds has not answered within \(Self.timeout)")
        } catch {
            throw .notThere
        }
    }

    /// Unseals a credential's file into a locked page.
    public func unseal(_ path: String) async throws(RoughtimeKeyError) -> LongTermSeed {
        close(try BoundedFile.open(path))
        let (reading, writing) = try Self.pipe()
        defer { close(reading.rawValue) }
        let arguments =
            ["decrypt", "--name=\(LongTermSeed.credentialName)"] + policy.deviceArguments + [path, "-"]
        do {
            let record = try await withDeadline(Self.timeout) {
                try await Subprocess.run(
                    .name(Self.program),
                    arguments: Arguments(arguments),
                    input: .none,
                    output: .fileDescriptor(writing, closeAfterSpawningProcess: true),
                    error: .string(limit: 16_384)
                )
            }
            guard record.terminationStatus.isSuccess else {
                throw RoughtimeKeyError.failed("unseal \(path)", record.standardError)
            }
        } catch let error as RoughtimeKeyError {
            throw error
        } catch is DeadlineExceeded {
            throw RoughtimeKeyError(.sealing, "systemd-creds has not answered within \(Self.timeout)")
        } catch {
            throw .notThere
        }
        return try LongTermSeed.read(descriptor: reading.rawValue, name: "the output of systemd-creds")
    }

    private static func pipe() throws(RoughtimeKeyError) -> (FileDescriptor, FileDescriptor) {
        guard let ends = try? FileDescriptor.pipe() else { throw .system("make a pipe") }
        // The program must not hold the other end open, or neither side would see the end.
        for end in [ends.readEnd, ends.writeEnd] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
        return (ends.readEnd, ends.writeEnd)
    }
}

extension RoughtimeKeyError {
    fileprivate static var notThere: Self {
        RoughtimeKeyError(
            .sealing,
            """
            systemd-creds is needed to seal the seed and cannot be run: install systemd 252 or newer, or give --plain to \
            keep the seed in a file that only root can read
            """
        )
    }

    fileprivate static func failed(_ what: String, _ output: String) -> Self {
        let reason = output.split(separator: "\n").suffix(3).joined(separator: "; ")
        return RoughtimeKeyError(.sealing, "systemd-creds cannot \(what): \(reason)")
    }
}
