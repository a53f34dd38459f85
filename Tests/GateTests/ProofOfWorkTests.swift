// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import IPAddresses
import L402
import Testing

@testable import Gate

@Suite("Puzzles instead of waiting")
struct ProofOfWorkTests {
    private let client = IPAddress("192.0.2.1")

    private func ring() throws -> KeyRing { try KeyRing(secret: [UInt8](repeating: 7, count: 32)) }

    /// Solves a puzzle as a client does.
    private func solve(_ puzzle: String) throws -> String {
        let parts = puzzle.split(separator: ";")
        let salt = try #require(Hex.decode(parts[0]))
        let bits = try #require(Int(parts[1]))
        for number in UInt32.min ... .max {
            let nonce = withUnsafeBytes(of: number.bigEndian) { Array($0) }
            let digest = Array(SHA256.hash(data: salt + nonce))
            let value = digest.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            if value.leadingZeroBitCount >= bits { return "\(parts[0]);\(Hex.encode(nonce))" }
        }
        return ""
    }

    @Test("a solution admits its client once, in its minute and the next, and nobody else")
    func solution() throws {
        var work = ProofOfWork(bits: 8)
        let ring = try ring()
        let solution = try solve(try #require(work.puzzle(for: client, ring: ring, now: 6000)))
        let stranger = work.accepts(solution, from: IPAddress("198.51.100.1"), ring: ring, now: 6000)
        let late = work.accepts(solution, from: client, ring: ring, now: 6120)
        let neighbour = work.accepts(solution, from: IPAddress("192.0.2.200"), ring: ring, now: 6119)
        let again = work.accepts(solution, from: client, ring: ring, now: 6060)
        #expect([stranger, late, neighbour, again] == [false, false, true, false])
    }

    @Test("what is not a solution is refused, whatever it looks like")
    func refused() throws {
        var work = ProofOfWork(bits: 8)
        let ring = try ring()
        let puzzle = try #require(work.puzzle(for: client, ring: ring, now: 0))
        let salt = puzzle.split(separator: ";")[0]
        let long = String(repeating: "0", count: 200)
        for text in ["", ";", puzzle, "\(salt);", "\(salt);zz", "\(salt);\(long)", "00;00", "\(salt);00;00"] {
            let isAccepted = work.accepts(text, from: client, ring: ring, now: 0)
            #expect(!isAccepted)
        }
    }

    @Test("without bits there is no puzzle and no solution")
    func off() throws {
        var work = ProofOfWork(bits: 0)
        #expect(work.puzzle(for: client, ring: try ring(), now: 0) == nil)
        let isAccepted = work.accepts("00;00", from: client, ring: try ring(), now: 0)
        #expect(!isAccepted)
    }
}
