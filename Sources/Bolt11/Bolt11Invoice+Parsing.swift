// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import LightningPrimitives
internal import Secp256k1

extension Bolt11Invoice {
    /// The longest text that is read, in characters.
    static let lengthLimit = 8192

    /// Reads an invoice and verifies its signature.
    ///
    /// - Parameters:
    ///   - text: all lower or all upper case.
    ///   - isLenient: accept numbers that are not written in their shortest form.
    /// - Throws: ``Bolt11Error``.
    public init(parsing text: String, isLenient: Bool = false) throws(Bolt11Error) {
        guard text.utf8.count <= Self.lengthLimit else {
            throw Bolt11Error(.tooLong, "more than \(Self.lengthLimit) characters")
        }
        let (hrp, groups): ([UInt8], [UInt8])
        do { (hrp, groups) = try Bech32.decode(text) } catch { throw Bolt11Error(error) }
        let (network, amount) = try InvoiceAmount.read(hrp)
        guard groups.count >= 7 + 104 else { throw Bolt11Error(.tooShort, "no room for a timestamp and a signature") }
        let signed = groups.dropLast(104)
        var reader = FieldReader(isLenient: isLenient)
        try reader.read(signed.dropFirst(7))
        let contents = try reader.contents(
            network: network,
            amount: amount,
            timestamp: Int64(Groups.number(signed.prefix(7)) ?? 0)
        )
        let signedData = hrp + Groups.paddedBytes(Array(signed))
        let hash = Array(SHA256.hash(data: signedData))
        let signature = try Self.signature(Bech32.bytes(groups.suffix(104)))
        self.init(
            contents: contents,
            payee: try Self.payee(named: reader.payee, signature, hash),
            signature: signature,
            signedHash: hash,
            signedData: signedData,
            skippedFields: reader.skipped,
            text: text.lowercased()
        )
    }

    private static func signature(_ bytes: [UInt8]) throws(Bolt11Error) -> RecoverableSignature {
        guard bytes.count == 65,
            let signature = RecoverableSignature(compact: Array(bytes[..<64]), recoveryID: bytes[64])
        else { throw Bolt11Error(.notRecoverable, "the recovery id is not 0 to 3") }
        return signature
    }

    /// The payee: named and verified, or recovered from the signature.
    private static func payee(named: PublicKey?, _ signature: RecoverableSignature, _ hash: [UInt8]) throws(Bolt11Error)
        -> NodeID
    {
        guard let named else {
            guard let key = signature.recoverPublicKey(hash: hash) else {
                throw Bolt11Error(.notRecoverable, "no key made this signature")
            }
            return key.nodeID
        }
        guard named.verifiesECDSA(signature.compact, hash: hash) else {
            let code: Bolt11Error.Code = signature.hasHighS ? .highSWithPayee : .badSignature
            throw Bolt11Error(code, "the signature is not a canonical one of the named payee")
        }
        return named.nodeID
    }
}

/// Collects tagged fields; wrong lengths are skipped as if the field were unknown, as BOLT 11 asks.
private struct FieldReader {
    private static let knownFeatures: Set<Int> = [8, 9, 14, 15, 16, 17, 24, 25, 36, 37, 48, 49]

    let isLenient: Bool
    var payee: PublicKey?
    var skipped = 0
    private var paymentHash: PaymentHash?
    private var paymentSecret: [UInt8]?
    private var description: String?
    private var descriptionHash: [UInt8]?
    private var expiry: Int64?
    private var cltv: Int64?
    private var routeHints: [[Bolt11Invoice.Hop]] = []
    private var fallbacks: [Bolt11Invoice.Fallback] = []
    private var features: [Int]?
    private var metadata: [UInt8]?

    init(isLenient: Bool) { self.isLenient = isLenient }

