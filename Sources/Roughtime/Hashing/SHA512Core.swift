// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// SHA-512 (FIPS 180-4, section 6.4) with initial values of the caller's choice, in memory of its own.
///
/// It serves SHA-512 and SHA-512/256, which differ in the initial values only, and takes a message in pieces, so that the
/// prefix of a tree's node need not be copied before its data. Hashing allocates nothing; an instance belongs to one thread.
final class SHA512Core {
    static let initialSHA512: [UInt64] = [
        0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b, 0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1,
        0x510e_527f_ade6_82d1, 0x9b05_688c_2b3e_6c1f, 0x1f83_d9ab_fb41_bd6b, 0x5be0_cd19_137e_2179,
    ]
    /// FIPS 180-4, section 5.3.6.2.
    static let initialSHA512_256: [UInt64] = [
        0x2231_2194_fc2b_f72c, 0x9f55_5fa3_c84c_64c2, 0x2393_b86b_6f53_b151, 0x9638_7719_5940_eabd,
        0x9628_3ee2_a88e_ffe3, 0xbe5e_1e25_5386_3992, 0x2b01_99fc_2c85_b8aa, 0x0eb7_2ddc_81c5_2ca2,
    ]

    private static let blockLength = 128

    /// Round constants, then the message schedule, then the state: in one piece that is reached without checks.
    private let words: UnsafeMutablePointer<UInt64>
    private let block: UnsafeMutableRawPointer
    private var constants: UnsafeMutablePointer<UInt64> { words }
    private var schedule: UnsafeMutablePointer<UInt64> { words + 80 }
    private var state: UnsafeMutablePointer<UInt64> { words + 96 }

    init() {
        words = .allocate(capacity: 104)
        words.initialize(from: Self.roundConstants, count: 80)
        (words + 80).initialize(repeating: 0, count: 24)
        block = .allocate(byteCount: Self.blockLength, alignment: 16)
        block.initializeMemory(as: UInt8.self, repeating: 0, count: Self.blockLength)
    }

    deinit {
        words.deallocate()
        block.deallocate()
    }

    /// Hashes the prefix byte and two pieces, and writes the first `length` bytes of the digest to `output`.
    ///
    /// - Parameter length: a multiple of 8, at most 64. `output` may overlap the pieces.
    func hash(
        _ initial: UnsafePointer<UInt64>,
        prefix: UInt8?,
        _ first: UnsafeRawBufferPointer,
        _ second: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawPointer,
        length: Int
    ) {
        state.update(from: initial, count: 8)
        var filled = 0
        if let prefix {
            block.storeBytes(of: prefix, as: UInt8.self)
            filled = 1
        }
        absorb(first, &filled)
        absorb(second, &filled)
        finish(filled, messageLength: first.count + second.count + (prefix == nil ? 0 : 1))
        for word in 0..<length / 8 {
            output.storeBytes(of: state[word].bigEndian, toByteOffset: 8 * word, as: UInt64.self)
        }
    }

    private func absorb(_ piece: UnsafeRawBufferPointer, _ filled: inout Int) {
        guard let base = piece.baseAddress else { return }
        var offset = 0
        while offset < piece.count {
            if filled == 0, piece.count - offset >= Self.blockLength {
                compress(base + offset)
                offset += Self.blockLength
                continue
            }
            let part = min(Self.blockLength - filled, piece.count - offset)
            (block + filled).copyMemory(from: base + offset, byteCount: part)
            filled += part
            offset += part
            if filled == Self.blockLength {
                compress(UnsafeRawPointer(block))
                filled = 0
            }
        }
    }

    private func finish(_ filled: Int, messageLength: Int) {
        var filled = filled
        block.storeBytes(of: 0x80, toByteOffset: filled, as: UInt8.self)
        filled += 1
        if filled > 112 {
            zero(from: filled, to: Self.blockLength)
            compress(UnsafeRawPointer(block))
            filled = 0
        }
        zero(from: filled, to: 120)
        block.storeBytes(of: (UInt64(messageLength) << 3).bigEndian, toByteOffset: 120, as: UInt64.self)
        compress(UnsafeRawPointer(block))
    }

    private func zero(from start: Int, to end: Int) {
        (block + start).initializeMemory(as: UInt8.self, repeating: 0, count: end - start)
    }

    private func compress(_ input: UnsafeRawPointer) {
        let w = schedule
        let k = constants
        let s = state
        for word in 0..<16 {
            w[word] = UInt64(bigEndian: input.loadUnaligned(fromByteOffset: 8 * word, as: UInt64.self))
        }
        var (a, b, c, d) = (s[0], s[1], s[2], s[3])
        var (e, f, g, h) = (s[4], s[5], s[6], s[7])
        var round = 0
        while true {
            for half in 0..<2 {
                let at = half &* 8
                let constant = k + (round &+ at)
                Self.mix(a, b, c, &d, e, f, g, &h, w[at] &+ constant[0])
                Self.mix(h, a, b, &c, d, e, f, &g, w[at &+ 1] &+ constant[1])
                Self.mix(g, h, a, &b, c, d, e, &f, w[at &+ 2] &+ constant[2])
                Self.mix(f, g, h, &a, b, c, d, &e, w[at &+ 3] &+ constant[3])
                Self.mix(e, f, g, &h, a, b, c, &d, w[at &+ 4] &+ constant[4])
                Self.mix(d, e, f, &g, h, a, b, &c, w[at &+ 5] &+ constant[5])
                Self.mix(c, d, e, &f, g, h, a, &b, w[at &+ 6] &+ constant[6])
                Self.mix(b, c, d, &e, f, g, h, &a, w[at &+ 7] &+ constant[7])
            }
            round &+= 16
            if round == 80 { break }
            for word in 0..<16 { Self.extend(w, word) }
        }
        s[0] &+= a
        s[1] &+= b
        s[2] &+= c
        s[3] &+= d
        s[4] &+= e
        s[5] &+= f
        s[6] &+= g
        s[7] &+= h
    }

