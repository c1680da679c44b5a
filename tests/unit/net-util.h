/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * For tests with real sockets in one process: the test plays the other side with plain calls on
 * non-blocking sockets, and lets the loop turn between them. Every wait has an end.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-event.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/macros.h"

/* Generous: machines that run many tests at once are slow. */
#define PATIENCE (20 * USEC_PER_SEC)

static inline void loop_turn(sd_event *event)
{
        assert_true(sd_event_run(event, 5 * USEC_PER_MSEC) >= 0);
}

static inline void loop_for(sd_event *event, uint64_t usec)
{
        uint64_t end = clock_monotonic_usec() + usec;

        while (clock_monotonic_usec() < end)
                loop_turn(event);
}

/* Turns the loop until the condition holds; fails the test when it never does. */
#define loop_until(event, condition)                                    \
        do {                                                            \
                uint64_t end_ = clock_monotonic_usec() + PATIENCE;      \
                while (!(condition)) {                                  \
                        if (clock_monotonic_usec() > end_)              \
                                fail_msg("never came: %s", #condition); \
                        loop_turn(event);                               \
                }                                                       \
        } while (0)

static inline int connect_to(const char *host, unsigned port)
{
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t) port) };
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t) port) };
        bool ipv6 = inet_pton(AF_INET6, host, &in6.sin6_addr) == 1;
        int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        if (!ipv6)
                assert_int_equal(inet_pton(AF_INET, host, &in.sin_addr), 1);
        assert_return_code(connect(fd, ipv6 ? (struct sockaddr *) &in6 : (struct sockaddr *) &in,
                                           ipv6 ? sizeof(in6) : sizeof(in)),
                        errno);
        assert_return_code(fcntl(fd, F_SETFL, O_NONBLOCK), errno);
        return fd;
}

static inline int connect_to_path(const char *path)
{
        struct sockaddr_un un = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0 && strlen(path) < sizeof(un.sun_path));
        memcpy(un.sun_path, path, strlen(path));
        assert_return_code(connect(fd, (struct sockaddr *) &un, sizeof(un)), errno);
        assert_return_code(fcntl(fd, F_SETFL, O_NONBLOCK), errno);
        return fd;
}

static inline unsigned port_of(int fd)
{
        struct sockaddr_storage ss;
        socklen_t size = sizeof(ss);

        assert_return_code(getsockname(fd, (struct sockaddr *) &ss, &size), errno);
        return ntohs(ss.ss_family == AF_INET ? ((struct sockaddr_in *) &ss)->sin_port
                                             : ((struct sockaddr_in6 *) &ss)->sin6_port);
}

static inline void send_bytes(int fd, const void *data, size_t size)
{
        assert_int_equal(send(fd, data, size, MSG_NOSIGNAL), (ssize_t) size);
}

static inline void send_text(int fd, const char *s)
{
        send_bytes(fd, s, strlen(s));
}

/* Reads what is there. Return: whether the peer closed (or reset). */
static inline bool take_bytes(int fd, Buffer *b)
{
        char data[4096];
        ssize_t n;

        while ((n = recv(fd, data, sizeof(data), MSG_DONTWAIT)) > 0)
                assert_int_equal(buffer_append(b, data, (size_t) n), 0);
        return n == 0 || (errno != EAGAIN && errno != EINTR);
}

/* Everything until the peer closes; the caller frees it. */
static inline char *read_to_end(sd_event *event, int fd)
{
        Buffer b = BUFFER_INIT(SIZE_MAX / 2);

        loop_until(event, take_bytes(fd, &b));
        return buffer_take(&b);
}

static inline bool answer_is_complete(const Buffer *b, bool head)
{
        const char *end = b->data ? strstr(b->data, "\r\n\r\n") : NULL, *length;

        if (!end)
                return false;
        length = strcasestr(b->data, "\r\nContent-Length: ");
        if (head || !length || length > end)
                return true;
        return b->size >= (size_t) (end + 4 - b->data) + strtoul(length + 18, NULL, 10);
}

/* One answer on a connection that stays; the caller frees it. Fails when the peer closes before its
 * end. */
static inline char *read_answer(sd_event *event, int fd, bool head)
{
        Buffer b = BUFFER_INIT(SIZE_MAX / 2);

        for (uint64_t end = clock_monotonic_usec() + PATIENCE; !answer_is_complete(&b, head);) {
                assert_true(clock_monotonic_usec() < end);
                loop_turn(event);
                if (take_bytes(fd, &b) && !answer_is_complete(&b, head))
                        fail_msg("closed after: %s", b.data ? b.data : "nothing");
        }
        return buffer_take(&b);
}

static inline void assert_starts(const char *s, const char *prefix)
{
        if (strncmp(s, prefix, strlen(prefix)) != 0)
                fail_msg("'%s' does not start with '%s'", s, prefix);
}

static inline void assert_contains(const char *s, const char *part)
{
        if (!strstr(s, part))
                fail_msg("'%s' is not in '%s'", part, s);
}

static inline void assert_lacks(const char *s, const char *part)
{
        if (strcasestr(s, part))
                fail_msg("'%s' is in '%s'", part, s);
}
