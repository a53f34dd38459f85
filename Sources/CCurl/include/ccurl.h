// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// Sends one mail through libcurl, whose functions take variable arguments and so cannot be called from Swift.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
    // smtp://host:port or smtps://host:port
    const char *_Nonnull url;
    // Not 0: the mail goes over TLS or not at all.
    int requires_tls;
    // Certificate authorities in PEM; NULL for the system's.
    const char *_Nullable authorities_path;
    // NULL for no log-in; otherwise AUTH PLAIN or LOGIN.
    const char *_Nullable user;
    const char *_Nullable password;
    const char *_Nonnull from;
    const char *_Nonnull to;
    const uint8_t *_Nonnull message;
    size_t length;
    long timeout_ms;
} ccurl_mail;

typedef enum {
    ccurl_sent,
    ccurl_refused,
    ccurl_refused_login,
    ccurl_no_tls,
    ccurl_timed_out,
    ccurl_unreachable,
    ccurl_cancelled,
    ccurl_failed,
} ccurl_outcome;

// Tells a transfer on another thread to stop, within a second.
typedef struct ccurl_cancellation ccurl_cancellation;
ccurl_cancellation *_Nullable ccurl_cancellation_make(void);
void ccurl_cancel(ccurl_cancellation *_Nonnull cancellation);
void ccurl_cancellation_free(ccurl_cancellation *_Nonnull cancellation);

// Blocks until the mail is handed over or cannot be. Writes the server's last reply code, 0 without one.
ccurl_outcome ccurl_send_mail(const ccurl_mail *_Nonnull mail, const ccurl_cancellation *_Nonnull cancellation,
                              long *_Nonnull reply_code);
