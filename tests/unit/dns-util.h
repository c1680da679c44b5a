/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A DNS server of the test's own, on UDP and TCP of one free port, in the test's loop. What it
 * answers is what a function of the test writes, byte for byte.
 */

#include "net-util.h"

#define DNS_MAX ((size_t) 65535)

typedef struct DnsMessage {
        unsigned char data[65535];
        size_t size;
} DnsMessage;

typedef struct DnsServer DnsServer;

/* Fills the answer to a question; size 0: none. */
typedef void (*DnsRespond)(DnsServer *s, const DnsMessage *question, bool tcp, DnsMessage *answer);

struct DnsServer {
        sd_event *event;
        int udp, tcp;
        sd_event_source *udp_source, *tcp_source, *peer_source[64];
        size_t n_peers;
        char address[64]; /* "127.0.0.1:PORT" */
        unsigned n_udp, n_tcp;
        DnsRespond respond;
        void *userdata;
};

static inline void dns_put(DnsMessage *m, const void *data, size_t size)
{
        assert_true(m->size + size <= DNS_MAX);
        memcpy(m->data + m->size, data, size);
        m->size += size;
}

static inline void dns_put_u16(DnsMessage *m, unsigned n)
{
        unsigned char b[2] = { (unsigned char) (n >> 8), (unsigned char) n };

        dns_put(m, b, 2);
}

static inline unsigned dns_get_u16(const DnsMessage *m, size_t at)
{
        return (unsigned) m->data[at] << 8 | m->data[at + 1];
}

/* "www.example.com" as labels. */
static inline void dns_put_name(DnsMessage *m, const char *name)
{
        while (*name) {
                size_t n = strcspn(name, ".");
                unsigned char length = (unsigned char) n;

                dns_put(m, &length, 1);
                dns_put(m, name, n);
                name += n + (name[n] == '.');
        }
        dns_put(m, "", 1);
}

/* The question's name as text, and its type. */
static inline unsigned dns_question(const DnsMessage *q, char *name, size_t size)
{
        size_t at = 12, used = 0;

        while (q->data[at] != 0) {
                size_t n = q->data[at];

                assert_true(at + n + 5 < q->size && used + n + 2 < size);
                if (used > 0)
                        name[used++] = '.';
                memcpy(name + used, q->data + at + 1, n);
                used += n;
                at += n + 1;
        }
        name[used] = '\0';
        return dns_get_u16(q, at + 1);
}

static inline bool dns_is_unchecked(const DnsMessage *q)
{
        return q->data[3] & 0x10;
}

/* Header and question of an answer. */
static inline void dns_begin(DnsMessage *a, const DnsMessage *q, unsigned rcode)
{
        a->size = 0;
        dns_put(a, q->data, q->size);
        a->data[2] |= 0x80; /* QR */
        a->data[3] = (unsigned char) (0x80 | rcode);
}

/* One record of the question's name (a pointer to it), or of another. */
static inline void dns_add(
                DnsMessage *a, const char *name, unsigned type, const void *data, size_t size)
{
        static const unsigned char ttl[4] = { 0, 0, 0, 60 };
        unsigned n = dns_get_u16(a, 6) + 1;

        if (name)
                dns_put_name(a, name);
        else
                dns_put_u16(a, 0xc00c);
        dns_put_u16(a, type);
        dns_put_u16(a, 1);
        dns_put(a, ttl, 4);
        dns_put_u16(a, (unsigned) size);
        dns_put(a, data, size);
        a->data[6] = (unsigned char) (n >> 8);
        a->data[7] = (unsigned char) n;
}

static inline void dns_add_a(DnsMessage *a, const char *name, const char *address)
{
        unsigned char data[16];
        int family = strchr(address, ':') ? AF_INET6 : AF_INET;

        assert_int_equal(inet_pton(family, address, data), 1);
        dns_add(a, name, family == AF_INET6 ? 28 : 1, data, family == AF_INET6 ? 16 : 4);
}

static inline void dns_add_cname(DnsMessage *a, const char *name, const char *target)
{
        DnsMessage *m = calloc(1, sizeof(*m));

        assert_non_null(m);
        dns_put_name(m, target);
        dns_add(a, name, 5, m->data, m->size);
        free(m);
}

