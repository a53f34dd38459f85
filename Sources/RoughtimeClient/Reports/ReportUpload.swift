// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
public import Foundation
internal import NIOCore
internal import NIOFoundationCompat
internal import NIOHTTP1
public import Roughtime

/// Sends a report of malfeasance to those who keep a list of servers (RFC 10049, section 8.4.2).
public struct ReportUpload: Sendable {
    public enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        case address(String)
        /// The report is not evidence: broken signatures and links accuse nobody.
        case noEvidence(ChainFailure)
        /// The answers agree with each other.
        case consistent
        case refused(status: Int)
        /// All tries failed; the last for this reason.
        case givenUp(tries: Int, reason: String)

        public var description: String {
            switch self {
            case .address(let url): "'\(url)' is not an https address"
            case .noEvidence(let failure): "the report proves nothing, so it is not sent: \(failure)"
            case .consistent: "the answers do not contradict each other, so there is nothing to report"
            case .refused(let status): "the report was refused with HTTP status \(status)"
            case .givenUp(let tries, let reason): "the report was not taken in \(tries) tries: \(reason)"
            }
        }
    }

    /// Sends a document and returns the HTTP status.
    public typealias Post = @Sendable (_ url: String, _ mediaType: String, _ document: Data) async throws -> Int

    private let post: Post
    private let sleep: @Sendable (Duration) async throws -> Void

    public init(
        post: @escaping Post = ReportUpload.send,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.post = post
        self.sleep = sleep
    }

    /// Checks that a report is evidence, and sends it.
    ///
    /// - Parameters:
    ///   - url: https; plain http only to this machine.
    ///   - tries: 10 s, 15 s, 22.5 s and so on lie between them, a day at most.
    ///   - progress: is told of every failure and the wait that follows.
    /// - Returns: the HTTP status of success.
    @discardableResult
    public func send(
        _ report: MalfeasanceReport,
        to url: String,
        options: VerificationOptions = VerificationOptions(),
        tries: Int = 5,
        progress: @Sendable (_ reason: String, _ wait: Duration) -> Void = { _, _ in }
    ) async throws(Failure) -> Int {
        guard Self.isAllowed(url) else { throw .address(url) }
        let chain: VerifiedChain
        do throws(ChainFailure) {
            chain = try VerifiedChain(verifying: report.links, options: options)
        } catch {
            throw .noEvidence(error)
        }
        guard !chain.isConsistent else { throw .consistent }
        let document = report.json
        var schedule = RetrySchedule(first: .seconds(10))
        var reason = ""
        for number in 1...max(tries, 1) {
            do {
                let status = try await post(url, MalfeasanceReport.mediaType, document)
                if (200..<300).contains(status) { return status }
                guard status >= 500 || status == 408 || status == 429 else { throw Failure.refused(status: status) }
                reason = "HTTP status \(status)"
            } catch let failure as Failure {
                throw failure
            } catch {
                reason = "\(error)"
            }
            guard number < tries else { break }
            let wait = schedule.failed()
            progress(reason, wait)
            do { try await sleep(wait) } catch { throw .givenUp(tries: number, reason: "cancelled") }
        }
        throw .givenUp(tries: max(tries, 1), reason: reason)
    }

    static func isAllowed(_ url: String) -> Bool {
        guard let parts = URLComponents(string: url), let host = parts.host, !host.isEmpty, parts.user == nil else {
            return false
        }
        return parts.scheme == "https" || parts.scheme == "http" && ["127.0.0.1", "[::1]", "::1"].contains(host)
    }

    public static func send(_ url: String, _ mediaType: String, _ document: Data) async throws -> Int {
        var message = HTTPClientRequest(url: url)
        message.method = .POST
        message.headers.add(name: "content-type", value: mediaType)
        message.body = .bytes(document)
        return Int(try await NetworkTransport.web.execute(message, timeout: .seconds(30)).status.code)
    }
}
