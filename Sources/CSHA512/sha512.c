// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0
#include "sha512.h"

#include <string.h>

enum { block_length = 128, most_lanes = 8 };

static const uint64_t constants[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
    0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
    0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
    0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
    0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
    0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
    0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
    0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

static inline uint64_t load(const unsigned char *bytes) {
    uint64_t word;
    memcpy(&word, bytes, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

// Makes block `number` of a message in `buffer`, or returns where it already stands in one piece.
static const unsigned char *find_block(const sha512_messages *messages, unsigned message, size_t number,
                                       unsigned char buffer[block_length]) {
    size_t prefix = messages->prefix >= 0;
    size_t first_end = prefix + messages->first_length, end = first_end + messages->second_length;
    size_t from = number * block_length, to = from + block_length;
    const unsigned char *first = messages->first[message];
    if (from >= prefix && to <= first_end) return first + (from - prefix);
    memset(buffer, 0, block_length);
    if (from == 0 && prefix) buffer[0] = (unsigned char)messages->prefix;
    size_t start = from > prefix ? from : prefix, stop = to < first_end ? to : first_end;
    if (start < stop) memcpy(buffer + (start - from), first + (start - prefix), stop - start);
    start = from > first_end ? from : first_end;
    stop = to < end ? to : end;
    if (start < stop) memcpy(buffer + (start - from), messages->second[message] + (start - first_end), stop - start);
    if (from <= end && end < to) buffer[end - from] = 0x80;
    // The last block ends with the length in bits; no message here needs more than 64 bits for it.
    if (to >= end + 17) {
        uint64_t bits = (uint64_t)end * 8;
        for (int i = 0; i < 8; i++) buffer[block_length - 1 - i] = (unsigned char)(bits >> (8 * i));
    }
    return buffer;
}

static size_t block_count(const sha512_messages *messages) {
    size_t length = (messages->prefix >= 0) + messages->first_length + messages->second_length;
    return (length + 17 + block_length - 1) / block_length;
}

#define ROTATE(x, n) (((x) >> (n)) | ((x) << (64 - (n))))
#define ROUND(a, b, c, d, e, f, g, h, i)                                                                             \
    do {                                                                                                             \
        V one = h + (ROTATE(e, 14) ^ ROTATE(e, 18) ^ ROTATE(e, 41)) + (((f ^ g) & e) ^ g) + constants[round + i] + w[i]; \
        d += one;                                                                                                    \
        h = one + (ROTATE(a, 28) ^ ROTATE(a, 34) ^ ROTATE(a, 39)) + ((a & b) | (c & (a | b)));                       \
    } while (0)
#define EXTEND(i)                                                                                                    \
    w[i] += (ROTATE(w[(i + 1) & 15], 1) ^ ROTATE(w[(i + 1) & 15], 8) ^ (w[(i + 1) & 15] >> 7)) + w[(i + 9) & 15] +    \
            (ROTATE(w[(i + 14) & 15], 19) ^ ROTATE(w[(i + 14) & 15], 61) ^ (w[(i + 14) & 15] >> 6))

// Hashes LANES messages from `message` on; those beyond the last are the last again, and are not written.
#define DEFINE_HASH(NAME, TYPE, LANES)                                                                               \
    static void NAME(const uint64_t initial[8], const sha512_messages *messages, unsigned message,                   \
                     unsigned char *output, size_t stride, size_t length) {                                          \
        typedef TYPE V;                                                                                              \
        unsigned char buffers[LANES][block_length];                                                                  \
        _Alignas(64) uint64_t lanes[16][LANES];                                                                      \
        V s[8], w[16];                                                                                               \
        for (int i = 0; i < 8; i++) {                                                                                \
            for (int lane = 0; lane < LANES; lane++) lanes[i][lane] = initial[i];                                    \
            memcpy(&s[i], lanes[i], sizeof(V));                                                                      \
        }                                                                                                            \
        size_t blocks = block_count(messages);                                                                       \
        for (size_t number = 0; number < blocks; number++) {                                                         \
            for (unsigned lane = 0; lane < LANES; lane++) {                                                          \
                unsigned own = message + lane < messages->count ? message + lane : messages->count - 1;              \
                const unsigned char *block = find_block(messages, own, number, buffers[lane]);                       \
                for (int i = 0; i < 16; i++) lanes[i][lane] = load(block + 8 * i);                                   \
            }                                                                                                        \
            memcpy(w, lanes, sizeof w);                                                                              \
            V a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];                        \
            for (int round = 0; round < 80; round += 16) {                                                           \
                if (round) {                                                                                         \
                    EXTEND(0); EXTEND(1); EXTEND(2); EXTEND(3); EXTEND(4); EXTEND(5); EXTEND(6); EXTEND(7);           \
                    EXTEND(8); EXTEND(9); EXTEND(10); EXTEND(11); EXTEND(12); EXTEND(13); EXTEND(14); EXTEND(15);     \
                }                                                                                                    \
                ROUND(a, b, c, d, e, f, g, h, 0);  ROUND(h, a, b, c, d, e, f, g, 1);                                  \
                ROUND(g, h, a, b, c, d, e, f, 2);  ROUND(f, g, h, a, b, c, d, e, 3);                                  \
                ROUND(e, f, g, h, a, b, c, d, 4);  ROUND(d, e, f, g, h, a, b, c, 5);                                  \
                ROUND(c, d, e, f, g, h, a, b, 6);  ROUND(b, c, d, e, f, g, h, a, 7);                                  \
                ROUND(a, b, c, d, e, f, g, h, 8);  ROUND(h, a, b, c, d, e, f, g, 9);                                  \
                ROUND(g, h, a, b, c, d, e, f, 10); ROUND(f, g, h, a, b, c, d, e, 11);                                 \
                ROUND(e, f, g, h, a, b, c, d, 12); ROUND(d, e, f, g, h, a, b, c, 13);                                 \
                ROUND(c, d, e, f, g, h, a, b, 14); ROUND(b, c, d, e, f, g, h, a, 15);                                 \
            }                                                                                                        \
            s[0] += a; s[1] += b; s[2] += c; s[3] += d; s[4] += e; s[5] += f; s[6] += g; s[7] += h;                   \
        }                                                                                                            \
        for (int i = 0; i < 8; i++) memcpy(lanes[i], &s[i], sizeof(V));                                              \
        for (unsigned lane = 0; lane < LANES && message + lane < messages->count; lane++) {                          \
            unsigned char *target = output + (message + lane) * stride;                                              \
            for (size_t i = 0; i < length / 8; i++) {                                                                \
                uint64_t word = load((const unsigned char *)&lanes[i][lane]);                                        \
                memcpy(target + 8 * i, &word, 8);                                                                    \
            }                                                                                                        \
        }                                                                                                            \
    }

DEFINE_HASH(hash_one, uint64_t, 1)

typedef void hash_function(const uint64_t *, const sha512_messages *, unsigned, unsigned char *, size_t, size_t);

#if defined(__x86_64__)
typedef uint64_t four __attribute__((vector_size(32)));
typedef uint64_t eight __attribute__((vector_size(64)));
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
DEFINE_HASH(hash_four, four, 4)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq"))), apply_to = function)
DEFINE_HASH(hash_eight, eight, 8)
#pragma clang attribute pop
#endif

unsigned sha512_lanes(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq"))
        return 8;
    if (__builtin_cpu_supports("avx2")) return 4;
#endif
    return 1;
}

void sha512_hash(const uint64_t initial[8], const sha512_messages *messages, unsigned char *output, size_t stride,
                 size_t length) {
    unsigned done = 0;
#if defined(__x86_64__)
    unsigned lanes = sha512_lanes();
    hash_function *many = lanes == 8 ? hash_eight : hash_four;
    // A few messages are as quick one by one as in lanes that are mostly empty.
    while (lanes > 1 && messages->count - done > 2) {
        many(initial, messages, done, output, stride, length);
        done = messages->count - done > lanes ? done + lanes : messages->count;
    }
#endif
    for (; done < messages->count; done++) hash_one(initial, messages, done, output, stride, length);
}