static inline void dns_add_caa(
                DnsMessage *a, unsigned flags, const char *tag, const char *value, size_t size)
{
        unsigned char data[512];
        size_t n = strlen(tag);

        assert_true(2 + n + size <= sizeof(data));
        data[0] = (unsigned char) flags;
        data[1] = (unsigned char) n;
        memcpy(data + 2, tag, n);
        memcpy(data + 2 + n, value, size);
        dns_add(a, NULL, 257, data, 2 + n + size);
}

static inline int dns_on_udp(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        DnsServer *s = userdata;
        DnsMessage *q = calloc(1, sizeof(*q)), *a = calloc(1, sizeof(*a));
        struct sockaddr_in peer;
        socklen_t length = sizeof(peer);
        ssize_t n;

        assert_true(q && a);
        n = recvfrom(fd, q->data, sizeof(q->data), 0, (struct sockaddr *) &peer, &length);
        if (n >= 12) {
                q->size = (size_t) n;
                s->n_udp++;
                s->respond(s, q, false, a);
                if (a->size > 0)
                        (void) sendto(fd, a->data, a->size, 0, (struct sockaddr *) &peer, length);
        }
        free(q);
        free(a);
        return 0;
}

static inline int dns_on_peer(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        DnsServer *s = userdata;
        DnsMessage *q = calloc(1, sizeof(*q)), *a = calloc(1, sizeof(*a));
        unsigned char length[2];

        assert_true(q && a);
        /* A question is small and comes in one piece on loopback. */
        if (recv(fd, length, 2, MSG_WAITALL) == 2) {
                q->size = (size_t) length[0] << 8 | length[1];
                if (recv(fd, q->data, q->size, MSG_WAITALL) == (ssize_t) q->size) {
                        s->n_tcp++;
                        s->respond(s, q, true, a);
                }
        }
        if (a->size > 0) {
                length[0] = (unsigned char) (a->size >> 8);
                length[1] = (unsigned char) a->size;
                (void) send(fd, length, 2, MSG_NOSIGNAL);
                (void) send(fd, a->data, a->size, MSG_NOSIGNAL);
        } else {
                (void) shutdown(fd, SHUT_RDWR);
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        }
        free(q);
        free(a);
        return 0;
}

static inline int dns_on_connection(
                sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        DnsServer *s = userdata;
        int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

        assert_true(peer >= 0 && s->n_peers < ELEMENTSOF(s->peer_source));
        assert_true(sd_event_add_io(s->event, &s->peer_source[s->n_peers], peer, EPOLLIN,
                                    dns_on_peer, s) >= 0);
        assert_true(sd_event_source_set_io_fd_own(s->peer_source[s->n_peers++], true) >= 0);
        return 0;
}

/* The port is free for UDP and for TCP. */
static inline void dns_bind(DnsServer *s)
{
        struct sockaddr_in in = { .sin_family = AF_INET };

        in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        for (unsigned tries = 0;; tries++) {
                assert_true(tries < 100);
                in.sin_port = 0;
                s->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
                s->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                assert_true(s->udp >= 0 && s->tcp >= 0);
                assert_return_code(bind(s->udp, (struct sockaddr *) &in, sizeof(in)), errno);
                in.sin_port = htons((uint16_t) port_of(s->udp));
                if (bind(s->tcp, (struct sockaddr *) &in, sizeof(in)) == 0 &&
                                listen(s->tcp, 16) == 0)
                        break;
                close(s->udp);
                close(s->tcp);
        }
        (void) snprintf(s->address, sizeof(s->address), "127.0.0.1:%u", port_of(s->udp));
}

static inline void dns_open(DnsServer *s, sd_event *event, DnsRespond respond, void *userdata)
{
        *s = (DnsServer){ .event = event, .respond = respond, .userdata = userdata };
        dns_bind(s);
        assert_true(sd_event_add_io(event, &s->udp_source, s->udp, EPOLLIN, dns_on_udp, s) >= 0);
        assert_true(sd_event_add_io(event, &s->tcp_source, s->tcp, EPOLLIN, dns_on_connection, s) >=
                        0);
}

static inline void dns_close(DnsServer *s)
{
        sd_event_source_disable_unref(s->udp_source);
        sd_event_source_disable_unref(s->tcp_source);
        for (size_t i = 0; i < s->n_peers; i++)
                sd_event_source_disable_unref(s->peer_source[i]);
        close(s->udp);
        close(s->tcp);
}
