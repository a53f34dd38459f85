// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Secp256k1
import Testing

@testable import FROST

@Suite("Scalars and hashes")
struct ScalarTests {
    struct File: Decodable {
        struct Reduction: Decodable { let input, output: HexBytes }
        struct Binary: Decodable { let a, b, r: HexBytes }
        struct Unary: Decodable { let a, r: HexBytes }
        struct Weight: Decodable {
            let ids: [Identifier]
            let i: Identifier
            let x: UInt32?
            let r: HexBytes
        }
        let reduce48, reduce32: [Reduction]
        let mul, add: [Binary]
        let neg, inv: [Unary]
        let lagrange_at_0, lagrange_at_x: [Weight]
    }

    let file: File

    init() throws { file = try Vectors.load("scalars") }

    @Test("integers are reduced modulo the group order")
    func reduction() {
        #expect(file.reduce48.count == 13 && file.reduce32.count == 7)
        for vector in file.reduce48 + file.reduce32 {
            #expect(Scalar(reducing: vector.input.bytes).rawBytes == vector.output.bytes)
        }
    }

    @Test("sums, products, negatives and inverses, zero included")
    func arithmetic() throws {
        for vector in file.add { #expect(try vector.a.scalar + vector.b.scalar == vector.r.scalar) }
        for vector in file.mul { #expect(try vector.a.scalar * vector.b.scalar == vector.r.scalar) }
        for vector in file.neg { #expect(try -vector.a.scalar == vector.r.scalar) }
        for vector in file.inv { #expect(try vector.a.scalar.inverse == vector.r.scalar) }
        #expect(Scalar.zero.inverse == nil)
    }

    @Test("Lagrange's weights at zero and elsewhere")
    func weights() throws {
        for vector in file.lagrange_at_0 + file.lagrange_at_x {
            let weight = Interpolation.weight(of: vector.i, among: vector.ids, at: vector.x ?? 0)
            #expect(try weight == vector.r.scalar)
            // Weights at zero are remembered, whatever order the participants are named in.
            let again = Interpolation.weight(of: vector.i, among: vector.ids.reversed(), at: vector.x ?? 0)
            #expect(again == weight)
        }
    }

    @Test("bytes outside of the field are no scalar")
    func range() throws {
        let order = (-Scalar.one).rawBytes.dropLast() + [0x41]
        #expect(Scalar(order) == nil)
        #expect(Scalar([UInt8](repeating: 255, count: 32)) == nil)
        #expect(Scalar(order.dropLast() + [0x40]) == -Scalar.one)
        #expect(Scalar([UInt8](repeating: 0, count: 32)) == .zero)
        for size in [0, 31, 33] { #expect(Scalar([UInt8](repeating: 0, count: size)) == nil) }
    }

    @Test("scalars are a field on random values")
    func field() {
        for _ in 0..<50 {
            let (a, b, c) = (Scalar.random(), Scalar.random(), Scalar.random())
            #expect((a + b) * c == a * c + b * c)
            #expect(a - a == .zero && a + .zero == a && a * .zero == .zero)
            #expect(a.inverse.map { $0 * a } == .one)
            #expect((a + b).point == Point.sum([a.point, b.point]))
            #expect(a.point?.multiplied(byPublic: b) == (a * b).point)
            #expect(a.point?.multiplied(bySecret: b) == (a * b).point)
        }
    }

    @Test("sums and products that are infinity are nil")
    func infinity() throws {
        let point = try #require(Scalar.random().point)
        #expect(Point.sum([point, -point]) == nil)
        #expect(Point.sum([]) == nil && Point.sum([nil, nil]) == nil)
        #expect(Point.sum([nil, point]) == point)
        #expect(Scalar.zero.point == nil)
        #expect(point.multiplied(byPublic: .zero) == nil && point.multiplied(bySecret: .zero) == nil)
    }

    @Test("what is not a compressed point is refused")
    func points() throws {
        let elements: [String: [String: HexBytes]] = try Vectors.load("secp256k1/elements")
        let invalid = try #require(elements["elements"]?["invalid_element"])
        #expect(Point(invalid.bytes) == nil)
        #expect(Point([UInt8](repeating: 0, count: 33)) == nil)
        let bytes = Point.generator.compressed
        for size in 0..<33 { #expect(Point(bytes.prefix(size)) == nil) }
        for tag in UInt8.min ... .max where tag != 2 && tag != 3 { #expect(Point([tag] + bytes.dropFirst()) == nil) }
        #expect(Point(evenWithX: [UInt8](repeating: 0, count: 32)) == nil)
        #expect(Point(evenWithX: bytes.dropFirst()) == .generator)
    }

    @Test("a secret does not print")
    func redaction() {
        let scalar = Scalar(12345 as UInt64)
        #expect("\(scalar)" == "[redacted]")
        var dumped = ""
        dump(scalar, to: &dumped)
        #expect(!dumped.contains("57") && dumped.contains("redacted"))
    }

    @Test("a secret's bytes are overwritten with zeros")
    func overwriting() {
        var bytes = Scalar.random().rawBytes
        overwrite(&bytes)
        #expect(bytes == [UInt8](repeating: 0, count: 32))
    }

    @Test("hashes of both contexts")
    func hashes() throws {
        struct File: Decodable {
            struct Case: Decodable {
                let context: String
                let msg, H1, H2, H3, H4, H5, HDKG, HID: HexBytes
            }
            let cases: [Case]
        }
        let file: File = try Vectors.load("hash_to_field")
        #expect(Set(file.cases.map(\.context)).count == 2)
        for vector in file.cases {
            let hash = SuiteHash(context: vector.context)
            let message = vector.msg.bytes
            #expect(try hash.bindingFactor(message) == vector.H1.scalar)
            #expect(hash.message(message) == vector.H4.bytes)
            #expect(hash.commitments(message) == vector.H5.bytes)
            #expect(try hash.keyGeneration(message) == vector.HDKG.scalar)
            #expect(try hash.identifier(message) == vector.HID.scalar)
            #expect(try hash.scalar("nonce") { $0.update(data: message) } == vector.H3.scalar)
            let challenge =
                vector.context.contains("TR")
                ? Scalar(reducing: taggedHash("BIP0340/challenge", message)) : hash.challenge(message)
            #expect(try challenge == vector.H2.scalar)
        }
    }
}
