// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Gzip
import LightningGraph
import PaymentSimulation

/// Measures who forecasts the success of payments best.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Compare forecasts of payment success on a real graph with simulated balances.",
        discussion: """
            Nobody can see where the money in a channel lies. The experiment hides it, by one published assumption after \
            the other, lets nodes fail and attackers in, sends payments of realistic sizes, and asks five methods how \
            likely each is to arrive:

              capacity_only   every balance is equally likely; never learns
              lnd_apriori     LND's default estimator, with its memory of payments
              lnd_bimodal     LND's bimodal estimator, with its memory of payments
              satrank_compat  the receiver's SatRank score over 100
              ours            Assay's liquidity model, which learns which assumption fits

            All forecast the same attempts along the same paths, chosen by none of them. Brier score and log loss: lower \
            is better. AUC: higher is better. ECE, the calibration error: lower is better. Everything is drawn from the \
            seed: the same arguments give the same bytes.

              assay simulate                                  the standard experiment
              assay simulate --json result.json --plots plots with every number and charts
              assay simulate --seed 7 --attacks none --observations 0,300

            Assumptions: uniform, bimodal, depleted_hubs, mixed. Attacks: none, sybil, channel_splitting, both. \
            How it works: docs/simulation.md.
            """
    )

    @Option(help: "The Lightning graph: LND's JSON, plain or gzip. [default: the snapshot that comes with the program]")
    var graph: String?

    @Option(help: "Where all random numbers come from.")
    var seed: UInt64 = 1

    @Option(help: "Payments judged in every row, 40 to 1,000,000.")
    var payments = 6000

    @Option(help: "Numbers of observed payments to learn from before, separated by commas.")
    var observations = "0,1000,10000"

    @Option(help: "Assumptions about balances, separated by commas. [default: all]")
    var assumptions: String?

    @Option(help: "Attacks, separated by commas. [default: all]")
    var attacks: String?

    @Option(help: "Share of the nodes that fail now and then or for good, 0 to 1.")
    var failing = 0.1

    @Option(help: "How far balances wander in a week, as a deviation in ranks, 0 (never) to 2.")
    var drift = 0.25

    @Option(help: "Write every number to this file as JSON; '-' is standard output, without the table.")
    var json: String?

    @Option(help: "Write charts (SVG) into this directory.")
    var plots: String?

    func validate() throws { _ = try experiment() }

    func run() async throws {
        guard let path = graph ?? ProgramFiles.graphSnapshot else {
            throw Failure(
                Failure.unavailable,
                "the graph snapshot was not found beside the program; give one with --graph"
            )
        }
        let experiment = try experiment()
        let network = try Self.read(path)
        guard experiment.canRun(on: network) else {
            throw Failure(Failure.unreadable, "\(path) has too few channels that can carry payments")
        }
        Terminal.note("\(network.nodes.count) nodes, \(network.channels.count) channels; seed \(seed)")
        let report = try await experiment.run(on: network) { done, total in
            Terminal.note("  \(done) of \(total) parts")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let document = AccuracyDocument(report, graph: URL(fileURLWithPath: path).lastPathComponent)
        if let json {
            let data = try encoder.encode(document) + Data("\n".utf8)
            if json == "-" { Terminal.say(data) } else { try Self.write(data, to: json) }
        }
        if let plots { try Self.write(AccuracyPlots(report), into: plots) }
        guard json != "-" else { return }
        Terminal.table(AccuracyTable(report).rows)
        Terminal.say("")
        Terminal.say(AccuracyTable(report).verdict)
    }

    private func experiment() throws -> AccuracyExperiment {
        guard (40...1_000_000).contains(payments) else {
            throw ValidationError("--payments is between 40 and 1,000,000")
        }
        guard (0...1).contains(failing) else { throw ValidationError("--failing is between 0 and 1") }
        guard (0...2).contains(drift) else { throw ValidationError("--drift is between 0 and 2") }
        let counts = try observations.split(separator: ",").map { text in
            guard let count = Int(text.trimmingCharacters(in: .whitespaces)), (0...1_000_000).contains(count) else {
                throw ValidationError("--observations: '\(text)' is not a number from 0 to 1,000,000")
            }
            return count
        }
        guard !counts.isEmpty else { throw ValidationError("--observations names at least one number") }
        var experiment = AccuracyExperiment(
            seed: seed,
            payments: payments,
            observations: Array(Set(counts)),
            assumptions: try Self.list(assumptions, "--assumptions"),
            attacks: try Self.list(attacks, "--attacks")
        )
        experiment.failingShare = failing
        experiment.weeklyDrift = drift
        return experiment
    }

    /// The named cases, in their own order; all of them without names.
    private static func list<Case: CaseIterable & RawRepresentable<String>>(_ text: String?, _ option: String) throws
        -> [Case]
    {
        guard let text else { return Array(Case.allCases) }
        let names = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        let known = Case.allCases.map(\.rawValue)
        if let stranger = names.first(where: { !known.contains($0) }) {
            throw ValidationError("\(option): '\(stranger)' is none of \(known.joined(separator: ", "))")
        }
        guard !names.isEmpty else {
            throw ValidationError("\(option) names at least one of \(known.joined(separator: ", "))")
        }
        return Case.allCases.filter { names.contains($0.rawValue) }
    }

    private static func read(_ path: String) throws -> ChannelGraph {
        do {
            let file = try GzipReader(path: path)
            var reader = GraphReader()
            while let bytes = try file.next() { try reader.consume(bytes) }
            return try reader.finish()
        } catch let error as GzipError {
            throw Failure(Failure.unreadable, "\(error)")
        } catch let error as GraphReadError {
            throw Failure(Failure.unreadable, "\(path) is not a graph: \(error)")
        }
    }

    private static func write(_ plots: AccuracyPlots, into directory: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw Failure(Failure.unavailable, "cannot make the directory \(directory)")
        }
        for file in plots.files { try write(Data(file.svg.utf8), to: "\(directory)/\(file.name)") }
    }

    private static func write(_ data: Data, to path: String) throws {
        do {
            try data.write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw Failure(Failure.unavailable, "cannot write \(path)")
        }
    }
}
