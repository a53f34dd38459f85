// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Challenges and paid requests beside nginx: processor time of each server, and latency at a fixed rate.
struct ServerBenchmark {
    let servers: Servers
    let seconds: Int

    /// A load and what serves it.
    private struct Subject {
        let name: String
        let port: Int
        let path: String
        let credentials: [String]
        let status: Int
        let pid: Int32
    }

    func measure() async throws -> [Figure] {
        let port = servers.gateway.port
        let pid = servers.gatewayProcess.pid
        let credentials = servers.gateway.credentials
        let nginx = Subject(
            name: "nginx",
            port: servers.nginxPort,
            path: "/static",
            credentials: [],
            status: 200,
            pid: servers.nginxProcess.pid
        )
        let subjects = [
            Subject(
                name: "free route, canned answer",
                port: port,
                path: "/free",
                credentials: [],
                status: 200,
                pid: pid
            ),
            Subject(name: "(b) 402 challenge", port: port, path: "/paid", credentials: [], status: 402, pid: pid),
            Subject(
                name: "(c) verified request, no database",
                port: port,
                path: "/verified",
                credentials: credentials,
                status: 200,
                pid: pid
            ),
            Subject(
                name: "(c) paid request, with the ledger",
                port: port,
                path: "/paid",
                credentials: credentials,
                status: 200,
                pid: pid
            ),
        ]
        let targets: [Double?] = [nil, 40, 30, nil]
        let baseline = try await cost(of: nginx)
        var all: [Figure] = []
        for (subject, target) in zip(subjects, targets) {
            all += try await figures(for: subject, target: target, nginx: baseline)
        }
        let calm = try await latency(of: nginx)
        for subject in subjects {
            all.append(
                Figure(
                    name: "\(subject.name): p99 at 1000/s",
                    unit: "ms",
                    ours: try await latency(of: subject),
                    baselineName: "nginx static",
                    baseline: calm,
                    target: subject.name.hasPrefix("(") ? 10 : nil
                )
            )
        }
        return all
    }

    private func figures(for subject: Subject, target: Double?, nginx: Cost) async throws -> [Figure] {
        let cost = try await cost(of: subject)
        func figure(_ what: String, _ ours: Double, _ baseline: Double?, target: Double? = nil) -> Figure {
            Figure(
                name: "\(subject.name): \(what)",
                unit: what.hasSuffix("per CPU-second") ? "1/s" : "us",
                ours: ours,
                baselineName: baseline == nil ? nil : "nginx static",
                baseline: baseline,
                target: target
            )
        }
        var figures = [figure("CPU", cost.microseconds, nginx.microseconds, target: target)]
        if subject.credentials.isEmpty == false {
            figures.append(figure("requests per CPU-second", 1e6 / cost.microseconds, 1e6 / nginx.microseconds))
        }
        if cost.database >= 1 { figures.append(figure("CPU of PostgreSQL beside", cost.database, nil)) }
        if cost.node >= 1 { figures.append(figure("CPU of the node beside", cost.node, nil)) }
        return figures
    }

    /// Processor time of a request, in microseconds, by who spends it.
    private struct Cost {
        let microseconds: Double
        let database: Double
        let node: Double
    }

    /// Under as much load as 32 connections give.
    private func cost(of subject: Subject) async throws -> Cost {
        _ = try load(subject, seconds: 1)
        let pids = [subject.pid, servers.databasePID, servers.nodeProcess.pid]
        let before = pids.map(ProcessTime.seconds)
        let count = Double(try load(subject, seconds: seconds))
        let spent = zip(pids.map(ProcessTime.seconds), before).map { ($0 - $1) * 1e6 / count }
        return Cost(microseconds: spent[0], database: spent[1], node: spent[2])
    }

    /// The 99th percentile in milliseconds at 1000 requests a second, from the moment a request was due.
    private func latency(of subject: Subject) async throws -> Double {
        let load = PacedLoad(port: subject.port, path: subject.path, credentials: subject.credentials)
        let answers = try await load.run(perSecond: 1000, seconds: seconds)
        guard answers.statuses == [subject.status] else {
            throw BenchmarkError("\(subject.name) was answered with \(answers.statuses.sorted())")
        }
        return answers.milliseconds(percentile: 99)
    }

    /// Requests answered under closed-loop load by wrk.
    private func load(_ subject: Subject, seconds: Int) throws -> Int {
        let script = "\(servers.directory)/load.lua"
        let lines = subject.credentials.map { "\"\($0)\"" }.joined(separator: ",\n")
        try """
        local credentials = {\(lines)}
        local requests, count, wrong = {}, 0, 0
        init = function(arguments)
            wrk.headers["Accept"] = "application/json"
            if #credentials == 0 then requests[1] = wrk.format("GET", nil) end
            for index, value in ipairs(credentials) do
                wrk.headers["Authorization"] = value
                requests[index] = wrk.format("GET", nil)
            end
        end
        request = function()
            count = count + 1
            return requests[count % #requests + 1]
        end
        response = function(status)
            if status ~= \(subject.status) then print("status " .. status) os.exit(1) end
        end
        """.write(toFile: script, atomically: true, encoding: .utf8)
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/wrk")
        process.arguments = [
            "-t1", "-c32", "-d\(seconds)s", "-s", script, "http://127.0.0.1:\(subject.port)\(subject.path)",
        ]
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        // "  123456 requests in 5.00s, 91.20MB read"
        let line = text.split(separator: "\n").first { $0.contains(" requests in ") }
        guard process.terminationStatus == 0, let count = line?.split(separator: " ").first.flatMap({ Int($0) }),
            count > 0
        else { throw BenchmarkError("wrk on \(subject.name): \(text)") }
        return count
    }
}
