// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import Deadlines
internal import Foundation
internal import NIOCore
internal import NIOFoundationCompat
internal import NIOHTTP1
internal import SwiftASN1
internal import X509

/// Looks at a service and its machine.
public struct HealthChecker: Sendable {
    private let url: String
    private let diskPath: String?
    private let diskLimitPercent: Int
    private let backupPath: String?
    private let backupMaxAge: Int
    private let certificatePath: String?

    /// Makes a checker.
    /// - Parameters:
    ///   - url: the service's base address, or the address of its health answer.
    ///   - diskPath: a directory whose file system must not be fuller than the limit.
    ///   - backupPath: a file or directory that must have changed lately.
    ///   - backupMaxAge: seconds after which a backup is too old.
    ///   - certificatePath: a PEM certificate that must be valid for two more weeks.
    public init(
        url: String,
        diskPath: String?,
        diskLimitPercent: Int = 90,
        backupPath: String? = nil,
        backupMaxAge: Int = 26 * 3600,
        certificatePath: String? = nil
    ) {
        self.url = url.contains("/health") ? url : (url.hasSuffix("/") ? url : url + "/") + "api/health"
        self.diskPath = diskPath
        self.diskLimitPercent = diskLimitPercent
        self.backupPath = backupPath
        self.backupMaxAge = backupMaxAge
        self.certificatePath = certificatePath
    }

    /// Reads the health answer, whatever its status, and checks the machine.
    public func check() async -> HealthReport {
        var causes = machineCauses()
        do {
            let address = url
            let (status, data) = try await withDeadline(.seconds(15)) {
                let response = try await HTTPClient.shared.execute(
                    HTTPClientRequest(url: address),
                    timeout: .seconds(10)
                )
                return (response.status.code, Data(buffer: try await response.body.collect(upTo: 1 << 20)))
            }
            guard let answer = try? JSONDecoder().decode(HealthAnswer.self, from: data) else {
                let text = "\(url) answered \(status) without a health report."
                return HealthReport(isReachable: true, causes: causes + [HealthCause(key: "answer", text: text)])
            }
            causes += answer.causes
            return HealthReport(isReachable: true, causes: causes)
        } catch {
            causes.append(HealthCause(key: "unreachable", text: "\(url) cannot be reached."))
            return HealthReport(isReachable: false, causes: causes)
        }
    }

    private func machineCauses() -> [HealthCause] {
        var causes: [HealthCause] = []
        let manager = FileManager.default
        if let diskPath, let attributes = try? manager.attributesOfFileSystem(forPath: diskPath),
            let size = (attributes[.systemSize] as? NSNumber)?.doubleValue,
            let free = (attributes[.systemFreeSize] as? NSNumber)?.doubleValue, size > 0
        {
            let used = Int((1 - free / size) * 100)
            if used >= diskLimitPercent {
                causes.append(HealthCause(key: "disk", text: "The disk of \(diskPath) is \(used) % full."))
            }
        }
        if let backupPath {
            let changed = (try? manager.attributesOfItem(atPath: backupPath))?[.modificationDate] as? Date
            let age = changed.map { Int(Date().timeIntervalSince($0)) }
            if age.map({ $0 > backupMaxAge }) ?? true {
                let text = "The backup \(backupPath) is \(age.map { "\($0 / 3600) h old" } ?? "missing")."
                causes.append(HealthCause(key: "backup", text: text))
            }
        }
        if let certificatePath, let cause = certificateCause(certificatePath) { causes.append(cause) }
        return causes
    }

    private func certificateCause(_ path: String) -> HealthCause? {
        guard let pem = try? String(contentsOfFile: path, encoding: .utf8),
            let certificate = try? Certificate(pemEncoded: pem)
        else { return HealthCause(key: "certificate", text: "\(path) is not a certificate that can be read.") }
        let days = Int((certificate.notValidAfter.timeIntervalSinceNow / 86_400).rounded(.down))
        guard days < 14 else { return nil }
        return HealthCause(key: "certificate", text: "The certificate \(path) ends in \(days) days: renew it.")
    }
}
