// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RoughtimeKeys

/// Works as a Roughtime server: answers, keys and delegations.
struct RoughtimeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roughtime",
        abstract: "Run a Roughtime server: answer requests, keep its keys, sign its delegations.",
        discussion: """
            A server's identity is one long-term key. It signs short delegations for the keys that sign times, in a process \
            of its own without a network, and is backed up when it is made. DEPLOY.md, "Roughtime", has every step.
            """,
        subcommands: [Serve.self, Keygen.self, Delegate.self, Clock.self, Recover.self, VerifySecrets.self]
    )
}

extension RoughtimeCommand {
    /// How the long-term seed is kept on this machine.
    struct KeepingOptions: ParsableArguments {
        @Option(help: "The directory of the keys.")
        var directory = KeyDirectory.standard

        @Option(
            help: "What to seal the seed to: host+tpm2 or host. Without it the TPM where there is one.",
            transform: { text in
                guard let key = CredentialSealing.Key(rawValue: text) else {
                    throw ValidationError("'\(text)' is neither host+tpm2 nor host")
                }
                return key
            }
        )
        var withKey: CredentialSealing.Key?

        @OptionGroup var tpm: TPMOptions

        @Flag(help: "Keep the seed in a file that only its owner can read, for machines without systemd.")
        var plain = false

        var keys: KeyDirectory { KeyDirectory(directory) }

        func keeping() async throws -> KeyDirectory.Keeping {
            if plain {
                guard withKey == nil else { throw ValidationError("--plain and --with-key exclude each other") }
                Terminal.note(
                    """
                    WARNING: the seed will lie on the disk as it is: whoever reads the disk or a backup of it has the server's \
                    identity.
                    """
                )
                return .plain
            }
            let sealing = CredentialSealing(policy: tpm.policy)
            let key = if let withKey { withKey } else { try await sealing.bestKey() }
            if key == .host {
                Terminal.note(
                    """
                    WARNING: this machine's TPM is not used. The seed is sealed with /var/lib/systemd/credential.secret only: \
                    whoever copies the whole disk has the server's identity.
                    """
                )
            }
            return .sealed(sealing, key)
        }
    }

    /// What the TPM compares.
    struct TPMOptions: ParsableArguments {
        @Option(help: "Registers of the TPM that must have today's values at every start.")
        var tpm2Pcrs = "7+11"

        @Option(help: "PEM file: signed values of register 11 are good as well, so that kernels can be updated.")
        var tpm2PublicKey: String?

        @Option(help: "The TPM, when it is not the machine's first one.")
        var tpm2Device: String?

        var policy: CredentialSealing.TPMPolicy {
            .init(registers: tpm2Pcrs, publicKeyFile: tpm2PublicKey, device: tpm2Device)
        }
    }

    /// Reads an option that is a long-term public key or the file of one.
    static func publicKey(_ option: String) throws -> [UInt8] {
        try guarding {
            if let key = try? LongTermPublicKey.parse(option) { return key }
            return try LongTermPublicKey.read(option)
        }
    }

    /// Turns the module's errors into exit codes.
    static func guarding<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as RoughtimeKeyError { throw failure(error) }
    }

    static func failure(_ error: RoughtimeKeyError) -> Failure {
        switch error.code {
        case .missing: Failure(Failure.configuration, error.description)
        case .unreadable, .malformed: Failure(Failure.unreadable, error.description)
        case .refused, .mismatch: Failure(Failure.refused, error.description)
        case .busy: Failure(Failure.temporary, error.description)
        default: Failure(Failure.unavailable, error.description)
        }
    }
}
