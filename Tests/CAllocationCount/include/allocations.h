// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// Counts what a program allocates and locks, thread by thread, by taking the places of malloc and its kin and of the locks.
#pragma once
#include <stdint.h>

typedef struct {
    uint64_t allocations, locks;
} allocation_counts;

// Counts of the calling thread.
allocation_counts allocations_here(void);
// Counts of the first thread with this name (pthread_setname_np); zero when there is none.
allocation_counts allocations_of(const char *_Nonnull name);
