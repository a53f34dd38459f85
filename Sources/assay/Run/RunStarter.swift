// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import ServiceLifecycle
import Supervisor

/// Shows how a run comes up, and what to try once it is up.
struct RunStarter: Service {
    let stack: RunStack

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await start()
            try? await Task.sleep(for: .seconds(365 * 24 * 3600))
        }
    }

    private func start() async {
        let begin = ContinuousClock.now
        let plan = stack.plan
        Terminal.note("  node       sandbox, merchant on port \(plan.merchantPort), payer on port \(plan.payerPort)")
        guard await wait("API", for: { await get(plan.api + "/api/health/live") != nil }) else { return }
        Terminal.note("  API        \(plan.api) after \(seconds(since: begin))")
        for signer in plan.signers.entries {
            guard await wait("the signers", for: { await get(signer.url + "/x/info") != nil }) else { return }
        }
        Terminal.note("  signers    three, ready after \(seconds(since: begin))")
        if stack.cluster != nil {
            let url = plan.keyShare.url + "/status?ready=1"
            guard await wait("the key share node", for: { await get(url) != nil }) else { return }
            Terminal.note("  key shares ready after \(seconds(since: begin))")
        }
        var shown = ""
        let hasScores = await wait("scores") {
            if let progress = await crawlProgress(), progress != shown {
                shown = progress
                Terminal.note("  crawler    \(progress)")
            }
            return await firstNode() != nil
        }
        guard hasScores, let node = await firstNode() else { return }
        Terminal.note("  scores     ready after \(seconds(since: begin))")
        guard await wait("the node", for: { await isNodeReady() }) else { return }
        stack.writeRunFile()
        announce(node)
    }

    private func announce(_ node: TopAnswer.Row) {
        let plan = stack.plan
        let program = ProgramFiles.executable.path
        let metrics = [plan.api, plan.crawlerMetrics, plan.roughtimeMetrics].compactMap { $0.map { $0 + "/metrics" } }
        let keyShares =
            stack.cluster == nil
            ? "none beside a database of your own; see assay keyshare --help"
            : "\(plan.keyShare.url), login tokens from \(plan.keyShare.issuerURL)/mint"
        let address = "\(plan.api)/api/profile/\(node.publicKeyHash)"
        Terminal.say(
            """

            Assay is running.
              API              \(plan.api)/api/health
              API description  \(plan.api)/api/openapi.json
              Roughtime        127.0.0.1:\(plan.roughtimePort), UDP and TCP, key \(plan.roughtime.publicKey)
              FROST signers    \(plan.signers.entries.map(\.url).joined(separator: ", ")), codes in logs/signer-1.log …
              key share node   \(keyShares)
              metrics          \(metrics.joined(separator: ", "))
              everything else  \(plan.directory.runFile)
              logs             \(plan.directory.path)/logs

            Buy the trust profile of \(node.alias ?? "a node") with the sandbox's money:

              \(program) get \(address) --wallet \(plan.directory.runFile) --max-sats 10 --verbose

            Split a Nostr key among the signers, and sign with it (assay frost --help):

              \(program) frost deal --data \(plan.directory.path) --new-key-file key.nsec

            Ctrl-C stops everything.
            """
        )
    }

    /// Asks until the answer is yes; false when the run is stopped first.
    private func wait(_ what: String, for condition: () async -> Bool) async -> Bool {
        var tries = 0
        while !Task.isCancelled {
            if await condition() { return true }
            tries += 1
            if tries.isMultiple(of: 300) {
                Terminal.note("  still waiting for \(what); see \(stack.plan.directory.path)/logs")
            }
            try? await Task.sleep(for: .milliseconds(100))
        }
        return false
    }

    private func seconds(since begin: ContinuousClock.Instant) -> String {
        let tenths = Int(((ContinuousClock.now - begin) / .milliseconds(100)).rounded())
        return "\(tenths / 10).\(tenths % 10) s"
    }

    private struct TopAnswer: Decodable {
        struct Row: Decodable {
            let publicKeyHash: String
            let alias: String?
        }
        let data: [Row]
    }

    private struct HealthAnswer: Decodable {
        struct Body: Decodable { let lndStatus: String }
        let data: Body
    }

    /// Whether the API can sell: it has found the node ready.
    private func isNodeReady() async -> Bool {
        guard let data = await get(stack.plan.api + "/api/health") else { return false }
        return (try? JSONDecoder().decode(HealthAnswer.self, from: data))?.data.lndStatus == "ok"
    }

    private struct CrawlAnswer: Decodable {
        let pass: String?
    }

    private func firstNode() async -> TopAnswer.Row? {
        guard let data = await get(stack.plan.api + "/api/agents/top?limit=1") else { return nil }
        return try? JSONDecoder().decode(TopAnswer.self, from: data).data.first
    }

    private func crawlProgress() async -> String? {
        guard let data = await get(stack.plan.crawlerMetrics + "/healthz") else { return nil }
        return try? JSONDecoder().decode(CrawlAnswer.self, from: data).pass
    }

    /// The body of a 200 answer.
    private func get(_ url: String) async -> Data? {
        guard
            let response = try? await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(2)),
            response.status == .ok, let body = try? await response.body.collect(upTo: 1 << 20)
        else { return nil }
        return Data(buffer: body)
    }
}
