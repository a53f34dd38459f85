// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import Gate
import Gateway
import LightningPrimitives
import PurchaseReceipts
import Secp256k1
import Settings

extension DiscoveryFacts {
    init(_ settings: Settings, signer: ReceiptSigner?) throws {
        let gate = try GateConfiguration(settings)
        self.init(
            version: BuildInfo.current.version,
            receiptKey: signer.map { Hex.encode($0.publicKey.bytes) },
            oracleKey: try SigningKeys.oraclePublicKey(settings)?.hex,
            tokenLifetimeSeconds: gate.tokenLifetimeSeconds,
            offersPayment: gate.offersPayment,
            deposits: gate.deposits,
            indexProof: settings.text(.indexProof),
            directoryProof: settings.text(.directoryProof)
        )
    }
}
