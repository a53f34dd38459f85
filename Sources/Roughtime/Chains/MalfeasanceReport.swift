// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
public import Foundation

/// Why a document is no report.
public struct ReportFormatError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
}

/// A chain of answers as JSON that anybody can verify (RFC 10049, section 8.4.1).
public struct MalfeasanceReport: Equatable, Sendable {
    public static let mediaType = "application/roughtime-malfeasance+json"
    /// The longest document that is read, in bytes.
    public static let maximumLength = 8 << 20

    public let links: [ChainLink]

    public init(links: [ChainLink]) {
        self.links = links
    }

    /// Reads a document.
    ///
    /// Packets are read as they stand; ``VerifiedChain`` says whether they prove anything.
    /// - Parameter keys: long-term keys of servers. Reports of drafts 08 to 11 do not say who answered: without the key
    ///   among these, such a report cannot be read.
    public init(json: Data, keys: [[UInt8]] = []) throws(ReportFormatError) {
        guard json.count <= Self.maximumLength else { throw ReportFormatError(description: "the report is too long") }
        guard JSONNesting.isShallow(Array(json), limit: 8) else {
            throw ReportFormatError(description: "the report is nested too deeply")
        }
        if let early = try? JSONDecoder().decode(EarlyReport.self, from: json) {
            links = try early.links(keys: keys)
            return
        }
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: json)
        } catch {
            throw ReportFormatError(description: "the report is not an object with \"responses\" as RFC 10049 has it")
        }
        guard document.responses.count <= VerifiedChain.maximumLinks else {
            throw ReportFormatError(description: "more than \(VerifiedChain.maximumLinks) links")
        }
        var links: [ChainLink] = []
        for (index, link) in document.responses.enumerated() {
            guard let key = Self.bytes(link.publicKey), key.count == 32, let request = Self.bytes(link.request),
                let response = Self.bytes(link.response)
            else {
                throw ReportFormatError(
                    description: "link \(index): publicKey, request and response must be base64, the key 32 bytes"
                )
            }
            var blind: [UInt8]?
            if let rand = link.rand {
                blind = Self.bytes(rand)
                guard blind != nil else { throw ReportFormatError(description: "link \(index): rand is not base64") }
            }
            links.append(ChainLink(blind: blind, publicKey: key, request: request, response: response))
        }
        self.links = links
    }

    /// The document, with its members in a fixed order.
    public var json: Data {
        let document = Document(
            responses: links.map { link in
                Link(
                    rand: link.blind.map { Base64.encode($0) },
                    publicKey: Base64.encode(link.publicKey),
                    request: Base64.encode(link.request),
                    response: Base64.encode(link.response)
                )
            }
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and arrays always encode.
        return (try? encoder.encode(document)) ?? Data()
    }

    static func bytes(_ text: String) -> [UInt8]? {
        guard text.utf8.count <= 16384 else { return nil }
        return Base64.decode(text)
    }

    private struct Document: Codable {
        let responses: [Link]
    }

    private struct Link: Codable {
        let rand: String?
        let publicKey: String
        let request: String
        let response: String
    }
}