    @inline(__always)
    private static func mix(
        _ a: UInt64,
        _ b: UInt64,
        _ c: UInt64,
        _ d: inout UInt64,
        _ e: UInt64,
        _ f: UInt64,
        _ g: UInt64,
        _ h: inout UInt64,
        _ word: UInt64
    ) {
        let choice = ((f ^ g) & e) ^ g
        let majority = (a & b) | (c & (a | b))
        let one = h &+ (rotate(e, 14) ^ rotate(e, 18) ^ rotate(e, 41)) &+ choice &+ word
        d = d &+ one
        h = one &+ (rotate(a, 28) ^ rotate(a, 34) ^ rotate(a, 39)) &+ majority
    }

    @inline(__always)
    private static func extend(_ w: UnsafeMutablePointer<UInt64>, _ word: Int) {
        let early = w[(word &+ 1) & 15]
        let late = w[(word &+ 14) & 15]
        w[word] =
            w[word] &+ (rotate(early, 1) ^ rotate(early, 8) ^ (early &>> 7)) &+ w[(word &+ 9) & 15]
            &+ (rotate(late, 19) ^ rotate(late, 61) ^ (late &>> 6))
    }

    @inline(__always)
    private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
        value &>> count | value &<< (64 &- count)
    }

    // swift-format-ignore
    private static let roundConstants: [UInt64] = [
        0x428a_2f98_d728_ae22, 0x7137_4491_23ef_65cd, 0xb5c0_fbcf_ec4d_3b2f, 0xe9b5_dba5_8189_dbbc,
        0x3956_c25b_f348_b538, 0x59f1_11f1_b605_d019, 0x923f_82a4_af19_4f9b, 0xab1c_5ed5_da6d_8118,
        0xd807_aa98_a303_0242, 0x1283_5b01_4570_6fbe, 0x2431_85be_4ee4_b28c, 0x550c_7dc3_d5ff_b4e2,
        0x72be_5d74_f27b_896f, 0x80de_b1fe_3b16_96b1, 0x9bdc_06a7_25c7_1235, 0xc19b_f174_cf69_2694,
        0xe49b_69c1_9ef1_4ad2, 0xefbe_4786_384f_25e3, 0x0fc1_9dc6_8b8c_d5b5, 0x240c_a1cc_77ac_9c65,
        0x2de9_2c6f_592b_0275, 0x4a74_84aa_6ea6_e483, 0x5cb0_a9dc_bd41_fbd4, 0x76f9_88da_8311_53b5,
        0x983e_5152_ee66_dfab, 0xa831_c66d_2db4_3210, 0xb003_27c8_98fb_213f, 0xbf59_7fc7_beef_0ee4,
        0xc6e0_0bf3_3da8_8fc2, 0xd5a7_9147_930a_a725, 0x06ca_6351_e003_826f, 0x1429_2967_0a0e_6e70,
        0x27b7_0a85_46d2_2ffc, 0x2e1b_2138_5c26_c926, 0x4d2c_6dfc_5ac4_2aed, 0x5338_0d13_9d95_b3df,
        0x650a_7354_8baf_63de, 0x766a_0abb_3c77_b2a8, 0x81c2_c92e_47ed_aee6, 0x9272_2c85_1482_353b,
        0xa2bf_e8a1_4cf1_0364, 0xa81a_664b_bc42_3001, 0xc24b_8b70_d0f8_9791, 0xc76c_51a3_0654_be30,
        0xd192_e819_d6ef_5218, 0xd699_0624_5565_a910, 0xf40e_3585_5771_202a, 0x106a_a070_32bb_d1b8,
        0x19a4_c116_b8d2_d0c8, 0x1e37_6c08_5141_ab53, 0x2748_774c_df8e_eb99, 0x34b0_bcb5_e19b_48a8,
        0x391c_0cb3_c5c9_5a63, 0x4ed8_aa4a_e341_8acb, 0x5b9c_ca4f_7763_e373, 0x682e_6ff3_d6b2_b8a3,
        0x748f_82ee_5def_b2fc, 0x78a5_636f_4317_2f60, 0x84c8_7814_a1f0_ab72, 0x8cc7_0208_1a64_39ec,
        0x90be_fffa_2363_1e28, 0xa450_6ceb_de82_bde9, 0xbef9_a3f7_b2c6_7915, 0xc671_78f2_e372_532b,
        0xca27_3ece_ea26_619c, 0xd186_b8c7_21c0_c207, 0xeada_7dd6_cde0_eb1e, 0xf57d_4f7f_ee6e_d178,
        0x06f0_67aa_7217_6fba, 0x0a63_7dc5_a2c8_98a6, 0x113f_9804_bef9_0dae, 0x1b71_0b35_131c_471b,
        0x28db_77f5_2304_7d84, 0x32ca_ab7b_40c7_2493, 0x3c9e_be0a_15c9_bebc, 0x431d_67c4_9c10_0d4c,
        0x4cc5_d4be_cb3e_42b6, 0x597f_299c_fc65_7e2a, 0x5fcb_6fab_3ad6_faec, 0x6c44_198c_4a47_5817,
    ]
}
