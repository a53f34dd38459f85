// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A kind of input, and what must hold for every input of that kind.
struct FuzzTarget: Sendable {
    /// The name of its folder in `Corpus`.
    let name: String
    /// Ends the program when something that must hold does not.
    let check: @Sendable ([UInt8]) -> Void

    static let all = [
        backupContainer, bolt11, caveat, challenge, credential, frostMessage, graph, identityToken, keyRing,
        keyShareRequest, macaroon, nostrEvent, outboundURL, receipt, registry, releaseArchive, releaseManifest,
        rootPiece, roughtimeKeys, roughtimePacket, roughtimeReport, roughtimeRequest, roughtimeResponse,
        roughtimeServerList, serviceAnswer, servicesFile, shareEnvelope, signerGroup, signerRequest, telegramLogin,
    ]
}

/// Ends the program with a finding unless the condition holds.
///
/// Not `precondition`, which says nothing in release builds.
func require(_ condition: Bool, _ property: @autoclosure () -> String) {
    if !condition { report(property()) }
}

/// The value, or the end of the program with a finding when computing it throws.
func require<Value>(_ property: String, _ value: () throws -> Value) -> Value {
    do {
        return try value()
    } catch {
        report("\(property): \(error)")
    }
}

private func report(_ property: String) -> Never {
    var text = "property violated: \(property)\n"
    text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    abort()
}

/// The lines of an input; bytes that are not UTF-8 become replacement characters.
func lines(_ input: some Sequence<UInt8>) -> [String] {
    input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
    }
}
