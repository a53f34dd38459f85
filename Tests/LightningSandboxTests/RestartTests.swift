// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import LightningPrimitives
import Testing

@testable import LightningSandbox

@Suite("A sandbox that is started again")
struct RestartTests {
    private actor Memory {
        var texts: [String: String] = [:]
        func put(_ name: String, _ text: String) { texts[name] = text }
    }

    @Test("has the same keys, certificates, macaroons, invoices and balances, even after a torn write")
    func restart() async throws {
        let directory = try TemporaryDirectory()
        let memory = Memory()
        try await withSandbox(directory: directory.path) { nodes in
            let merchant = try #require(nodes["merchant"])
            let payer = try #require(nodes["payer"])
            let paid = try await merchant.addInvoice(["value": "1000"])
            _ = try await payer.pay(paid.request)
            let open = try await merchant.addInvoice(["value": "2000"])
            await memory.put("identity", merchant.info.identity.hex)
            await memory.put("macaroon", try merchant.macaroon(.admin))
            await memory.put("certificate", try String(contentsOfFile: merchant.info.tlsCertPath, encoding: .utf8))
            await memory.put("paid", Hex.encode(paid.hash))
            await memory.put("open", open.request)
        }
        let journal = URL(filePath: directory.path + "/journal.jsonl")
        var bytes = try Data(contentsOf: journal)
        bytes.append(Data(#"{"paymentSucceeded":{"payer":1,"#.utf8))
        try bytes.write(to: journal)
        try await withSandbox(directory: directory.path) { nodes in
            let merchant = try #require(nodes["merchant"])
            let payer = try #require(nodes["payer"])
            let before = await memory.texts
            #expect(merchant.info.identity.hex == before["identity"])
            #expect(try merchant.macaroon(.admin) == before["macaroon"])
            #expect(try String(contentsOfFile: merchant.info.tlsCertPath, encoding: .utf8) == before["certificate"])
            #expect(try await merchant.balance() == 10_001_000_000)
            let paid = try await merchant.admin("GET", "/v1/invoice/\(before["paid"] ?? "")").object
            #expect(paid["state"] as? String == "SETTLED")
            #expect(try await payer.pay(before["open"] ?? "")["status"] as? String == "SUCCEEDED")
            #expect(try await payer.balance() == 9_997_000_000)
        }
    }

    @Test("bakes new macaroons when the journal with their root keys is gone")
    func journalRemoved() async throws {
        let directory = try TemporaryDirectory()
        let memory = Memory()
        try await withSandbox(directory: directory.path) { nodes in
            await memory.put("macaroon", try #require(nodes["merchant"]).macaroon(.admin))
        }
        try FileManager.default.removeItem(atPath: directory.path + "/journal.jsonl")
        try await withSandbox(directory: directory.path) { nodes in
            let merchant = try #require(nodes["merchant"])
            let old = await memory.texts["macaroon"]
            #expect(try await merchant.call("GET", "/v1/getinfo", macaroon: old).status == 500)
            for role in MacaroonRole.allCases {
                let macaroon = try merchant.macaroon(role)
                #expect(try await merchant.call("GET", "/v1/getinfo", macaroon: macaroon).status == 200, "\(role)")
            }
        }
    }

    @Test("refuses more money than there is")
    func tooMuch() throws {
        let half = MilliSatoshi(msat: MilliSatoshi.supply.msat / 2)
        let accounts = ["a", "b"].map { SandboxConfiguration.Account(name: $0, balance: half) }
        let third = SandboxConfiguration.Account(name: "c", balance: half)
        #expect(throws: Never.self) { try SandboxConfiguration(directory: "x", accounts: accounts).check() }
        #expect(throws: SandboxError(.badConfiguration, "")) {
            try SandboxConfiguration(directory: "x", accounts: accounts + [third]).check()
        }
    }

    @Test("keys and macaroons are for their owner's eyes only")
    func modes() async throws {
        let directory = try TemporaryDirectory()
        try await withSandbox(directory: directory.path) { nodes in
            let info = try #require(nodes["payer"]).info
            let secrets = [
                info.adminMacaroonPath, info.invoiceMacaroonPath, info.readonlyMacaroonPath, info.payMacaroonPath,
                directory.path + "/payer/tls.key", directory.path + "/journal.jsonl",
            ]
            for path in secrets {
                let attributes = try FileManager.default.attributesOfItem(atPath: path)
                #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(path)")
            }
        }
    }

    @Test("refuses a directory that another sandbox uses, and a journal it did not write")
    func refusals() async throws {
        let directory = try TemporaryDirectory()
        try await withSandbox(directory: directory.path) { _ in
            await #expect(throws: SandboxError(.inUse, "")) {
                try await withSandbox(directory: directory.path) { _ in }
            }
        }
        let journal = URL(filePath: directory.path + "/journal.jsonl")
        try (Data("{}\n".utf8) + (try Data(contentsOf: journal))).write(to: journal)
        await #expect(throws: SandboxError(.damaged, "")) { try await withSandbox(directory: directory.path) { _ in } }
    }

    @Test("refuses accounts that cannot be meant so", arguments: [[], ["a", "a"], ["../a"], [""], ["é"]])
    func configuration(names: [String]) async throws {
        await #expect(throws: SandboxError(.badConfiguration, "")) { try await withSandbox(names) { _ in } }
    }
}
