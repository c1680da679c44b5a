/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * http-server: libmicrohttpd on an sd-event loop.
 *
 * MHD runs without a thread of its own. Its epoll descriptor is one IO source; whenever it is
 * readable, or our one timer fires, MHD_run() does what there is to do and calls back into
 * http-exchange.c. The timer stands for three things: what MHD_get_timeout() asks for, connections
 * that were resumed (MHD_resume_connection() does not wake the descriptor), and the soonest
 * deadline.
 *
 * The deadlines are ours, because MHD's own connection timeout counts idle time: one byte a second
 * would keep a connection for ever. Every connection has a fixed span for a whole request and its
 * answer. All spans are equal, so a list to which connections are appended is sorted by deadline. A
 * connection that is late is shut down, and MHD closes it when it sees the end of the stream.
 *
 * Connections of one address are counted before they are accepted. An IPv6 peer is known by its
 * /64, which is what one subscriber has; an IPv4-mapped address is an IPv4 address, or else all of
 * IPv4 would share one /64 on a dual-stack socket.
 */

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <uthash.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/limits.h"
#include "net/http-server-internal.h"

#define ADDRESS_KEY 17 /* the family's initial and 16 bytes */

struct HttpAddress {
        char key[ADDRESS_KEY];
        unsigned n;
        UT_hash_handle hh;
};

static void address_key(const struct sockaddr *sa, char ret_key[static ADDRESS_KEY])
{
        memset(ret_key, 0, ADDRESS_KEY);
        if (sa->sa_family == AF_INET) {
                ret_key[0] = '4';
                memcpy(ret_key + 1, &((const struct sockaddr_in *) sa)->sin_addr, 4);
        } else if (sa->sa_family == AF_INET6) {
                const struct in6_addr *in6 = &((const struct sockaddr_in6 *) sa)->sin6_addr;
                bool mapped = IN6_IS_ADDR_V4MAPPED(in6);

                ret_key[0] = mapped ? '4' : '6';
                memcpy(ret_key + 1, in6->s6_addr + (mapped ? 12 : 0), mapped ? 4 : 8);
        }
}

static HttpAddress *address_find(HttpServer *s, const struct sockaddr *sa)
{
        char key[ADDRESS_KEY];
        HttpAddress *a;

        address_key(sa, key);
        HASH_FIND(hh, s->addresses, key, ADDRESS_KEY, a);
        return a;
}

static HttpAddress *address_ref(HttpServer *s, const struct sockaddr *sa)
{
        HttpAddress *a = address_find(s, sa);

        if (!a) {
                a = calloc(1, sizeof(*a));
                if (!a)
                        return NULL;
                address_key(sa, a->key);
                HASH_ADD(hh, s->addresses, key, ADDRESS_KEY, a);
        }
        a->n++;
        return a;
}

static HttpAddress *address_unref(HttpServer *s, HttpAddress *a)
{
        if (a && --a->n == 0) {
                HASH_DEL(s->addresses, a);
                free(a);
        }
        return NULL;
}

/* Derives the next wake-up from what is waiting. */
static void server_arm(HttpServer *s)
{
        uint64_t next = s->timed ? s->timed->deadline_usec : USEC_INFINITY;
        MHD_UNSIGNED_LONG_LONG msec;

        if (s->again)
                next = 0;
        else if (MHD_get_timeout(s->daemon, &msec) == MHD_YES)
                next = MIN(next, usec_add(clock_boottime_usec(), msec * USEC_PER_MSEC));
        (void) sd_event_source_set_time(s->timer, next);
        (void) sd_event_source_set_enabled(
                        s->timer, next == USEC_INFINITY ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

static void server_run(HttpServer *s)
{
        s->again = false;
        (void) MHD_run(s->daemon);
        server_arm(s);
}

/* list: &s->timed, &s->suspended, or NULL for neither. */
static void connection_move(HttpConnection *c, HttpConnection **list)
{
        if (c->list)
                DL_DELETE(*c->list, c);
        c->list = list;
        if (list)
                DL_APPEND(*list, c);
}

void http_connection_start_deadline(HttpConnection *c)
{
        HttpServer *s = c->server;

        c->deadline_usec = usec_add(clock_boottime_usec(), s->options.deadline_usec);
        connection_move(c, s->options.deadline_usec > 0 ? &s->timed : NULL);
}

void http_connection_suspend(HttpConnection *c)
{
        connection_move(c, &c->server->suspended);
        MHD_suspend_connection(c->mhd);
}

void http_connection_resume(HttpConnection *c)
{
        http_connection_start_deadline(c);
        MHD_resume_connection(c->mhd);
        c->server->again = true;
        server_arm(c->server);
}

static void server_expire(HttpServer *s, uint64_t now)
{
        while (s->timed && s->timed->deadline_usec <= now) {
                HttpConnection *c = s->timed;

                connection_move(c, NULL);
                (void) shutdown(c->fd, SHUT_RDWR);
        }
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        server_run(userdata);
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        HttpServer *s = userdata;

        server_expire(s, clock_boottime_usec());
        server_run(s);
        return 0;
}

/* Asked before a connection is accepted for good. */
static enum MHD_Result on_accept(void *cls, const struct sockaddr *sa, socklen_t size)
{
        HttpServer *s = cls;
        HttpAddress *a;

        if (s->local || s->options.max_per_address == 0)
                return MHD_YES;
        a = address_find(s, sa);
        return a && a->n >= s->options.max_per_address ? MHD_NO : MHD_YES;
}

static HttpConnection *connection_free(HttpConnection *c)
{
        connection_move(c, NULL);
        c->address = address_unref(c->server, c->address);
        free(c);
        return NULL;
}

/* Return: NULL when out of memory. */
static HttpConnection *connection_new(HttpServer *s, struct MHD_Connection *mhd)
{
        const struct sockaddr *sa = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
                                                    ->client_addr;
        HttpConnection *c = calloc(1, sizeof(*c));

        if (!c)
                return NULL;
        c->server = s;
        c->mhd = mhd;
        c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        if (!s->local) {
                c->address = address_ref(s, sa);
                if (!c->address)
                        return connection_free(c);
        }
        http_connection_start_deadline(c);
        return c;
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                enum MHD_ConnectionNotificationCode code)
{
        HttpServer *s = cls;

        if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
                s->again = true;
                if (*context)
                        *context = connection_free(*context);
                return;
        }
        *context = connection_new(s, mhd);
        /* Without memory for its deadline a connection must not live. */
        if (!*context)
                (void) shutdown(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)
                                                ->connect_fd,
                                SHUT_RDWR);
}

