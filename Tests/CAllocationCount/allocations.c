// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "allocations.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// The C library's own, under the names by which it calls them itself.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

enum { most_threads = 256 };

static struct {
    _Atomic int thread;
    _Atomic uint64_t allocations, locks;
} table[most_threads];
static _Atomic int used;
static __thread int own = -1;

static int row(void) {
    if (own < 0) {
        int taken = atomic_fetch_add(&used, 1);
        own = taken < most_threads ? taken : most_threads - 1;
        atomic_store(&table[own].thread, (int)syscall(SYS_gettid));
    }
    return own;
}

static void count_allocation(void) { atomic_fetch_add_explicit(&table[row()].allocations, 1, memory_order_relaxed); }
static void count_lock(void) { atomic_fetch_add_explicit(&table[row()].locks, 1, memory_order_relaxed); }

void *malloc(size_t size) {
    count_allocation();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    count_allocation();
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    count_allocation();
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    count_allocation();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    *memory = memalign(alignment, size);
    return *memory ? 0 : 12;
}

// Locks of the C library; those of Swift are counted by nobody, and the code of a batch has none.
int pthread_mutex_lock(pthread_mutex_t *mutex) {
    static int (*_Atomic real)(pthread_mutex_t *);
    int (*function)(pthread_mutex_t *) = atomic_load(&real);
    if (!function) {
        function = (int (*)(pthread_mutex_t *))dlsym(RTLD_NEXT, "pthread_mutex_lock");
        atomic_store(&real, function);
    }
    count_lock();
    return function(mutex);
}

allocation_counts allocations_here(void) {
    int index = row();
    return (allocation_counts){atomic_load(&table[index].allocations), atomic_load(&table[index].locks)};
}

allocation_counts allocations_of(const char *name) {
    for (int index = 0; index < atomic_load(&used) && index < most_threads; index++) {
        char path[64], found[32] = {0};
        snprintf(path, sizeof path, "/proc/self/task/%d/comm", atomic_load(&table[index].thread));
        FILE *file = fopen(path, "r");
        if (!file) continue;
        size_t length = fread(found, 1, sizeof found - 1, file);
        fclose(file);
        if (length > 0 && found[length - 1] == '\n') found[length - 1] = 0;
        if (strcmp(found, name) == 0)
            return (allocation_counts){atomic_load(&table[index].allocations), atomic_load(&table[index].locks)};
    }
    return (allocation_counts){0, 0};
}
