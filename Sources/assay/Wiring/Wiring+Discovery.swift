// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import Gate
import Gateway
import PurchaseReceipts
import Secp256k1
import Settings

extension ReceiptSigner {
    /// The signer of the configured key; `nil` without one.
    static func configured(_ settings: Settings) throws -> ReceiptSigner? {
        guard let text = settings.secret(.receiptKey)?.text else { return nil }
        guard let bytes = Hex.decode(text), let key = SecretKey(bytes) else {
            throw Failure(
                Failure.configuration,
                "\(Setting.receiptKey.name) is not a secret key of 64 hex digits; make one: openssl rand -hex 32"
            )
        }
        return ReceiptSigner(HeldKey(key))
    }
}

extension DiscoveryFacts {
    init(_ settings: Settings, signer: ReceiptSigner?) throws {
        let gate = try GateConfiguration(settings)
        self.init(
            version: BuildInfo.current.version,
            receiptKey: signer.map { Hex.encode($0.publicKey.bytes) },
            tokenLifetimeSeconds: gate.tokenLifetimeSeconds,
            offersPayment: gate.offersPayment,
            deposits: gate.deposits,
            indexProof: settings.text(.indexProof),
            directoryProof: settings.text(.directoryProof)
        )
    }
}
