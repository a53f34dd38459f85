// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#define OPENSSL_SUPPRESS_DEPRECATED
#include "baseline.h"

#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

enum { batch = 256, room = 2112, node = 32 };

static struct mmsghdr in[batch], out[batch];
static struct iovec in_vector[batch], out_vector[batch];
static struct sockaddr_storage peer[batch];
static unsigned char request[batch][room], reply[batch][1024];

static int receive(int socket) {
    for (int i = 0; i < batch; i++) {
        in_vector[i] = (struct iovec){request[i], room};
        in[i].msg_hdr = (struct msghdr){.msg_name = &peer[i], .msg_namelen = sizeof peer[i], .msg_iov = &in_vector[i], .msg_iovlen = 1};
    }
    return recvmmsg(socket, in, batch, MSG_WAITFORONE, NULL);
}

static void answer(int socket, int count, unsigned char (*bytes)[1024], unsigned char (*raw)[room], size_t length) {
    for (int i = 0; i < count; i++) {
        out_vector[i] = (struct iovec){bytes ? (void *)bytes[i] : (void *)raw[i], length};
        out[i].msg_hdr = (struct msghdr){.msg_name = &peer[i], .msg_namelen = in[i].msg_hdr.msg_namelen, .msg_iov = &out_vector[i], .msg_iovlen = 1};
    }
    for (int done = 0; done < count;) {
        int sent = sendmmsg(socket, out + done, count - done, 0);
        if (sent <= 0) break;
        done += sent;
    }
}

void baseline_echo(int socket, size_t length) {
    for (;;) {
        int count = receive(socket);
        if (count > 0) answer(socket, count, NULL, request, length);
    }
}

static unsigned char nodes[2 * batch + 16][node];

static void hash(unsigned char prefix, const void *first, size_t first_length, const void *second, size_t second_length, unsigned char *output) {
    unsigned char digest[64];
    SHA512_CTX context;
    SHA512_Init(&context);
    SHA512_Update(&context, &prefix, 1);
    SHA512_Update(&context, first, first_length);
    if (second) SHA512_Update(&context, second, second_length);
    SHA512_Final(digest, &context);
    memcpy(output, digest, node);
}

void baseline_sign(int socket, size_t length) {
    unsigned char seed[32] = {1};
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    for (;;) {
        int count = receive(socket);
        if (count <= 0) continue;
        int start[16], size[16], depth = 0;
        for (int i = 0; i < count; i++) hash(0, request[i], in[i].msg_len, NULL, 0, nodes[i]);
        start[0] = 0;
        size[0] = count;
        while (size[depth] > 1) {
            int above = start[depth] + size[depth];
            for (int i = 0; i < (size[depth] + 1) / 2; i++) {
                int right = 2 * i + 1 < size[depth] ? 2 * i + 1 : 2 * i;
                hash(1, nodes[start[depth] + 2 * i], node, nodes[start[depth] + right], node, nodes[above + i]);
            }
            size[depth + 1] = (size[depth] + 1) / 2;
            start[++depth] = above;
        }
        // As long as what Roughtime signs.
        unsigned char signed_part[172] = {0}, signature[64];
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        memcpy(signed_part, &now, sizeof now);
        memcpy(signed_part + 140, nodes[start[depth]], node);
        size_t signature_length = sizeof signature;
        EVP_MD_CTX_reset(context);
        EVP_DigestSignInit(context, NULL, NULL, NULL, key);
        EVP_DigestSign(context, signature, &signature_length, signed_part, sizeof signed_part);
        memcpy(reply[0], signature, sizeof signature);
        memcpy(reply[0] + 64, signed_part, sizeof signed_part);
        for (int i = 0; i < count; i++) {
            if (i) memcpy(reply[i], reply[0], length);
            memcpy(reply[i] + 240, request[i] + 64, 32);
            for (int level = 0, index = i; level < depth; level++, index >>= 1) {
                int sibling = index ^ 1;
                if (sibling >= size[level]) sibling = size[level] - 1;
                memcpy(reply[i] + 280 + level * node, nodes[start[level] + sibling], node);
            }
            memcpy(reply[i] + 276, &i, 4);
        }
        answer(socket, count, reply, NULL, length + (size_t)depth * node);
    }
}
