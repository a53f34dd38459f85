// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import LightningPrimitives

/// What a charge asks for: the `request` parameter of a challenge with method `lightning` and intent `charge`.
///
/// Source: draft-lightning-charge-00.
public struct ChargeRequest: Sendable, Hashable {
    /// The price in whole satoshi, at least 1.
    public let sats: Int64
    /// The BOLT 11 invoice to pay, lower case.
    public let invoice: String
    public let network: BitcoinNetwork
    /// The invoice's payment hash.
    public let paymentHash: PaymentHash
    /// What is bought, for a person to read.
    public let description: String?
    /// Who is paid, in the seller's words.
    public let recipient: String?
    /// The seller's own reference.
    public let externalID: String?

    /// Makes a request.
    /// - Precondition: `sats` is at least 1.
    public init(
        sats: Int64,
        invoice: String,
        network: BitcoinNetwork,
        paymentHash: PaymentHash,
        description: String? = nil,
        recipient: String? = nil,
        externalID: String? = nil
    ) {
        precondition(sats >= 1, "a charge asks for at least one satoshi")
        self.sats = sats
        self.invoice = invoice
        self.network = network
        self.paymentHash = paymentHash
        self.description = description
        self.recipient = recipient
        self.externalID = externalID
    }

    /// Reads the `request` parameter, or returns `nil` when it is not a charge in satoshi over Lightning.
    public init?(parameter: String) {
        guard let bytes = Base64.decode(parameter, alphabet: .urlSafe, padding: .optional),
            let wire = CanonicalJSON.decode(Wire.self, from: bytes), wire.currency == "sat",
            (1...16).contains(wire.amount.utf8.count), wire.amount.first != "0",
            wire.amount.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let sats = Int64(wire.amount), let network = BitcoinNetwork(rawValue: wire.methodDetails.network),
            let paymentHash = PaymentHash(hex: wire.methodDetails.paymentHash)
        else { return nil }
        self.init(
            sats: sats,
            invoice: wire.methodDetails.invoice,
            network: network,
            paymentHash: paymentHash,
            description: wire.description,
            recipient: wire.recipient,
            externalID: wire.externalId
        )
    }

    /// The `request` parameter: canonical JSON in base64url without padding.
    public var parameter: String {
        var members: [String: JSONValue] = [
            "amount": .string(String(sats)),
            "currency": .string("sat"),
            "methodDetails": .object([
                "invoice": .string(invoice),
                "network": .string(network.rawValue),
                "paymentHash": .string(paymentHash.hex),
            ]),
        ]
        members["description"] = description.map(JSONValue.string)
        members["recipient"] = recipient.map(JSONValue.string)
        members["externalId"] = externalID.map(JSONValue.string)
        return Base64.encode(CanonicalJSON.text(.object(members)).utf8, alphabet: .urlSafe, padded: false)
    }

    private struct Wire: Decodable {
        struct MethodDetails: Decodable {
            let invoice: String
            let network: String
            let paymentHash: String
        }
        let amount: String
        let currency: String
        let methodDetails: MethodDetails
        let description: String?
        let recipient: String?
        let externalId: String?
    }
}
