/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A server in a child process, with a process of its own for each connection, so that it may block,
 * drip and hang as it likes while the loop under test turns. It speaks TLS, or plain text without a
 * certificate. It counts what it sees in memory that the test shares, and dies with the test.
 */

#include <gnutls/gnutls.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "net-util.h"
#include "base/text.h"
#include "net/listen.h"
#include "x509-util.h"

typedef struct Served {
        _Atomic unsigned connections, handshakes, requests;
        _Atomic unsigned now, peak; /* requests at the same time */
        char last[32 * 1024];       /* the last request, head and body */
} Served;

typedef struct Stream {
        int fd;
        gnutls_session_t tls; /* NULL: plain */
        Served *served;
        const char *head; /* of the request */
        const char *path;
} Stream;

/* Answers one request. Return: whether the connection stays. */
typedef bool (*StreamHandler)(Stream *s);

typedef struct Server {
        pid_t pid;
        unsigned port;
        Served *served;
} Server;

typedef struct ServerOptions {
        const X509 *leaf, *issuer; /* NULL: plain text */
        const char *priority;      /* of GnuTLS; NULL: NORMAL */
        StreamHandler handler;     /* NULL: accepts, and then says nothing */
        bool greets;               /* speaks first, as no TLS server does */
        int fd;                    /* listens already; 0: a port of 127.0.0.1 */
} ServerOptions;

static inline void stream_write(Stream *s, const void *data, size_t size)
{
        for (const char *p = data; size > 0;) {
                ssize_t n = s->tls ? gnutls_record_send(s->tls, p, size)
                                   : send(s->fd, p, size, MSG_NOSIGNAL);

                if (n <= 0)
                        _exit(0); /* the client had enough */
                p += n;
                size -= (size_t) n;
        }
}

static inline void stream_say(Stream *s, const char *text)
{
        stream_write(s, text, strlen(text));
}

/* An answer with a body of known length. Return: true. */
static inline bool stream_answer(Stream *s, const char *head, const char *body)
{
        _cleanup_free_ char *text = text_format(
                        "%s\r\nContent-Length: %zu\r\n\r\n%s", head, strlen(body), body);

        stream_say(s, text);
        return true;
}

static inline ssize_t stream_read(Stream *s, void *data, size_t size)
{
        return s->tls ? gnutls_record_recv(s->tls, data, size) : recv(s->fd, data, size, 0);
}

/* Reads one request into served->last. Return: false at the end. */
static inline bool stream_read_request(Stream *s, char *b, size_t room)
{
        size_t size = 0, want = SIZE_MAX;

        memset(b, 0, room);
        while (size < want) {
                const char *end, *length;
                ssize_t n = stream_read(s, b + size, MIN(room - 1 - size, (size_t) 16384));

                if (n <= 0)
                        return false;
                size += (size_t) n;
                end = strstr(b, "\r\n\r\n");
                if (!end)
                        continue;
                length = strcasestr(b, "\r\nContent-Length: ");
                want = (size_t) (end + 4 - b) +
                       (length && length < end ? strtoul(length + 18, NULL, 10) : 0);
        }
        return true;
}

static inline void stream_serve(Stream *s, StreamHandler handler)
{
        static char request[32 * 1024], path[4096];
        bool stays = true;

        while (stays && stream_read_request(s, request, sizeof(request))) {
                unsigned now = ++s->served->now, peak = s->served->peak;

                while (now > peak && !atomic_compare_exchange_weak(&s->served->peak, &peak, now))
                        continue;
                memcpy(s->served->last, request, sizeof(request));
                s->served->requests++;
                s->head = request;
                s->path = sscanf(request, "%*s %4095s", path) == 1 ? path : "";
                stays = handler(s);
                s->served->now--;
        }
        if (s->tls)
                (void) gnutls_bye(s->tls, GNUTLS_SHUT_WR);
        (void) shutdown(s->fd, SHUT_RDWR);
}

static inline gnutls_certificate_credentials_t server_credentials(const ServerOptions *o)
{
        gnutls_certificate_credentials_t credentials = NULL;
        gnutls_x509_crt_t chain[] = { o->leaf->crt, o->issuer ? o->issuer->crt : NULL };

        if (gnutls_certificate_allocate_credentials(&credentials) < 0 ||
                        gnutls_certificate_set_x509_key(credentials, chain, o->issuer ? 2 : 1,
                                        o->leaf->private_key) < 0)
                _exit(1);
        return credentials;
}

static inline void server_connection(const ServerOptions *o, int fd, Served *served)
{
        Stream s = { .fd = fd, .served = served };
        int r;

        if (!o->handler)
                for (;;)
                        (void) pause();
        if (o->greets)
                stream_say(&s, "220 mail.example ESMTP\r\n");
        if (o->leaf) {
                if (gnutls_init(&s.tls, GNUTLS_SERVER) < 0 ||
                                gnutls_priority_set_direct(s.tls, o->priority ?: "NORMAL", NULL) <
                                                0 ||
                                gnutls_credentials_set(s.tls, GNUTLS_CRD_CERTIFICATE,
                                                server_credentials(o)) < 0)
                        _exit(1);
                gnutls_transport_set_int(s.tls, fd);
                do
                        r = gnutls_handshake(s.tls);
                while (r < 0 && !gnutls_error_is_fatal(r));
                if (r < 0)
                        return;
                served->handshakes++;
        }
        stream_serve(&s, o->handler);
}

static inline void server_run(const ServerOptions *o, int fd, Served *served)
{
        (void) signal(SIGCHLD, SIG_IGN);
        for (;;) {
                int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

                if (connection < 0)
                        _exit(1);
                served->connections++;
                if (fork() == 0) {
                        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                        (void) close_fd(fd);
                        server_connection(o, connection, served);
                        _exit(0);
                }
                (void) close_fd(connection);
        }
}

static inline void server_start(Server *s, const ServerOptions *o)
{
        int fd = o->fd > 0 ? o->fd : listen_tcp("127.0.0.1", 0);

        assert_true(fd >= 0);
        assert_return_code(fcntl(fd, F_SETFL, 0), errno); /* the child blocks */
        s->port = o->fd > 0 ? 0 : port_of(fd);
        s->served = mmap(NULL, sizeof(Served), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                        -1, 0);
        assert_true(s->served != MAP_FAILED);
        s->pid = fork();
        assert_true(s->pid >= 0);
        if (s->pid == 0) {
                (void) setpgid(0, 0);
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                server_run(o, fd, s->served);
        }
        (void) setpgid(s->pid, s->pid);
        (void) close_fd(fd);
}

static inline void server_stop(Server *s)
{
        if (s->pid == 0)
                return;
        (void) kill(-s->pid, SIGKILL);
        assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
        (void) munmap(s->served, sizeof(Served));
        *s = (Server){ 0 };
}
