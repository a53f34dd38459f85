// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Gate
internal import HTTPTypes
internal import RequestLimits
internal import ReverseProxy
internal import ServiceCatalogue
internal import Synchronization

/// What is wrong with a file that a service names: a header's value or its authorities.
public struct ServiceFileError: Error, Sendable, CustomStringConvertible {
    public let service: String
    public let reason: String

    public var description: String { "service \(service): \(reason)" }
}

/// A service of the catalogue, ready to forward to.
final class ServiceUpstream: Sendable {
    let service: CatalogueService
    let proxy: ReverseProxy
    let requestHeaders: HeaderEdit
    let responseHeaders: HeaderEdit
    private let requests: ServiceLimit
    private let challenges: ServiceLimit

    /// - Parameters:
    ///   - files: the contents of the files the service names, by path.
    ///   - former: what served it before; its connections are kept when they go to the same place.
    init(_ service: CatalogueService, files: [String: [UInt8]], former: ServiceUpstream?) throws(ServiceFileError) {
        self.service = service
        requestHeaders = try HeaderEdit(service.requestHeaders, files, service.name)
        responseHeaders = try HeaderEdit(service.responseHeaders, files, service.name)
        requests = ServiceLimit(service.limits.requestsPerSecond)
        challenges = ServiceLimit(service.limits.challengesPerSecond)
        var target = UpstreamTarget(
            isSecure: service.backend.isSecure,
            host: service.backend.host,
            port: service.backend.port
        )
        target.serverName = service.tls.serverName
        if let path = service.tls.authorityFile {
            guard let bytes = files[path] else {
                throw ServiceFileError(service: service.name, reason: "\(path) was not read")
            }
            target.authorities = bytes
        }
        target.connectTimeout = service.timeouts.connect
        target.responseTimeout = service.timeouts.response
        target.stallTimeout = service.timeouts.stall
        target.totalTimeout = service.timeouts.total
        target.tunnelIdleTimeout = service.timeouts.idle
        if let former, former.proxy.target == target {
            proxy = former.proxy
        } else {
            do throws(UpstreamError) {
                proxy = try ReverseProxy(target: target)
            } catch {
                throw ServiceFileError(service: service.name, reason: error.description)
            }
        }
    }

    /// Takes one request of the service's limit; returns the seconds to wait when there is none.
    func takeRequest() -> Int? { requests.take() }

    /// Takes one challenge of the service's limit; returns the seconds to wait when there is none.
    func takeChallenge() -> Int? { challenges.take() }
}

/// A limit per second of all clients of a service together, with twice as many at once.
private final class ServiceLimit: Sendable {
    private let buckets: Mutex<TokenBuckets<Bool>>
    private let isOn: Bool

    init(_ perSecond: Int?) {
        isOn = perSecond != nil
        let rate = Double(perSecond ?? 1)
        buckets = Mutex(TokenBuckets(rate: rate, burst: rate * 2))
    }

    func take() -> Int? {
        guard isOn else { return nil }
        let answer = buckets.withLock { $0.take(true, now: MonotonicSeconds.now()) }
        return answer.isAllowed ? nil : answer.retryAfterSeconds
    }
}

/// What is changed in headers, with the values of files filled in.
struct HeaderEdit: Sendable {
    private let removed: [HTTPField.Name]
    private let fields: [HTTPField]

    init(_ rules: CatalogueService.HeaderRules, _ files: [String: [UInt8]], _ service: String) throws(ServiceFileError)
    {
        removed = rules.remove.compactMap { HTTPField.Name($0) }
        var fields: [HTTPField] = []
        for setting in rules.set {
            guard let name = HTTPField.Name(setting.name) else { continue }
            let value: String
            switch setting.value {
            case .text(let text): value = text
            case .file(let path):
                var bytes = files[path] ?? []
                while let last = bytes.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") {
                    bytes.removeLast()
                }
                value = String(decoding: bytes, as: UTF8.self)
                guard !value.isEmpty, HTTPField.isValidValue(value) else {
                    throw ServiceFileError(
                        service: service,
                        reason: "\(path) does not hold one line of a header's value"
                    )
                }
            }
            fields.append(HTTPField(name: name, value: value))
        }
        self.fields = fields
    }

    func apply(to headers: inout HTTPFields) {
        for name in removed { headers[name] = nil }
        for field in fields { headers[field.name] = field.value }
    }
}
