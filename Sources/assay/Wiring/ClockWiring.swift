// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Gate
import Logging
import Roughtime
import RoughtimeClient
import Settings
import TimeStamping

/// Turns settings into the guard of the clock and the servers it asks.
enum ClockWiring {
    /// Operators that must agree before a clock is judged.
    private static let operators = 3
    /// For one check, so that a server that does not answer delays nothing for long.
    private static let patience = Duration.seconds(20)
    /// For the check before anything is served.
    static let firstPatience = Duration.seconds(5)

    /// The watch over the clock; nil where it is switched off.
    ///
    /// - Throws: ``Failure`` when it is on without a list, or the list has too few operators for a quorum.
    static func watch(_ settings: Settings, logger: Logger) throws -> ClockWatch? {
        let isOn = settings.text(.clockGuard).map { $0 == "on" } ?? (settings.text(.clockGuardList) != nil)
        guard isOn else { return nil }
        guard let servers = try servers(settings, .clockGuardList) else {
            throw Failure(
                Failure.configuration,
                "\(Setting.clockGuard.name) is on, but \(Setting.clockGuardList.name) names no server list"
            )
        }
        let names = Set(servers.map(\.operatorName))
        guard names.count >= operators else {
            throw Failure(
                Failure.configuration,
                "\(Setting.clockGuardList.name): \(operators) operators are needed for a quorum, the list has \(names.count)"
            )
        }
        var check = ClockCheck(servers: servers)
        check.perServer = .seconds(2)
        let asking = check
        return ClockWatch(logger: logger) {
            ClockVerdict(await asking.run(within: patience).judgement)
        }
    }

    /// The servers of the list that a setting names; nil when it names none.
    static func servers(_ settings: Settings, _ setting: Setting) throws -> [TimeServer]? {
        guard let path = settings.text(setting) else { return nil }
        guard let json = FileManager.default.contents(atPath: path) else {
            throw Failure(Failure.configuration, "\(setting.name): \(path) cannot be read")
        }
        do throws(ServerListError) {
            return try ServerList(json: json).servers.map { TimeServer($0) }
        } catch {
            throw Failure(Failure.configuration, "\(setting.name): \(path): \(error)")
        }
    }
}

extension ClockWatch {
    /// The first check, before anything is sold; servers that take too long are not waited for.
    func judgeFirst(within patience: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.judge() }
            group.addTask { try? await Task.sleep(for: patience) }
            await group.next()
            group.cancelAll()
        }
    }

    /// The guard for the gate.
    var asGuard: ClockGuard { ClockGuard { self.isClockRight } }
}

extension ClockVerdict {
    fileprivate init(_ judgement: QuorumPolicy.Judgement) {
        switch judgement.verdict {
        case .inSync: self = .right
        case .outOfSync: self = .wrong(offsetSeconds: judgement.offset.map { Double($0) / 1e6 } ?? 0)
        case .noQuorum(let reason): self = .noQuorum(reason)
        }
    }
}
