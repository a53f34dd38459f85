// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Deadlines
internal import LightningPrimitives
public import Logging
internal import Metrics
public import Secp256k1
public import ServiceLifecycle

/// A key that several signers hold, for those who only want signatures.
///
/// As a service it keeps nonces ready, so that a signature takes one round instead of two.
public final class JointKey: SchnorrSigner, Service {
    public let publicKey: XOnlyPublicKey
    private let signer: ThresholdSigner
    private let limit: Duration
    private let ready: Int
    private let logger: Logger

    /// Takes a client of the signers.
    ///
    /// - Parameters:
    ///   - limit: for one signature, from quorum to quorum.
    ///   - ready: signatures whose first round is done in advance, 0 to 64.
    public init(_ signer: ThresholdSigner, within limit: Duration = .seconds(3), ready: Int = 0, logger: Logger) {
        guard let key = XOnlyPublicKey(signer.key.bytes) else { preconditionFailure("a group's key is a point") }
        publicKey = key
        self.signer = signer
        self.limit = limit
        self.ready = min(max(ready, 0), 64)
        self.logger = logger
    }

    /// The signature of 64 bytes over a digest of 32.
    ///
    /// - Throws: ``ThresholdError`` with the signers that failed, or an error of the deadline.
    public func signature(over digest: [UInt8]) async throws -> [UInt8] {
        let signer = signer
        do {
            let signature = try await withDeadline(limit) { try await signer.sign(digest).bytes }
            Self.count("ok")
            return signature
        } catch {
            Self.count("failed")
            throw error
        }
    }

    private static func count(_ result: String) {
        Counter(label: "frost_signatures_total", dimensions: [("result", result)]).increment()
    }

    /// Keeps nonces ready until graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var isFailing = false
            while !Task.isCancelled {
                if self.ready > 0, self.signer.readyNonces <= self.ready / 2 {
                    do {
                        try await self.signer.prefetch(self.ready)
                        isFailing = false
                    } catch {
                        // Signatures take two rounds meanwhile, if there are signers at all.
                        self.logger.log(
                            level: isFailing || Task.isCancelled ? .debug : .warning,
                            "no nonces were fetched in advance",
                            metadata: ["error": "\(error)"]
                        )
                        isFailing = true
                    }
                }
                Gauge(label: "frost_nonces_ready").record(self.signer.readyNonces)
                try? await Task.sleep(for: .seconds(isFailing ? 10 : 1))
            }
        }
    }
}
