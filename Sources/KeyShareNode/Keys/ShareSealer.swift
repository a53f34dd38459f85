// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import BackgroundWork
internal import ByteCoding
internal import FoundationEssentials
internal import KeyShares
internal import Secp256k1
internal import ShareEnvelopes

/// A share as it is written.
struct SealedShare: Sendable {
    let bytes: [UInt8]
    /// 1 or 2.
    let format: Int16
    /// `nil` in format 1.
    let keyEpoch: Int32?
}

/// Opens and seals shares in both formats.
///
/// Format 1 costs 30 ms of computing, which has a thread of its own.
struct ShareSealer: Sendable {
    let former: OkoSecret?
    let writes: KeyShareConfiguration.WriteFormat
    private let executor = BackgroundExecutor(label: "assay.keyshare.former")

    init(former: OkoSecret?, writes: KeyShareConfiguration.WriteFormat) {
        self.former = former
        self.writes = writes
    }

    /// Seals a share in the format that is written.
    func seal(
        _ share: ShamirShare,
        for row: EnvelopeRow,
        with ring: EnvelopeKeyRing
    ) async throws(EnvelopeError) -> SealedShare {
        var bytes = share.bytes
        defer { overwrite(&bytes) }
        switch writes {
        case .v1:
            return SealedShare(bytes: Array(try await sealFormer(share).utf8), format: 1, keyEpoch: nil)
        case .v2:
            let envelope: Result<ShareEnvelope, EnvelopeError> = bytes.withUnsafeBytes { bytes in
                Result { () throws(EnvelopeError) in try ShareEnvelope(sealing: bytes, for: row, with: ring) }
            }
            return SealedShare(bytes: try envelope.get().bytes, format: 2, keyEpoch: Int32(clamping: ring.current))
        }
    }

    /// Seals a share in format 1.
    func sealFormer(_ share: ShamirShare) async throws(EnvelopeError) -> String {
        guard let former else { throw .emptySecret }
        let result = await withTaskExecutorPreference(executor) { () -> Result<String, EnvelopeError> in
            var bytes = share.bytes
            defer { overwrite(&bytes) }
            return Result { () throws(EnvelopeError) in
                try OkoEnvelope(sealingHexadecimal: bytes, with: former).text
            }
        }
        return try result.get()
    }

    /// Opens a stored share of either format.
    ///
    /// - Throws: `.unknownEpoch` when the ring has to be read anew; `.forged` or `.malformed` for damage.
    func open(
        _ row: ShareRow,
        with ring: EnvelopeKeyRing
    ) async throws(EnvelopeError) -> ShamirShare {
        guard ShareEnvelope.isMarked(row.stored) else { return try await openFormer(row.stored, row.curve) }
        let envelope = try ShareEnvelope(row.stored)
        for bound in row.openingRows {
            do throws(EnvelopeError) {
                return try envelope.withOpened(for: bound, with: ring) { plain throws(EnvelopeError) in
                    do throws(KeyShareError) { return try ShamirShare(row.curve, plain) } catch { throw .malformed }
                }
            } catch .forged {}
        }
        throw .forged
    }

    private func openFormer(_ stored: [UInt8], _ curve: ShareCurve) async throws(EnvelopeError) -> ShamirShare {
        guard let former else { throw .emptySecret }
        let envelope = try OkoEnvelope(String(decoding: stored, as: UTF8.self))
        let result = await withTaskExecutorPreference(executor) { () -> Result<ShamirShare, EnvelopeError> in
            Result { () throws(EnvelopeError) in
                var bytes = try envelope.openHexadecimal(with: former)
                defer { overwrite(&bytes) }
                do throws(KeyShareError) { return try ShamirShare(curve, bytes) } catch { throw .malformed }
            }
        }
        return try result.get()
    }
}
