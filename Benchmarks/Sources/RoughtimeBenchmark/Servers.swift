// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import CRoughtimeBaseline
import Crypto
import Foundation
import Glibc
import Logging
import Roughtime
import RoughtimeResponder

/// A server as a process of its own.
final class ServerProcess {
    private let process = Process()
    /// Kept open: the server ends when it closes.
    private let lifeline = Pipe()
    let port: UInt16

    init(_ kind: String) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["serve", kind]
        process.standardInput = lifeline
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = UInt16(line.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw BenchmarkError("the server \(kind) did not start")
        }
        self.port = port
    }

    /// User and system time so far, in seconds, to the nanosecond.
    var processorSeconds: Double {
        var clock = clockid_t()
        guard clock_getcpuclockid(process.processIdentifier, &clock) == 0 else { return 0 }
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    var residentKilobytes: Int {
        let path = "/proc/\(process.processIdentifier)/status"
        let status = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }
}

/// Why there is no figure.
struct BenchmarkError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// What runs in such a process: it prints its port, and serves until its parent has gone.
enum Server {
    static func run(_ kind: String) async throws {
        Thread.detachNewThread {
            _ = try? FileHandle.standardInput.readToEnd()
            exit(0)
        }
        switch kind {
        case "echo":
            let descriptor = try socket()
            baseline_echo(descriptor, 464)
        case "sign":
            let descriptor = try socket()
            baseline_sign(descriptor, 464)
        default: try await responder()
        }
    }

    /// Tells the parent at once; what is printed would wait in a buffer.
    private static func announce(_ port: UInt16) { FileHandle.standardOutput.write(Data("\(port)\n".utf8)) }

    private static func socket() throws -> Int32 {
        let descriptor = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var size: Int32 = 8 << 20
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port: UInt16? = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                guard bind(descriptor, generic, length) == 0, getsockname(descriptor, generic, &length) == 0 else {
                    return nil
                }
                return UInt16(bigEndian: pointer.pointee.sin_port)
            }
        }
        guard let port else { throw BenchmarkError("no port") }
        announce(port)
        return descriptor
    }

    private static func responder() async throws {
        let longTerm = Curve25519.Signing.PrivateKey()
        let online = Curve25519.Signing.PrivateKey()
        let now = Int64(Date().timeIntervalSince1970 * 1e6)
        var certificates: [DelegationProfile: [UInt8]] = [:]
        for profile in DelegationProfile.allCases {
            let delegation = Delegation(
                publicKey: Array(online.publicKey.rawRepresentation),
                notBefore: now - 600_000_000,
                notAfter: now + 86_400_000_000,
                format: profile.timeFormat
            )
            certificates[profile] = try Certificate(delegation, profile: profile, signedBy: longTerm).bytes
        }
        let publicKey = Array(longTerm.publicKey.rawRepresentation)
        let identity = try OnlineIdentity(
            longTermPublicKey: publicKey,
            onlineKey: online,
            certificates: certificates
        )
        let responder = try Responder(
            options: ResponderOptions(
                addresses: [ListenAddress(host: "127.0.0.1", port: 0)],
                workers: 1,
                unsynchronised: .wide,
                greaseOneIn: 0
            ),
            longTermPublicKey: publicKey,
            holder: IdentityHolder(identity),
            environment: { _ in nil },
            logger: Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
        )
        announce(responder.udpPorts[0])
        try await responder.run()
    }
}
