// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import ReleaseFormat
import Releases

/// Makes, installs and goes back to signed releases.
struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Pack, sign, install, list and go back to signed releases.",
        discussion: """
            Where the program is built:
              assay release keygen --out release.key
              assay release pack --release 1.2.0 --key-file release.key
            On the host, as root:
              assay release install assay-1.2.0-x86_64.tar
              assay release releases
              assay release rollback

            A host believes the keys in /etc/assay/release-keys. DEPLOY.md has every step.

            Exit codes: 64 usage; 65 damaged or altered; 69 not there; 70 the new release was not healthy and the former \
            one is active again; 74 the disk; 75 another installation is under way; 77 refused.
            """,
        subcommands: [
            Pack.self, Install.self, List.self, RollBack.self, Verify.self, GenerateKey.self, Sign.self,
        ]
    )

    /// Where the releases are, and whose signatures count.
    struct Place: ParsableArguments {
        @Option(help: "The directory of releases, current and history.json.")
        var root = ReleaseStore.defaultRoot

        @Option(help: "The file of the keys whose signatures are believed; root's, and not writable by others.")
        var trustedKeys = TrustedKeys.defaultPath

        func store() throws -> ReleaseStore {
            let root = URL(fileURLWithPath: root).resolvingSymlinksInPath().path
            return ReleaseStore(root: root, keys: try keys())
        }

        func keys() throws -> TrustedKeys {
            try failing { try TrustedKeys(file: trustedKeys) }
        }
    }

    /// Runs what may be refused; the error becomes the program's exit code.
    static func failing<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as ReleaseError {
            throw Failure(error)
        }
    }

    /// This machine, as `uname -m` says it.
    static var architecture: String {
        var name = utsname()
        uname(&name)
        return withUnsafeBytes(of: &name.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// A time as people read it, in UTC.
    static func text(_ time: Int64) -> String {
        Date(timeIntervalSince1970: TimeInterval(time)).formatted(.iso8601)
    }
}

/// Runs what may be refused; the error becomes the program's exit code.
func failing<Value>(_ body: () throws -> Value) throws -> Value { try ReleaseCommand.failing(body) }

extension Failure {
    init(_ error: ReleaseError) {
        let code: Int32 =
            switch error.code {
            case .malformed, .altered: Failure.unreadable
            case .missing: Failure.unavailable
            case .unhealthy: Failure.software
            case .storage: 74
            case .locked: Failure.temporary
            case .untrusted, .unsafePermissions, .unsuitable: Failure.refused
            }
        self.init(code, error.detail)
    }
}
