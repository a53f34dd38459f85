// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import Foundation
public import Logging
internal import Metrics
public import Roughtime
internal import RoughtimeKeys
public import ServiceLifecycle

/// Keeps the responder delegated: makes online keys, asks for their certificates, and takes them over.
///
/// The online key never leaves this process and is never written. The long-term key is never in it: it signs in a process
/// of its own (`assay roughtime delegate`), which finds the request file and writes the certificates.
public struct DelegationKeeper: Service {
    public struct Options: Sendable {
        /// Where the request is written, and where the certificates come.
        public var requestFile: String
        public var certificatesFile: String
        /// A new key is made after this, with up to a twenty-fourth of it added at random.
        public var rotation: Duration = .seconds(86_400)
        /// The request is made again after this without an answer.
        public var retry: Duration = .seconds(300)
        /// Time left at which the log begins to warn.
        public var warning: Duration = .seconds(43_200)
        /// How often the certificates' file is looked at.
        public var look: Duration = .milliseconds(250)
        public var versions: VersionSet = .all

        public init(requestFile: String, certificatesFile: String) {
            self.requestFile = requestFile
            self.certificatesFile = certificatesFile
        }
    }

    private let options: Options
    private let longTermPublicKey: [UInt8]
    private let holder: IdentityHolder
    private let logger: Logger

    /// Makes a keeper.
    ///
    /// - Parameter longTermPublicKey: certificates of any other key are refused.
    public init(options: Options, longTermPublicKey: [UInt8], holder: IdentityHolder, logger: Logger) {
        self.options = options
        self.longTermPublicKey = longTermPublicKey
        self.holder = holder
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.rotate()
                let jitter = Double.random(in: 0...1.0 / 24)
                try? await Task.sleep(for: self.options.rotation * (1 + jitter))
            }
        }
    }

    /// Makes a key and waits until it is delegated; the former key signs meanwhile, as long as it may.
    private func rotate() async {
        let key = Curve25519.Signing.PrivateKey()
        let publicKey = Array(key.publicKey.rawRepresentation)
        while !Task.isCancelled {
            do {
                try request(publicKey)
                if let set = try await certificates(for: publicKey) {
                    try take(set, key)
                    Counter(label: "roughtime_delegation_rotations_total", dimensions: [("result", "ok")]).increment()
                    return
                }
                noteFailure()
            } catch {
                logger.error("no delegation: \(error)")
                noteFailure()
                // Nothing was waited for, so the next try would come at once.
                try? await Task.sleep(for: options.retry)
            }
        }
    }

    private func noteFailure() {
        guard !Task.isCancelled else { return }
        Counter(label: "roughtime_delegation_rotations_total", dimensions: [("result", "failed")]).increment()
        warn()
    }

    private func request(_ publicKey: [UInt8]) throws {
        let request = try CertificateRequest(
            publicKey: publicKey,
            created: Int64(Date().timeIntervalSince1970),
            longTermPublicKey: longTermPublicKey
        )
        try request.write(to: options.requestFile)
    }

    /// Waits for certificates of this key; nil when none came in time.
    private func certificates(for publicKey: [UInt8]) async throws -> CertificateSet? {
        let end = ContinuousClock.now + options.retry
        var refused: (any Error)?
        while ContinuousClock.now < end, !Task.isCancelled {
            if FileManager.default.fileExists(atPath: options.certificatesFile) {
                do {
                    let set = try CertificateSet(file: options.certificatesFile)
                    // Those of the key before stand there until the delegate has signed.
                    if set.publicKey == publicKey {
                        try set.requireSigner(longTermPublicKey)
                        return set
                    }
                } catch {
                    // Said once, and tried again: the file may be about to be replaced.
                    if refused == nil { logger.error("the certificates are refused: \(error)") }
                    refused = error
                }
            }
            try? await Task.sleep(for: options.look)
        }
        return nil
    }

    private func take(_ set: CertificateSet, _ key: Curve25519.Signing.PrivateKey) throws {
        let identity = try OnlineIdentity(
            longTermPublicKey: longTermPublicKey,
            onlineKey: key,
            certificates: set.certificates.mapValues(\.bytes),
            enabled: options.versions
        )
        holder.replace(identity)
        logger.info(
            "delegated",
            metadata: [
                "publicKey": "\(Base64.encode(set.publicKey))", "until": "\(set.window.upperBound)",
            ]
        )
    }

    private func warn() {
        guard let identity = holder.identity else {
            logger.warning("there is no delegation yet; nothing is answered. Does 'assay roughtime delegate' run?")
            return
        }
        let left = Duration.microseconds(identity.notAfter - Int64(Date().timeIntervalSince1970 * 1e6))
        if left < options.warning {
            logger.warning("the delegation ends in \(max(left.components.seconds, 0)) s; then nothing is answered")
        }
    }
}
