// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stddef.h>
#include <stdint.h>

// libFuzzer's entry for programs with a main of their own (https://llvm.org/docs/LibFuzzer.html, "Using libFuzzer as a
// library"). The library itself comes with the compiler's option -sanitize=fuzzer.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));
