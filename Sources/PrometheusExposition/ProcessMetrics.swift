// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CoreMetrics
internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#endif

extension PrometheusRegistry {
    /// Adds what Prometheus clients say of their process, and the build's version.
    public func collectProcessMetrics(version: String, commit: String) {
        let labels = [("version", version), ("commit", commit)]
        makeRecorder(label: "build_info", dimensions: labels, aggregate: false).record(Int64(1))
        makeRecorder(label: "process_start_time_seconds", dimensions: [], aggregate: false)
            .record(Date().timeIntervalSince1970)
        let memory = makeRecorder(label: "process_resident_memory_bytes", dimensions: [], aggregate: false)
        let files = makeRecorder(label: "process_open_fds", dimensions: [], aggregate: false)
        let processor = makeFloatingPointCounter(label: "process_cpu_seconds_total", dimensions: [])
        collect {
            if let pages = Self.residentPages() { memory.record(pages * Int64(sysconf(Int32(_SC_PAGESIZE)))) }
            if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
                files.record(Int64(open))
            }
            processor.reset()
            processor.increment(by: Double(clock()) / Double(CLOCKS_PER_SEC))
        }
    }

    private static func residentPages() -> Int64? {
        guard let statm = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
        return statm.split(separator: " ").dropFirst().first.flatMap { Int64($0) }
    }
}