    mutating func read(_ groups: ArraySlice<UInt8>) throws(Bolt11Error) {
        var rest = groups
        while !rest.isEmpty {
            guard rest.count >= 3 else { throw Bolt11Error(.truncatedField, "a field without its length") }
            let header = Array(rest.prefix(3))
            let length = Int(header[1]) << 5 | Int(header[2])
            rest = rest.dropFirst(3)
            guard rest.count >= length else { throw Bolt11Error(.truncatedField, "a field of \(length) groups") }
            try take(header[0], Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
    }

    private mutating func take(_ type: UInt8, _ groups: [UInt8]) throws(Bolt11Error) {
        switch (FieldTag(rawValue: type), groups.count) {
        case (.paymentHash, 52) where paymentHash == nil: paymentHash = PaymentHash(Bech32.bytes(groups))
        case (.paymentSecret, 52) where paymentSecret == nil: paymentSecret = Bech32.bytes(groups)
        case (.descriptionHash, 52) where descriptionHash == nil: descriptionHash = Bech32.bytes(groups)
        case (.description, _) where description == nil:
            guard let text = String(validating: Bech32.bytes(groups), as: UTF8.self) else {
                throw Bolt11Error(.badField, "the description is not UTF-8")
            }
            description = text
        case (.payee, 53) where payee == nil:
            guard let key = PublicKey(Bech32.bytes(groups)) else {
                throw Bolt11Error(.badField, "the payee is not a public key")
            }
            payee = key
        case (.expiry, _) where expiry == nil: expiry = try number(groups, "expiry")
        case (.minFinalCLTVExpiryDelta, _) where cltv == nil: cltv = try number(groups, "min_final_cltv_expiry_delta")
        case (.features, _) where features == nil: features = try bits(groups)
        case (.metadata, _) where metadata == nil: metadata = Bech32.bytes(groups)
        case (.routeHint, _): routeHints.append(try hops(Bech32.bytes(groups)))
        case (.fallback, 1...): takeFallback(groups)
        default: skipped += 1
        }
    }

    private func number(_ groups: [UInt8], _ name: String) throws(Bolt11Error) -> Int64 {
        guard isLenient || groups.first != 0 else { throw Bolt11Error(.badField, "\(name) begins with a zero group") }
        guard let value = Groups.number(groups), let number = Int64(exactly: value) else {
            throw Bolt11Error(.badField, "\(name) is too large")
        }
        return number
    }

    private func bits(_ groups: [UInt8]) throws(Bolt11Error) -> [Int] {
        guard isLenient || groups.first != 0 else { throw Bolt11Error(.badField, "features begin with a zero group") }
        var features: [Int] = []
        for (index, group) in groups.reversed().enumerated() {
            for bit in 0..<5 where group >> UInt8(bit) & 1 == 1 { features.append(index * 5 + bit) }
        }
        if let unknown = features.first(where: { $0.isMultiple(of: 2) && !Self.knownFeatures.contains($0) }) {
            throw Bolt11Error(.unknownEvenFeature, "feature \(unknown) is required and unknown")
        }
        return features
    }

    private mutating func takeFallback(_ groups: [UInt8]) {
        let program = Bech32.bytes(groups.dropFirst())
        let isKnown =
            switch groups[0] {
            case 17, 18: program.count == 20
            case 0...16: (2...40).contains(program.count)
            default: false
            }
        guard isKnown else {
            skipped += 1
            return
        }
        fallbacks.append(.init(version: groups[0], program: program))
    }

    private func hops(_ bytes: [UInt8]) throws(Bolt11Error) -> [Bolt11Invoice.Hop] {
        guard !bytes.isEmpty, bytes.count.isMultiple(of: 51) else {
            throw Bolt11Error(.badField, "a route hint is not whole hops of 51 bytes")
        }
        var hops: [Bolt11Invoice.Hop] = []
        for start in stride(from: 0, to: bytes.count, by: 51) {
            let hop = bytes[start..<start + 51]
            func number(_ range: Range<Int>) -> UInt64 {
                hop[(start + range.lowerBound)..<(start + range.upperBound)].reduce(0) { $0 << 8 | UInt64($1) }
            }
            guard let node = NodeID(hop.prefix(33)) else { throw Bolt11Error(.badField, "a hop without a public key") }
            hops.append(
                .init(
                    node: node,
                    shortChannelID: ShortChannelID(rawValue: number(33..<41)),
                    feeBase: MilliSatoshi(msat: Int64(number(41..<45))),
                    feeRate: UInt32(number(45..<49)),
                    cltvExpiryDelta: UInt16(number(49..<51))
                )
            )
        }
        return hops
    }

    func contents(network: BitcoinNetwork, amount: MilliSatoshi?, timestamp: Int64) throws(Bolt11Error)
        -> Bolt11Invoice.Contents
    {
        guard let paymentHash else { throw Bolt11Error(.missingPaymentHash, "no payment hash") }
        guard let paymentSecret else { throw Bolt11Error(.missingPaymentSecret, "no payment secret") }
        guard description != nil || descriptionHash != nil else {
            throw Bolt11Error(.missingDescription, "neither a description nor its hash")
        }
        guard description == nil || descriptionHash == nil else {
            throw Bolt11Error(.twoDescriptions, "a description and the hash of one")
        }
        var contents = Bolt11Invoice.Contents(
            network: network,
            amount: amount,
            timestamp: timestamp,
            paymentHash: paymentHash,
            paymentSecret: paymentSecret
        )
        contents.description = description
        contents.descriptionHash = descriptionHash
        contents.expirySeconds = expiry ?? 3600
        contents.minFinalCLTVExpiryDelta = cltv ?? 18
        contents.routeHints = routeHints
        contents.fallbacks = fallbacks
        contents.features = features ?? []
        contents.metadata = metadata
        contents.namesPayee = payee != nil
        return contents
    }
}
