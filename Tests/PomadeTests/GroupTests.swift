// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FROST
import Foundation
import Pomade
import Secp256k1
import Testing

@Suite("Groups as they are registered")
struct GroupTests {
    /// A dealt group of its own for each test.
    private struct Dealt {
        let dealing: Dealing
        var commits: [WireCommit]
        var key: Hex33
        var threshold: Int

        init(_ threshold: Int, of count: Int) throws {
            dealing = try Dealing(splitting: .random(), threshold: threshold, among: Identifier.first(count))
            commits = try dealing.shares.map { share in
                let nonce = try #require(Hex33(share.publicShare.compressed))
                return WireCommit(
                    idx: Int(share.identifier.number),
                    pubkey: nonce,
                    hiddenNonce: nonce,
                    binderNonce: nonce
                )
            }
            key = try #require(Hex33(dealing.group.key.compressed))
            self.threshold = threshold
        }

        var wire: WireGroup { WireGroup(commits: commits, key: key, threshold: threshold) }

        func refusal(minimumThreshold: Int = 1) -> FailureCode? {
            do throws(SignerFailure) {
                _ = try RegisteredGroup(wire, minimumThreshold: minimumThreshold)
                return nil
            } catch { return error.code }
        }
    }

    @Test("a dealt group of any threshold is taken, and so are its shares", arguments: 1...5)
    func dealtGroups(count: Int) throws {
        for threshold in 1...count {
            let dealt = try Dealt(threshold, of: count)
            let group = try RegisteredGroup(dealt.wire)
            for share in dealt.dealing.shares {
                #expect(try group.share(WireShare(share)).secret == share.secret)
            }
        }
    }

    @Test("thresholds out of range, or below what the operator allows, are refused")
    func thresholds() throws {
        var dealt = try Dealt(2, of: 3)
        #expect(dealt.refusal(minimumThreshold: 3) == .badThreshold)
        for wrong in [-1, 0, 4, Int.max] {
            dealt.threshold = wrong
            #expect(dealt.refusal() == .badThreshold)
        }
        dealt.commits = []
        #expect(dealt.refusal() == .badThreshold)
        #expect(try Dealt(2, of: 6).refusal() == .badThreshold)
    }

    @Test("numbers that are equal, nought or above 255 are refused", arguments: [-1, 0, 1, 256, Int.max])
    func numbers(wrong: Int) throws {
        var dealt = try Dealt(2, of: 3)
        let commit = dealt.commits[2]
        dealt.commits[2] = WireCommit(
            idx: wrong,
            pubkey: commit.pubkey,
            hiddenNonce: commit.hiddenNonce,
            binderNonce: commit.binderNonce
        )
        #expect(dealt.refusal() == .badGroup)
    }

    @Test("a group whose shares do not make its key is refused, whichever share is wrong", arguments: 0..<4)
    func inconsistency(place: Int) throws {
        var dealt = try Dealt(2, of: 4)
        let other = try Dealt(2, of: 4).commits[place]
        dealt.commits[place] = other
        #expect(dealt.refusal() == .badGroup)
    }

    @Test("bytes that are no points are refused")
    func points() throws {
        var dealt = try Dealt(2, of: 2)
        let none = try #require(Hex33([2] + [UInt8](repeating: 0xFF, count: 32)))
        dealt.key = none
        #expect(dealt.refusal() == .badGroup)
        dealt = try Dealt(2, of: 2)
        let commit = dealt.commits[0]
        dealt.commits[0] = WireCommit(idx: 1, pubkey: commit.pubkey, hiddenNonce: none, binderNonce: commit.binderNonce)
        #expect(dealt.refusal() == .badGroup)
    }