/* MHD would cut the path at "%00", and a prefix of what was asked for could match: such a path
 * stays as it was written. */
static size_t on_unescape(void *cls, struct MHD_Connection *mhd, char *s)
{
        return strstr(s, "%00") ? strlen(s) : MHD_http_unescape(s);
}

/* Return: 0 or -errno. fd is MHD's on success. */
static int server_start(HttpServer *s, int fd)
{
        s->daemon = MHD_start_daemon(
                        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK,
                        0, on_accept, s, http_exchange_on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
                        MHD_OPTION_CONNECTION_LIMIT, s->options.max_connections,
                        MHD_OPTION_CONNECTION_MEMORY_LIMIT, LIMIT_HTTP_SERVER_MEMORY,
                        MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                        MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_NOTIFY_COMPLETED,
                        http_exchange_on_completed, s, MHD_OPTION_URI_LOG_CALLBACK,
                        http_exchange_on_target, s, MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, s,
                        MHD_OPTION_END);
        return s->daemon ? 0 : -ENOMEM;
}

/* Return: 0 or -errno. */
static int server_attach(HttpServer *s, const char *description)
{
        int fd = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, r;

        r = sd_event_add_io(s->event, &s->io, fd, EPOLLIN, on_io, s);
        if (r < 0)
                return r;
        /* A late answer to a resumed connection would be seen by people: 1 ms, not the default 250.
         */
        r = sd_event_add_time(s->event, &s->timer, CLOCK_BOOTTIME, 0, USEC_PER_MSEC, on_timer, s);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(s->io, description);
        (void) sd_event_source_set_description(s->timer, description);
        server_arm(s);
        return 0;
}

static int socket_prepare(int fd, bool *ret_local)
{
        struct sockaddr_storage ss = { 0 };
        socklen_t size = sizeof(ss);
        int flags = fcntl(fd, F_GETFL);

        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;
        if (getsockname(fd, (struct sockaddr *) &ss, &size) < 0)
                return -errno;
        *ret_local = ss.ss_family == AF_UNIX;
        return 0;
}

int http_server_new(sd_event *event, int fd_take, const HttpServerOptions *options,
                HttpServerHandler handler, void *userdata, HttpServer **ret)
{
        _cleanup_close_ int fd = fd_take;
        _cleanup_(http_server_freep) HttpServer *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->event = sd_event_ref(event);
        s->options = *options;
        s->options.description = NULL; /* the caller's; the sources have a copy */
        s->handler = handler;
        s->userdata = userdata;
        r = socket_prepare(fd, &s->local);
        if (r < 0)
                return r;
        r = server_start(s, fd);
        if (r < 0)
                return r;
        TAKE_FD(fd);
        r = server_attach(s, options->description);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

bool http_server_is_idle(const HttpServer *s)
{
        return MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
                               ->num_connections == 0;
}

static void abandon_suspended(HttpServer *s)
{
        HttpConnection *c, *next;

        DL_FOREACH_SAFE (s->suspended, c, next)
                http_exchange_abandon(c->exchange);
}

HttpServer *http_server_free(HttpServer *s)
{
        if (!s)
                return NULL;
        if (s->daemon) {
                abandon_suspended(s);
                MHD_stop_daemon(s->daemon);
        }
        sd_event_source_disable_unref(s->io);
        sd_event_source_disable_unref(s->timer);
        sd_event_unref(s->event);
        free(s);
        return NULL;
}
