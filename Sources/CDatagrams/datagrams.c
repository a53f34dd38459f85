// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "datagrams.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

enum { control_size = 128, send_patience_ms = 10 };

struct control {
    _Alignas(struct cmsghdr) char bytes[control_size];
};

struct datagram_slots {
    unsigned capacity;
    char *requests, *answers;
    size_t request_stride, answer_stride;
    struct mmsghdr *in, *out;
    struct iovec *in_vectors, *out_vectors;
    struct sockaddr_storage *peers;
    struct control *in_control, *out_control;
};

datagram_slots *datagram_slots_make(unsigned capacity, void *requests, size_t request_stride, void *answers,
                                    size_t answer_stride) {
    datagram_slots *slots = calloc(1, sizeof *slots);
    if (!slots) return NULL;
    slots->capacity = capacity;
    slots->requests = requests;
    slots->answers = answers;
    slots->request_stride = request_stride;
    slots->answer_stride = answer_stride;
    slots->in = calloc(capacity, sizeof *slots->in);
    slots->out = calloc(capacity, sizeof *slots->out);
    slots->in_vectors = calloc(capacity, sizeof *slots->in_vectors);
    slots->out_vectors = calloc(capacity, sizeof *slots->out_vectors);
    slots->peers = calloc(capacity, sizeof *slots->peers);
    slots->in_control = calloc(capacity, sizeof *slots->in_control);
    slots->out_control = calloc(capacity, sizeof *slots->out_control);
    if (!slots->in || !slots->out || !slots->in_vectors || !slots->out_vectors || !slots->peers || !slots->in_control ||
        !slots->out_control) {
        datagram_slots_free(slots);
        return NULL;
    }
    return slots;
}

void datagram_slots_free(datagram_slots *slots) {
    free(slots->in);
    free(slots->out);
    free(slots->in_vectors);
    free(slots->out_vectors);
    free(slots->peers);
    free(slots->in_control);
    free(slots->out_control);
    free(slots);
}

int datagram_receive(datagram_slots *slots, int socket, unsigned first, unsigned count) {
    if (first >= slots->capacity) return 0;
    if (count > slots->capacity - first) count = slots->capacity - first;
    for (unsigned i = first; i < first + count; i++) {
        slots->in_vectors[i].iov_base = slots->requests + i * slots->request_stride;
        slots->in_vectors[i].iov_len = slots->request_stride;
        struct msghdr *header = &slots->in[i].msg_hdr;
        header->msg_name = &slots->peers[i];
        header->msg_namelen = sizeof slots->peers[i];
        header->msg_iov = &slots->in_vectors[i];
        header->msg_iovlen = 1;
        header->msg_control = slots->in_control[i].bytes;
        header->msg_controllen = control_size;
        header->msg_flags = 0;
    }
    int received;
    do {
        // With MSG_TRUNC the length is that of the datagram, not of what fitted.
        received = recvmmsg(socket, slots->in + first, count, MSG_DONTWAIT | MSG_TRUNC, NULL);
    } while (received < 0 && errno == EINTR);
    return received;
}

size_t datagram_length(const datagram_slots *slots, unsigned slot) { return slots->in[slot].msg_len; }

int64_t datagram_received_at(const datagram_slots *slots, unsigned slot) {
    struct msghdr *header = (struct msghdr *)&slots->in[slot].msg_hdr;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item; item = CMSG_NXTHDR(header, item)) {
        if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec time;
            memcpy(&time, CMSG_DATA(item), sizeof time);
            return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
        }
    }
    return 0;
}

// Puts the address that a request was sent to into the control message of its answer.
static void answer_from(datagram_slots *slots, unsigned slot, unsigned position) {
    struct msghdr *request = &slots->in[slot].msg_hdr;
    struct msghdr *answer = &slots->out[position].msg_hdr;
    answer->msg_control = NULL;
    answer->msg_controllen = 0;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(request); item; item = CMSG_NXTHDR(request, item)) {
        size_t size;
        if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO) {
            size = sizeof(struct in_pktinfo);
        } else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO) {
            size = sizeof(struct in6_pktinfo);
        } else {
            continue;
        }
        answer->msg_control = slots->out_control[position].bytes;
        answer->msg_controllen = CMSG_SPACE(size);
        struct cmsghdr *source = CMSG_FIRSTHDR(answer);
        source->cmsg_level = item->cmsg_level;
        source->cmsg_type = item->cmsg_type;
        source->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(source), CMSG_DATA(item), size);
        if (item->cmsg_level == IPPROTO_IP) {
            // The routing table chooses the way out.
            ((struct in_pktinfo *)CMSG_DATA(source))->ipi_ifindex = 0;
        } else {
            struct in6_pktinfo *info = (struct in6_pktinfo *)CMSG_DATA(source);
            // Only a link-local address means nothing without its interface.
            if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr)) info->ipi6_ifindex = 0;
        }
        return;
    }
}

int datagram_send(datagram_slots *slots, int socket, const int32_t *list, const uint32_t *lengths, unsigned count) {
    if (count > slots->capacity) count = slots->capacity;
    for (unsigned i = 0; i < count; i++) {
        unsigned slot = (unsigned)list[i];
        slots->out_vectors[i].iov_base = slots->answers + slot * slots->answer_stride;
        slots->out_vectors[i].iov_len = lengths[i];
        struct msghdr *header = &slots->out[i].msg_hdr;
        header->msg_name = &slots->peers[slot];
        header->msg_namelen = slots->in[slot].msg_hdr.msg_namelen;
        header->msg_iov = &slots->out_vectors[i];
        header->msg_iovlen = 1;
        header->msg_flags = 0;
        answer_from(slots, slot, i);
    }
    unsigned done = 0;
    int sent = 0;
    while (done < count) {
        int result = sendmmsg(socket, slots->out + done, count - done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (result > 0) {
            done += (unsigned)result;
            sent += result;
        } else if (result < 0 && errno == EINTR) {
            continue;
        } else if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            struct pollfd writable = {.fd = socket, .events = POLLOUT};
            if (poll(&writable, 1, send_patience_ms) <= 0) break;
        } else {
            done++;
        }
    }
    return sent;
}

int datagram_prepare(int socket, int family) {
    int on = 1;
    // IPv4 senders on a socket of IPv6 come with IPv6 addresses, and their control message may be of either family.
    if (family == AF_INET6 && setsockopt(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) != 0) return -1;
    if (family == AF_INET && setsockopt(socket, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0) return -1;
    return setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}
