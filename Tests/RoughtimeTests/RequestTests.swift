// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Testing

@testable import Roughtime

@Suite("Decisions about requests")
struct RequestTests {
    struct Vector: Decodable {
        struct Case: Decodable {
            let name: String
            let hex: HexBytes
            let expect: String
            let version: VersionNumber?
        }
        let longterm_public: HexBytes
        let enabled_versions: [VersionNumber]
        let cases: [Case]
    }

    @Test("every datagram of the vectors is answered in the version stated, or dropped")
    func vectors() throws {
        let vector: Vector = try Vectors.load("requests")
        let rules = RequestRules(
            versions: VersionSet(vector.enabled_versions.map(\.version)),
            longTermPublicKeys: [vector.longterm_public.bytes]
        )
        #expect(vector.cases.count == 37)
        for item in vector.cases {
            switch rules.decide(item.hex.bytes.span.bytes) {
            case .success(let request):
                #expect(item.expect == "answer", "\(item.name)")
                #expect(request.version == item.version?.version, "\(item.name)")
            case .failure(let reason):
                #expect(item.expect == "drop", "\(item.name): \(reason)")
            }
        }
    }

    static let key = [UInt8](repeating: 7, count: 32)
    static let rules = RequestRules(longTermPublicKeys: [key])

    static func reason(_ packet: [UInt8], _ rules: RequestRules = rules) -> DropReason? {
        if case .failure(let reason) = rules.decide(packet.span.bytes) { return reason }
        return nil
    }

    /// A framed request of 1024 bytes with the values given.
    static func packet(_ values: [(Tag, [UInt8])], padding: UInt8 = 0, length: Int = 1024) -> [UInt8] {
        let used = Message(values: values + [(.padding, [])]).bytes.count + 12
        return Frame.wrap(
            Message(values: values + [(.padding, [UInt8](repeating: padding, count: length - used))]).bytes
        )
    }

    static let one: (Tag, [UInt8]) = (.version, [1, 0, 0, 0])
    static let nonce: (Tag, [UInt8]) = (.nonce, [UInt8](repeating: 9, count: 32))
    static let type: (Tag, [UInt8]) = (.type, [0, 0, 0, 0])

    @Test("every reason to drop a request is told apart")
    func reasons() {
        #expect(Self.reason(Self.packet([Self.one, Self.nonce, Self.type])) == nil)
        #expect(Self.reason([]) == .size)
        #expect(Self.reason(Self.packet([Self.one, Self.nonce, Self.type], length: 1020)) == .size)
        #expect(Self.reason(Self.packet([Self.one, Self.nonce, Self.type], length: 2052)) == .size)
        #expect(Self.reason(Self.packet([Self.one, Self.nonce, Self.type]) + [0, 0, 0, 0]) == .frame)
        #expect(Self.reason([UInt8](repeating: 0, count: 1024)) == .parse)
        #expect(Self.reason(Self.packet([Self.one, Self.type])) == .nonce)
        #expect(Self.reason(Self.packet([Self.one, Self.nonce])) == .version)
        #expect(Self.reason(Self.packet([Self.one, Self.nonce, (.type, [1, 0, 0, 0])])) == .type)
        #expect(Self.reason(Self.packet([Self.one, Self.nonce, Self.type], padding: 1)) == .padding)
        let foreign: (Tag, [UInt8]) = (.server, [UInt8](repeating: 3, count: 32))
        #expect(Self.reason(Self.packet([Self.one, Self.nonce, Self.type, foreign])) == .srv)
    }

    @Test("a number that is not ours in the list of versions is ignored, zero too")
    func unknownVersions() {
        let list: (Tag, [UInt8]) = (.version, [0, 0, 0, 0, 1, 0, 0, 0])
        #expect(Self.reason(Self.packet([list, Self.nonce, Self.type])) == nil)
        let private_: (Tag, [UInt8]) = (.version, [1, 0, 0, 0, 0, 0, 0, 0xc0])
        #expect(Self.reason(Self.packet([private_, Self.nonce, Self.type])) == nil)
    }

    @Test("padding is judged only where the text of the chosen version says so")
    func oldPadding() {
        let draft9: (Tag, [UInt8]) = (.version, [9, 0, 0, 0x80])
        #expect(Self.reason(Self.packet([draft9, Self.nonce], padding: 1)) == nil)
        let draft12: (Tag, [UInt8]) = (.version, [0x0c, 0, 0, 0x80])
        #expect(Self.reason(Self.packet([draft12, Self.nonce], padding: 1)) == .padding)
    }

    @Test("with several keys a request must name one")
    func severalKeys() throws {
        let keys = [Self.key, [UInt8](repeating: 8, count: 32)]
        let rules = RequestRules(longTermPublicKeys: keys)
        #expect(Self.reason(Self.packet([Self.one, Self.nonce, Self.type]), rules) == .srv)
        let named = try #require(
            Request(versions: [.rfc10049], nonce: Self.nonce.1, serverKey: keys[1])
        )
        #expect(try rules.decide(named.packet.span.bytes).get().key == 1)
    }

    @Test("versions that are off are not answered")
    func switchedOff() throws {
        let rules = RequestRules(versions: VersionSet([.rfc10049]), longTermPublicKeys: [Self.key])
        for version in Version.all where version != .rfc10049 {
            let length = Profile.of(version)?.nonceLength ?? 0
            let request = try #require(Request(versions: [version], nonce: [UInt8](repeating: 1, count: length)))
            #expect(Self.reason(request.packet, rules) == .version, "\(version)")
        }
    }

    @Test("our own requests are accepted in every version and are at least 1024 bytes long")
    func ownRequests() throws {
        for version in Version.all {
            let length = Profile.of(version)?.nonceLength ?? 0
            let request = try #require(
                Request(versions: [version], nonce: [UInt8](repeating: 1, count: length), serverKey: Self.key)
            )
            #expect(request.packet.count >= 1024)
            #expect(try Self.rules.decide(request.packet.span.bytes).get().version == version)
            #expect(try Request(reading: request.packet) == request)
        }
    }

    @Test("the canonical request is that of the vectors")
    func canonical() throws {
        struct Vector: Decodable {
            let longterm_public: HexBytes
            let srv: HexBytes
            let nonce: HexBytes
            let request: HexBytes
        }
        let vector: Vector = try Vectors.load("canonical_request")
        let request = Request(
            versions: [.rfc10049],
            nonce: vector.nonce.bytes,
            serverKey: vector.longterm_public.bytes
        )
        #expect(request?.packet == vector.request.bytes)
    }
}
