// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// SHA-512 (FIPS 180-4, section 6.4) with initial values of the caller's choice, many messages of one length at a time.
//
// It serves SHA-512 and SHA-512/256, which differ in the initial values only. Messages of equal length run through the
// compression function side by side, as many as the processor's vectors have lanes. Nothing is allocated.
#pragma once
#include <stddef.h>
#include <stdint.h>

// The messages to hash: each is an optional prefix byte, a first and a second part; part i of all messages has one length.
typedef struct {
    // 0 to 255, or -1 for none.
    int prefix;
    size_t first_length, second_length;
    // Where the first part of message 0 is, or NULL when it is empty, and so on.
    const unsigned char *_Nullable const *_Nonnull first;
    // NULL when there is no second part.
    const unsigned char *_Nullable const *_Nullable second;
    unsigned count;
} sha512_messages;

// Writes the first `length` bytes of digest i to output + i * stride; length is a multiple of 8, at most 64.
void sha512_hash(const uint64_t initial[_Nonnull 8], const sha512_messages *_Nonnull messages,
                 unsigned char *_Nonnull output, size_t stride, size_t length);

// How many messages are hashed side by side here.
unsigned sha512_lanes(void);
