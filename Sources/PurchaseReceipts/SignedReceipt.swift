// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import LightningPrimitives
public import Secp256k1

/// Signs receipts with the service's key.
public struct ReceiptSigner: Sendable {
    private let signer: any SchnorrSigner
    /// What payers check receipts with.
    public var publicKey: XOnlyPublicKey { signer.publicKey }

    /// Takes who signs with the service's receipt key.
    public init(_ signer: any SchnorrSigner) { self.signer = signer }

    /// Signs a purchase (BIP 340 over ``Purchase/digest``).
    public func sign(_ purchase: Purchase) async throws -> SignedReceipt {
        let signature = try await signer.signature(over: purchase.digest)
        return SignedReceipt(purchase: purchase, key: publicKey, signature: signature)
    }
}

/// A purchase signed by the service: proof for the payer of what was bought.
public struct SignedReceipt: Sendable, Hashable {
    public let purchase: Purchase
    /// The key the receipt claims to be signed with; to be compared with the one the service publishes.
    public let key: XOnlyPublicKey
    /// 64 bytes (BIP 340).
    public let signature: [UInt8]

    init(purchase: Purchase, key: XOnlyPublicKey, signature: [UInt8]) {
        self.purchase = purchase
        self.key = key
        self.signature = signature
    }

    /// Whether the receipt names this key and the signature over the purchase was made with it.
    public func isSigned(by key: XOnlyPublicKey) -> Bool {
        key == self.key && key.verifies(signature, over: purchase.digest)
    }

    /// The value of the `L402-Receipt` header: a dictionary of structured fields (RFC 8941 section 3.2).
    public var headerValue: String {
        func binary(_ bytes: [UInt8]) -> String { ":\(Base64.encode(bytes)):" }
        let members = [
            "v=1", "key=\"\(Hex.encode(key.bytes))\"", "payment_hash=\"\(purchase.paymentHash.hex)\"",
            "request=\(binary(purchase.request.bytes))", "response=\(binary(purchase.response.bytes))",
            "price_msat=\(purchase.price.msat)", "at=\(purchase.time)", "sig=\(binary(signature))",
        ]
        return members.joined(separator: ", ")
    }

    /// Reads the header's value; members that version 1 does not know are ignored.
    /// - Throws: ``UnreadableReceipt``; a readable receipt need not be a valid one.
    public init(headerValue: String) throws(UnreadableReceipt) {
        guard headerValue.utf8.count <= 4096 else { throw UnreadableReceipt("the receipt is longer than 4096 bytes") }
        let members = try StructuredDictionary(headerValue)
        guard members.integer("v") == 1 else { throw UnreadableReceipt("the receipt's version is not 1") }
        guard let key = members.text("key").flatMap({ Hex.decode($0) }).flatMap(XOnlyPublicKey.init) else {
            throw UnreadableReceipt("the receipt's key is not a BIP 340 public key of 64 hexadecimal digits")
        }
        guard let paymentHash = members.text("payment_hash").flatMap({ PaymentHash(hex: $0) }) else {
            throw UnreadableReceipt("the receipt's payment_hash is not 64 hexadecimal digits")
        }
        guard let request = members.bytes("request").flatMap({ ContentHash($0) }),
            let response = members.bytes("response").flatMap({ ContentHash($0) })
        else { throw UnreadableReceipt("the receipt's request or response is not a hash of 32 bytes") }
        guard let price = members.integer("price_msat"), let time = members.integer("at"),
            Purchase.range.contains(price), Purchase.range.contains(time)
        else { throw UnreadableReceipt("the receipt's price_msat or at is not a number from 0 up") }
        guard let signature = members.bytes("sig"), signature.count == 64 else {
            throw UnreadableReceipt("the receipt's sig is not a signature of 64 bytes")
        }
        let purchase = Purchase(
            paymentHash: paymentHash,
            request: request,
            response: response,
            price: MilliSatoshi(msat: price),
            time: time
        )
        self.init(purchase: purchase, key: key, signature: signature)
    }
}

/// Why a text is not a receipt, or a file not a receipt file.
public struct UnreadableReceipt: Error, Hashable, CustomStringConvertible {
    /// What is wrong, in one clause.
    public let description: String

    init(_ description: String) { self.description = description }
}
