// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CSodium
internal import Secp256k1

/// An integer modulo L, the order of ed25519's base point, computed with by libsodium.
///
/// Its bytes are overwritten when the last copy goes.
struct Ed25519Scalar: Sendable {
    private let storage: SecretBytes

    private init(_ write: (UnsafeMutablePointer<UInt8>) -> Void) { storage = SecretBytes(write) }

    private func combined(
        with other: Ed25519Scalar,
        _ combine: (UnsafeMutablePointer<UInt8>, UnsafePointer<UInt8>, UnsafePointer<UInt8>) -> Void
    ) -> Ed25519Scalar {
        Ed25519Scalar { target in
            storage.withPointer { left in other.storage.withPointer { right in combine(target, left, right) } }
        }
    }
}

extension Ed25519Scalar: ShareNumber {
    static let zero = Ed25519Scalar { _ in }
    static let one = Ed25519Scalar { $0[0] = 1 }

    /// Reads 32 little-endian bytes below L.
    init?(wire bytes: some Collection<UInt8>) {
        guard bytes.count == SecretBytes.count else { return nil }
        let given = Ed25519Scalar { target in for (index, byte) in bytes.enumerated() { target[index] = byte } }
        // What reduction leaves as it is was below L.
        guard given.reduced == given else { return nil }
        self = given
    }

    private var reduced: Ed25519Scalar {
        Ed25519Scalar { target in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { wide in
                guard let start = wide.baseAddress else { return }
                start.initialize(repeating: 0, count: 64)
                defer { overwrite(UnsafeMutableRawBufferPointer(wide)) }
                storage.withPointer { start.update(from: $0, count: SecretBytes.count) }
                crypto_core_ed25519_scalar_reduce(target, start)
            }
        }
    }

    static func random() -> Ed25519Scalar { Ed25519Scalar { crypto_core_ed25519_scalar_random($0) } }

    static func + (left: Self, right: Self) -> Self {
        left.combined(with: right) { crypto_core_ed25519_scalar_add($0, $1, $2) }
    }

    static func - (left: Self, right: Self) -> Self {
        left.combined(with: right) { crypto_core_ed25519_scalar_sub($0, $1, $2) }
    }

    static func * (left: Self, right: Self) -> Self {
        left.combined(with: right) { crypto_core_ed25519_scalar_mul($0, $1, $2) }
    }

    var inverse: Ed25519Scalar? {
        var isInverted = false
        let inverse = Ed25519Scalar { target in
            isInverted = storage.withPointer { crypto_core_ed25519_scalar_invert(target, $0) } == 0
        }
        return isInverted ? inverse : nil
    }

    static func == (left: Self, right: Self) -> Bool {
        left.storage.withPointer { left in
            right.storage.withPointer { sodium_memcmp(left, $0, SecretBytes.count) == 0 }
        }
    }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        storage.withPointer { body(UnsafeRawBufferPointer(start: $0, count: SecretBytes.count)) }
    }

    var element: Ed25519Point? {
        var point = [UInt8](repeating: 0, count: Ed25519Point.count)
        let isPoint = storage.withPointer { crypto_scalarmult_ed25519_base_noclamp(&point, $0) } == 0
        return isPoint ? Ed25519Point(trusted: point) : nil
    }
}

/// A point of ed25519's group of prime order, other than the neutral one.
struct Ed25519Point: SharePoint {
    static let count = 32
    /// The encoding of the neutral point.
    private static let neutral: [UInt8] = [1] + [UInt8](repeating: 0, count: 31)

    let wire: [UInt8]

    init(trusted bytes: [UInt8]) { wire = bytes }

    /// Takes canonical encodings of points of the prime order only; no point of small order is one.
    init?(wire bytes: [UInt8]) {
        guard bytes.count == Self.count, crypto_core_ed25519_is_valid_point(bytes) == 1 else { return nil }
        wire = bytes
    }

    static func sum(_ points: [Ed25519Point?]) -> Ed25519Point? {
        var sum: [UInt8]?
        for point in points.compactMap({ $0?.wire }) {
            guard let left = sum else {
                sum = point
                continue
            }
            var next = [UInt8](repeating: 0, count: count)
            let isAdded = crypto_core_ed25519_add(&next, left, point) == 0
            precondition(isAdded, "both are points of the curve")
            sum = next == neutral ? nil : next
        }
        return sum.map { Ed25519Point(trusted: $0) }
    }

    func multiplied(byPublic number: Ed25519Scalar) -> Ed25519Point? {
        var product = [UInt8](repeating: 0, count: Self.count)
        let isPoint = number.withBytes { bytes in
            bytes.withMemoryRebound(to: UInt8.self) { bytes in
                guard let start = bytes.baseAddress else { return false }
                return crypto_scalarmult_ed25519_noclamp(&product, start, wire) == 0
            }
        }
        return isPoint ? Ed25519Point(trusted: product) : nil
    }
}
