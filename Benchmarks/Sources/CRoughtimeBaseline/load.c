// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "baseline.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { most = 512, room = 2048 };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int connected(uint16_t port) {
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int size = 8 << 20;
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    connect(descriptor, (struct sockaddr *)&address, sizeof address);
    return descriptor;
}

static unsigned char packets[most][room], answers[most][room];
static struct mmsghdr sending[most], receiving[most];
static struct iovec send_vector[most], receive_vector[most];
static uint64_t serial;

static void prepare(const void *request, size_t length) {
    for (int i = 0; i < most; i++) {
        memcpy(packets[i], request, length);
        send_vector[i] = (struct iovec){packets[i], length};
        sending[i].msg_hdr = (struct msghdr){.msg_iov = &send_vector[i], .msg_iovlen = 1};
        receive_vector[i] = (struct iovec){answers[i], room};
        receiving[i].msg_hdr = (struct msghdr){.msg_iov = &receive_vector[i], .msg_iovlen = 1};
    }
}

static unsigned send_burst(int descriptor, unsigned count, size_t nonce) {
    for (unsigned i = 0; i < count; i++) {
        serial++;
        memcpy(packets[i] + nonce, &serial, sizeof serial);
    }
    int sent = sendmmsg(descriptor, sending, count, 0);
    return sent > 0 ? (unsigned)sent : 0;
}

static unsigned drain(int descriptor) {
    unsigned total = 0;
    for (;;) {
        int got = recvmmsg(descriptor, receiving, most, MSG_DONTWAIT, NULL);
        if (got <= 0) return total;
        total += (unsigned)got;
    }
}

load_result load_closed(uint16_t port, const void *request, size_t length, size_t nonce, unsigned burst, double seconds) {
    int descriptor = connected(port);
    prepare(request, length);
    if (burst > most) burst = most;
    load_result result = {0, 0, 0};
    double start = now();
    while (now() - start < seconds) {
        unsigned waiting = send_burst(descriptor, burst, nonce);
        result.sent += waiting;
        double patience = now() + 0.05;
        while (waiting > 0 && now() < patience) {
            struct pollfd readable = {.fd = descriptor, .events = POLLIN};
            poll(&readable, 1, 10);
            unsigned got = drain(descriptor);
            result.received += got;
            waiting -= got < waiting ? got : waiting;
        }
    }
    result.seconds = now() - start;
    close(descriptor);
    return result;
}

load_result load_paced(uint16_t port, const void *request, size_t length, size_t nonce, double rate, double seconds) {
    int descriptor = connected(port);
    prepare(request, length);
    load_result result = {0, 0, 0};
    double start = now();
    for (;;) {
        double passed = now() - start;
        if (passed > seconds) break;
        double due = passed * rate - (double)result.sent;
        if (due >= 32) result.sent += send_burst(descriptor, due > 128 ? 128 : (unsigned)due, nonce);
        result.received += drain(descriptor);
        struct timespec pause = {0, 50000};
        if (due < 32) nanosleep(&pause, NULL);
    }
    result.seconds = now() - start;
    double patience = now() + 0.5;
    while (result.received < result.sent && now() < patience) result.received += drain(descriptor);
    close(descriptor);
    return result;
}

size_t load_lone(uint16_t port, const void *request, size_t length, size_t nonce, double *latencies, size_t count) {
    int descriptor = connected(port);
    prepare(request, length);
    size_t answered = 0;
    for (size_t i = 0; i < count; i++) {
        double start = now();
        send_burst(descriptor, 1, nonce);
        struct pollfd readable = {.fd = descriptor, .events = POLLIN};
        if (poll(&readable, 1, 200) > 0 && drain(descriptor) > 0) latencies[answered++] = (now() - start) * 1e6;
        struct timespec pause = {0, 200000};
        nanosleep(&pause, NULL);
    }
    close(descriptor);
    return answered;
}
