// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// What the responder is measured against, and what loads it. Both are C, so that neither is the slower part.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Servers on a bound UDP socket; neither returns. The first sends every request back, cut to `answer` bytes. The second does
// the work of a Roughtime server and nothing else: hash every request, build the tree, sign its root, answer with the path.
void baseline_echo(int socket, size_t answer);
void baseline_sign(int socket, size_t answer);

typedef struct {
    uint64_t sent, received;
    double seconds;
} load_result;

// Sends copies of a request, each with a nonce of its own, in bursts, and waits for the answers of a burst before the next.
load_result load_closed(uint16_t port, const void *request, size_t length, size_t nonce, unsigned burst, double seconds);
// Sends at a steady rate, whatever comes back.
load_result load_paced(uint16_t port, const void *request, size_t length, size_t nonce, double rate, double seconds);
// One request at a time; fills `latencies` (microseconds), returns how many were answered.
size_t load_lone(uint16_t port, const void *request, size_t length, size_t nonce, double *latencies, size_t count);