    @Test("another's share is told from a number that is no share")
    func shares() throws {
        let dealt = try Dealt(2, of: 3)
        let group = try RegisteredGroup(dealt.wire)
        func refusal(_ idx: Int, _ secret: [UInt8]) throws -> FailureCode? {
            let share = WireShare(idx: idx, seckey: try #require(Hex32(secret)))
            do throws(SignerFailure) {
                _ = try group.share(share)
                return nil
            } catch { return error.code }
        }
        #expect(try refusal(1, dealt.dealing.shares[1].secret.rawBytes) == .badShare)
        #expect(try refusal(4, dealt.dealing.shares[1].secret.rawBytes) == .badShare)
        #expect(try refusal(1, [UInt8](repeating: 0, count: 32)) == .badGroup)
        #expect(try refusal(1, [UInt8](repeating: 0xFF, count: 32)) == .badGroup)
    }

    @Test("too few, doubled or unknown members are refused, and those without this signer")
    func members() throws {
        let group = try RegisteredGroup(try Dealt(2, of: 3).wire)
        let own = try #require(Identifier(1))
        #expect(try group.members([3, 1], own: own).map(\.number) == [3, 1])
        #expect(try group.members([3, 2], own: nil).map(\.number) == [3, 2])
        for wrong in [[], [1], [2, 3], [1, 1], [1, 4], [1, -2], [1, 2, 3, 3]] {
            #expect(throws: SignerFailure.self) { _ = try group.members(wrong, own: own) }
        }
    }
}

@Suite("What stands on the wire")
struct WireTests {
    @Test("hexadecimal of either case is read, lower case is written, other lengths are refused")
    func hexadecimal() throws {
        let text = String(repeating: "aB", count: 32)
        let value = try JSONDecoder().decode(Hex32.self, from: Data("\"\(text)\"".utf8))
        #expect(String(decoding: try JSONEncoder().encode(value), as: UTF8.self) == "\"\(text.lowercased())\"")
        for wrong in [String(text.dropLast()), text + "00", text.dropLast(2) + "zz", ""] {
            #expect(throws: DecodingError.self) {
                _ = try JSONDecoder().decode(Hex32.self, from: Data("\"\(wrong)\"".utf8))
            }
        }
    }

    @Test("credentials with both secrets mean the password")
    func credentials() throws {
        let hash = String(repeating: "11", count: 32)
        func read(_ text: String) throws -> PomadeBody.Credentials {
            try JSONDecoder().decode(PomadeBody.Credentials.self, from: Data(text.utf8))
        }
        let both = try read(#"{"email_hash":"\#(hash)","password_hash":"\#(hash)","otp":"123"}"#)
        guard case .passwordHash = both.secret else { Issue.record("the code was taken"); return }
        let code = try read(#"{"email_hash":"\#(hash)","otp":"123"}"#)
        guard case .code("123") = code.secret else { Issue.record("the code was not taken"); return }
        #expect(throws: DecodingError.self) { _ = try read(#"{"email_hash":"\#(hash)"}"#) }
    }

    @Test("an answer carries its content beside ok and message, a refusal its code")
    func answers() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let good = PomadeAnswer(message: "Done.", content: PomadeContent.Items(items: []))
        #expect(
            String(decoding: try encoder.encode(good), as: UTF8.self) == #"{"items":[],"message":"Done.","ok":true}"#
        )
        let bad = PomadeAnswer<PomadeContent.Nothing>(SignerFailure(.noSession, "None."))
        #expect(
            String(decoding: try encoder.encode(bad), as: UTF8.self)
                == #"{"code":"no_session","message":"None.","ok":false}"#
        )
        let read = try JSONDecoder()
            .decode(PomadeAnswer<PomadeContent.Items>.self, from: Data(#"{"ok":false,"message":"No"}"#.utf8))
        #expect(read.content == nil && !read.ok)
    }

    @Test("a share says its number, never itself")
    func shareIsSecret() throws {
        let share = WireShare(idx: 3, seckey: try #require(Hex32([UInt8](repeating: 7, count: 32))))
        #expect("\(share)" == "share 3")
    }
}
