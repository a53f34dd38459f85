// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import LightningPrimitives
internal import Macaroons

/// Reads the L402 credential out of a request's headers.
///
/// Tolerates what real clients send: either scheme name in any case, a doubled scheme word, two equal lines, lines folded
/// with a comma, both base64 alphabets with or without padding. Everything else is malformed: a credential that is
/// guessed at is a credential that someone else can forge.
public enum CredentialReader {
    /// The longest credential header that is looked at, in bytes.
    public static let headerLimit = 8192

    /// Reads the credential.
    ///
    /// - Parameter values: returns all values of a header, in order, given its name in lower case.
    public static func read(_ values: (String) -> [String]) -> CredentialReading {
        for header in ["authorization", "x-l402"] {
            let lines = values(header)
            if lines.contains(where: { $0.utf8.count > headerLimit && isOurs($0) }) { return .tooLarge }
            let reading = readAuthorization(lines)
            if reading != .none { return reading }
        }
        for header in ["grpc-metadata-macaroon", "macaroon"] {
            guard let line = values(header).first else { continue }
            guard line.utf8.count <= headerLimit else { return .tooLarge }
            return readHexMacaroon(line)
        }
        return .none
    }

    /// The preimage of `L402 deposit:PREIMAGE`, which older clients send for deposits; `nil` for anything else.
    public static func bareDeposit(_ lines: [String]) -> Preimage? {
        guard lines.count == 1, let rest = afterScheme(lines[0][...].trimmingBlanks()) else { return nil }
        let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "deposit" else { return nil }
        return Preimage(hex: parts[1])
    }

    private static func isOurs(_ line: String) -> Bool {
        isScheme(Substring(line.utf8.drop(while: \.isBlank).prefix { !$0.isBlank }))
    }

    private static func isScheme(_ word: Substring) -> Bool {
        // In bytes: finding the characters of a long text takes longer than all the rest, and what matters is ASCII.
        guard word.utf8.count == 4 else { return false }
        let name = word.lowercased()
        return name == "l402" || name == "lsat"
    }

    private static func readAuthorization(_ lines: [String]) -> CredentialReading {
        var found: Credential?
        for line in lines {
            guard let texts = credentialTexts(of: line) else { return .malformed }
            for text in texts {
                guard let credential = parse(text) else { return .malformed }
                guard found == nil || found == credential else { return .malformed }
                found = credential
            }
        }
        return found.map(CredentialReading.credential) ?? .none
    }

    /// One `token[,token]:preimage` text per credential of our schemes; `nil` when the line is ours but broken.
    private static func credentialTexts(of line: String) -> [String]? {
        var texts: [String] = []
        var current: String?
        var isOther = false
        let parts = line.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            let part = Substring(part).trimmingBlanks()
            if let rest = afterScheme(part) {
                if let unfinished = current {
                    guard unfinished.contains(":") else { return nil }
                    texts.append(unfinished)
                }
                current = String(afterScheme(rest) ?? rest)
                isOther = false
            } else if index == 0 {
                isOther = true
            } else if let unfinished = current, !unfinished.contains(":") {
                current = unfinished + "," + part
            } else if !isOther {
                return nil
            }
        }
        if let last = current { texts.append(last) }
        return texts
    }

    /// What follows `L402` or `LSAT` and blanks, or `nil` when the text begins with another word.
    private static func afterScheme(_ text: Substring) -> Substring? {
        let word = text.utf8.prefix { !$0.isBlank }
        guard isScheme(Substring(word)) else { return nil }
        return Substring(text.utf8[word.endIndex...].drop(while: \.isBlank))
    }

    private static func parse(_ text: String) -> Credential? {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 2, let preimage = Preimage(hex: Substring(parts[1])) else { return nil }
        var macaroons: [Macaroon] = []
        for token in parts[0].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            guard let bytes = Base64.decodeEither(Substring(token)), let macaroon = try? Macaroon(parsing: bytes) else {
                return nil
            }
            macaroons.append(macaroon)
        }
        let paid = macaroons.first { L402Identifier($0.identifier)?.paymentHash == preimage.paymentHash }
        return (paid ?? macaroons.first).map { Credential(macaroon: $0, preimage: preimage) }
    }

    /// The gRPC form: hexadecimal macaroon whose last `preimage=` caveat is the proof.
    private static func readHexMacaroon(_ line: String) -> CredentialReading {
        guard let bytes = Hex.decode(line[...].trimmingBlanks()), let macaroon = try? Macaroon(parsing: bytes) else {
            return .malformed
        }
        let proof = macaroon.caveats.compactMap(\.text).last { $0.hasPrefix("preimage=") }
        guard let proof, let preimage = Preimage(hex: proof.dropFirst("preimage=".count)) else { return .malformed }
        return .credential(Credential(macaroon: macaroon, preimage: preimage))
    }
}
