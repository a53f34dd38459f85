// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HealthCheck

@Suite("Health check")
struct HealthCheckTests {
    let schema = HealthCause(key: "schema", text: "Schema 1, expected 2.")
    let disk = HealthCause(key: "disk", text: "Full.")

    func report(_ causes: HealthCause...) -> HealthReport { HealthReport(isReachable: true, causes: causes) }

    @Test("a cause is told once, reminded of, and its end is told, each on its own")
    func memory() {
        var state = HealthState()
        #expect(state.update(report(schema), now: 0) == ["PROBLEM [schema] Schema 1, expected 2."])
        #expect(state.update(report(schema), now: 300).isEmpty)
        #expect(state.update(report(schema, disk), now: 600) == ["PROBLEM [disk] Full."])
        let reminded = state.update(report(schema, disk), now: 6 * 3600)
        #expect(reminded == ["STILL [schema] since 360 min: Schema 1, expected 2."])
        #expect(state.update(report(disk), now: 6 * 3600 + 60).first?.hasPrefix("RECOVERED [schema]") == true)
        #expect(state.update(report(), now: 6 * 3600 + 120).first?.hasPrefix("RECOVERED [disk]") == true)
        #expect(state.update(report(), now: 6 * 3600 + 180).isEmpty)
    }

    @Test("exit codes are 0 healthy, 1 degraded, 2 unreachable")
    func exitCodes() {
        #expect(report().exitCode == 0)
        #expect(report(disk).exitCode == 1)
        #expect(HealthReport(isReachable: false, causes: [disk]).exitCode == 2)
    }

    @Test("the expected schema comes from the answer itself")
    func schemaFromAnswer() throws {
        let same = HealthAnswer(data: .init(status: "ok", schemaVersion: 3, expectedSchemaVersion: 3))
        #expect(same.causes.isEmpty)
        let drifted = HealthAnswer(data: .init(status: "error", schemaVersion: 2, expectedSchemaVersion: 3))
        #expect(drifted.causes.map(\.key) == ["schema"])
    }

    @Test("a status that is not ok without another cause is a cause itself")
    func unknownStatus() {
        #expect(HealthAnswer(data: .init(status: "error")).causes.map(\.key) == ["status"])
        #expect(HealthAnswer(data: .init(status: "ok", lndStatus: "degraded")).causes.map(\.key) == ["lnd"])
    }
}
