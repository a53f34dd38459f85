// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// Receives and sends many UDP datagrams with one system call (recvmmsg(2), sendmmsg(2)), which Swift cannot call: the
// structures and control messages of <sys/socket.h> exist for it only in part.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Slots for datagrams whose bytes lie in memory of the caller. One thread at a time.
typedef struct datagram_slots datagram_slots;

// The memory of slot i begins at requests + i * request_stride, and answers + i * answer_stride. NULL without memory.
datagram_slots *_Nullable datagram_slots_make(unsigned capacity, void *_Nonnull requests, size_t request_stride,
                                              void *_Nonnull answers, size_t answer_stride);
void datagram_slots_free(datagram_slots *_Nonnull slots);

// Receives what the kernel holds, without waiting, into the slots from `first` on; at most `count`.
// Returns how many, or -1 with errno.
int datagram_receive(datagram_slots *_Nonnull slots, int socket, unsigned first, unsigned count);

// The length of the datagram in a slot as it was sent, even if it was cut.
size_t datagram_length(const datagram_slots *_Nonnull slots, unsigned slot);
// When the kernel received it, in nanoseconds since 1970; 0 when the socket does not say.
int64_t datagram_received_at(const datagram_slots *_Nonnull slots, unsigned slot);

// Sends the answers in the listed slots to where their requests came from, from the address those were sent to.
// Returns how many were sent; a datagram that the kernel refuses is passed over.
int datagram_send(datagram_slots *_Nonnull slots, int socket, const int32_t *_Nonnull list,
                  const uint32_t *_Nonnull lengths, unsigned count);

// Asks for the receiver's address and the time with every datagram. Returns 0, or -1 with errno.
int datagram_prepare(int socket, int family);
