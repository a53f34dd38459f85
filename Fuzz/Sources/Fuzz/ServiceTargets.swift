// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import IPAddresses
import OutboundHTTP
import Registries
import ServiceChecks

extension FuzzTarget {
    /// A URL as a directory or a stranger gives it.
    static let outboundURL = FuzzTarget(name: "OutboundURL") { input in
        let text = String(decoding: input, as: UTF8.self)
        _ = EndpointIdentity(text)
        guard let url = try? OutboundURL(text) else { return }
        let again = require("what was read is read again", { try OutboundURL(url.description) })
        require(again == url, "as the same")
        let plain = url.description.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        require(plain, "nothing in it can end a header line")
        require(url.target.hasPrefix("/") && (1...65_535).contains(url.port), "it has a path and a port")
        if case .address(let address) = url.host {
            require(IPAddress(address.description) == address, "an address has one form")
        }
        if let identity = EndpointIdentity(text), let other = EndpointIdentity(url.description) {
            require(identity.hash.count == 32 && other.hash.count == 32, "a service has a hash")
        }
    }

    /// An answer of a service: its status in the first line, its headers, an empty line, its body.
    static let serviceAnswer = FuzzTarget(name: "ServiceAnswer") { input in
        let all = lines(input)
        let status = all.first.flatMap { Int($0) } ?? 402
        let headers = all.dropFirst().prefix { !$0.isEmpty }.map { line in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            return (name: String(parts[0]), value: parts.count == 2 ? String(parts[1]) : "")
        }
        let body = Array(all.dropFirst(headers.count + 2).joined(separator: "\n").utf8)
        let answer = ServiceAnswer(status: status, headers: headers, body: body)
        let again = ServiceAnswer(status: status, headers: headers, body: body)
        require(answer.label == again.label && !answer.label.isEmpty, "an answer has one class")
        if status == 402 { require(answer.label != "open", "who asks for money is not open") }
        let type = headers.first { $0.name.lowercased() == "content-type" }?.value
        let quality = BodyQuality(status: 200, contentType: type, body: body)
        require(
            quality.isGood == BodyQuality(status: 200, contentType: type, body: body).isGood,
            "a body has one quality"
        )
        for header in headers { _ = TokenFormat(of: header.value) }
    }

    /// A page of a directory.
    static let registry = FuzzTarget(name: "Registry") { input in
        for page in [Index402.page(input), L402Directory.page(input)].compactMap({ $0 }) {
            require(page.rows >= 0 && page.skipped.values.allSatisfy { $0 > 0 }, "counts are counts")
            for service in page.services {
                require(service.url.utf8.count <= 500, "a URL is not longer than what is kept")
                require(service.method == "GET" || service.method == "POST", "a method is one of two")
                require(!(service.name ?? "").unicodeScalars.contains { $0.value < 0x20 }, "a name has no controls")
            }
        }
    }
}
