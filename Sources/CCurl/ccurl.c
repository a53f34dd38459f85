// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#include "ccurl.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct ccurl_cancellation {
    atomic_int is_cancelled;
};

ccurl_cancellation *ccurl_cancellation_make(void) { return calloc(1, sizeof(ccurl_cancellation)); }
void ccurl_cancel(ccurl_cancellation *cancellation) { atomic_store(&cancellation->is_cancelled, 1); }
void ccurl_cancellation_free(ccurl_cancellation *cancellation) { free(cancellation); }

typedef struct {
    const uint8_t *bytes;
    size_t left;
} upload;

static size_t read_message(char *target, size_t size, size_t count, void *context) {
    upload *upload = context;
    size_t length = size * count < upload->left ? size * count : upload->left;
    memcpy(target, upload->bytes, length);
    upload->bytes += length;
    upload->left -= length;
    return length;
}

static size_t discard(char *bytes, size_t size, size_t count, void *context) {
    (void)bytes;
    (void)context;
    return size * count;
}

static int progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    (void)a, (void)b, (void)c, (void)d;
    const ccurl_cancellation *cancellation = context;
    return atomic_load(&cancellation->is_cancelled);
}

static ccurl_outcome outcome(CURLcode code) {
    switch (code) {
    case CURLE_OK: return ccurl_sent;
    case CURLE_LOGIN_DENIED: return ccurl_refused_login;
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE: return ccurl_no_tls;
    case CURLE_OPERATION_TIMEDOUT: return ccurl_timed_out;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT: return ccurl_unreachable;
    case CURLE_ABORTED_BY_CALLBACK: return ccurl_cancelled;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_WEIRD_SERVER_REPLY: return ccurl_refused;
    default: return ccurl_failed;
    }
}

static pthread_once_t initialised = PTHREAD_ONCE_INIT;
static void initialise(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

ccurl_outcome ccurl_send_mail(const ccurl_mail *mail, const ccurl_cancellation *cancellation, long *reply_code) {
    *reply_code = 0;
    pthread_once(&initialised, initialise);
    CURL *curl = curl_easy_init();
    if (!curl) return ccurl_failed;
    struct curl_slist *recipients = curl_slist_append(NULL, mail->to);
    upload upload = {mail->message, mail->length};
    curl_easy_setopt(curl, CURLOPT_URL, mail->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    // A proxy named in the environment is not one for mail with secrets.
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, mail->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_USE_SSL, mail->requires_tls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (mail->authorities_path) curl_easy_setopt(curl, CURLOPT_CAINFO, mail->authorities_path);
    if (mail->user) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, mail->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, mail->password ? mail->password : "");
        curl_easy_setopt(curl, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
    }
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, mail->from);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_message);
    curl_easy_setopt(curl, CURLOPT_READDATA, &upload);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)mail->length);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)cancellation);
    CURLcode code = recipients ? curl_easy_perform(curl) : CURLE_OUT_OF_MEMORY;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, reply_code);
    curl_slist_free_all(recipients);
    curl_easy_cleanup(curl);
    return outcome(code);
}
