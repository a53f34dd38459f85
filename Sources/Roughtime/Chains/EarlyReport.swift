// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A report as the drafts 08 to 11 had it: random parts and answers, without keys and without requests.
///
/// In these versions an answer is bound to nothing of the request but its nonce, and the nonce follows from the answer
/// before. So the requests can be made again, up to what nobody signed.
struct EarlyReport: Decodable {
    /// The random bytes of every nonce but the first.
    let nonces: [String]
    let responses: [String]

    /// The links with requests that the answers fit.
    func links(keys: [[UInt8]]) throws(ReportFormatError) -> [ChainLink] {
        guard responses.count <= VerifiedChain.maximumLinks else {
            throw ReportFormatError(description: "more than \(VerifiedChain.maximumLinks) links")
        }
        // Some write the first nonce as well.
        let surplus = nonces.count - (responses.count - 1)
        guard (0...1).contains(surplus) else {
            throw ReportFormatError(description: "\(responses.count) responses with \(nonces.count) nonces")
        }
        let blinds = nonces.dropFirst(surplus).map(MalfeasanceReport.bytes)
        var links: [ChainLink] = []
        for (index, text) in responses.enumerated() {
            guard let response = MalfeasanceReport.bytes(text) else {
                throw ReportFormatError(description: "link \(index): the response is not base64")
            }
            let blind = index == 0 ? nil : blinds[index - 1]
            guard index == 0 || blind != nil else {
                throw ReportFormatError(description: "link \(index): the nonce's random part is not base64")
            }
            links.append(try link(index, response, blind, after: links.last?.response, keys))
        }
        return links
    }

    private func link(
        _ index: Int,
        _ response: [UInt8],
        _ blind: [UInt8]?,
        after previous: [UInt8]?,
        _ keys: [[UInt8]]
    ) throws(ReportFormatError) -> ChainLink {
        guard let key = keys.first(where: { Self.signed(response, $0) }) else {
            throw ReportFormatError(
                description: "link \(index): reports of this form do not name the servers, and none of the keys given "
                    + "signed this response; give the servers' keys"
            )
        }
        guard let message = try? Message(Frame.unwrap(response)), let stated = message[.nonce],
            let statement = try? ResponseVerifier(longTermPublicKey: key).statement(in: response),
            let profile = Profile.of(statement.version), profile.leaf == .nonce
        else {
            throw ReportFormatError(
                description: "link \(index): only versions before draft 12 can be reported without the request"
            )
        }
        var nonce = Array(stated)
        if let previous, let blind {
            nonce = ChainLink.nonce(after: previous, blind: blind, length: profile.nonceLength)
        }
        guard let request = Request(versions: [statement.version], nonce: nonce, serverKey: key) else {
            throw ReportFormatError(description: "link \(index): the nonce has a length this version does not have")
        }
        return ChainLink(blind: blind, publicKey: key, request: request.packet, response: response)
    }

    private static func signed(_ response: [UInt8], _ key: [UInt8]) -> Bool {
        (try? ResponseVerifier(longTermPublicKey: key).statement(in: response)) != nil
    }
}
