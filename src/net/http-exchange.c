/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * http-exchange: one request to our HTTP server and its answer.
 *
 * Born when MHD has read the request line (the only place where the target can be had as it was
 * sent), freed when MHD says that the request is completed, however it ended. In between:
 *
 *      READING ──> HANDLING ──> ANSWERED
 *         │            └──> SUSPENDED ──> ANSWERED, or GONE when the peer leaves first
 *         └──> REFUSED (a body that is too large, or of unknown length)
 *
 * An answer is queued on MHD's second call or later: queued on the first, MHD 0.9.75 closes the
 * connection. For a refused body this is what we want, since nobody will read it.
 *
 * While a connection is suspended MHD does not look at its socket, so we watch it ourselves for the
 * peer's leaving.
 */

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "base/text.h"
#include "net/http-server-internal.h"

typedef enum ExchangeState {
        EXCHANGE_READING,   /* headers or body are still arriving */
        EXCHANGE_HANDLING,  /* the handler has it */
        EXCHANGE_SUSPENDED, /* somebody keeps it for later */
        EXCHANGE_ANSWERED,  /* response is set, MHD queues or sends it */
        EXCHANGE_REFUSED,   /* response is set, the connection closes after it */
        EXCHANGE_GONE,      /* the peer left while suspended */
} ExchangeState;

struct HttpExchange {
        HttpConnection *connection;
        ExchangeState state;

        /* the request */
        const char *method; /* MHD's */
        const char *path;   /* MHD's */
        char *target;
        Buffer body;
        HttpPeer peer;

        /* the answer */
        unsigned status;
        struct MHD_Response *response;

        /* the keeper of a suspended exchange */
        HttpExchangeGone gone;
        void *userdata;
        sd_event_source *watch;
};

static HttpExchange *exchange_free(HttpExchange *x)
{
        if (!x)
                return NULL;
        sd_event_source_disable_unref(x->watch);
        if (x->response)
                MHD_destroy_response(x->response);
        buffer_done(&x->body);
        free(x->target);
        free(x);
        return NULL;
}
DEFINE_CLEANUP(HttpExchange, exchange_free)

static void peer_groups(int fd, HttpPeer *peer)
{
        _cleanup_free_ gid_t *groups = NULL;
        socklen_t size = 0;

        /* The kernel says how much room it wants, and gives nothing when there is less. */
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) >= 0 || errno != ERANGE)
                return;
        groups = malloc(size);
        if (!groups || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
                return;
        peer->n_groups = MIN(size / sizeof(gid_t), ELEMENTSOF(peer->groups));
        memcpy(peer->groups, groups, peer->n_groups * sizeof(gid_t));
}

static void peer_read(const HttpConnection *c, HttpPeer *peer)
{
        struct ucred credentials;
        socklen_t size = sizeof(credentials);

        *peer = (HttpPeer){ .pid = -1, .uid = (uid_t) -1, .gid = (gid_t) -1 };
        if (!c->server->local)
                return;
        if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
                return;
        peer->pid = credentials.pid;
        peer->uid = credentials.uid;
        peer->gid = credentials.gid;
        peer_groups(c->fd, peer);
}

void *http_exchange_on_target(void *cls, const char *target, struct MHD_Connection *mhd)
{
        HttpConnection *c = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
                                            ->socket_context;
        _cleanup_(exchange_freep) HttpExchange *x = NULL;

        if (!c)
                return NULL;
        x = calloc(1, sizeof(*x));
        if (!x)
                return NULL;
        x->connection = c;
        x->body = BUFFER_INIT(c->server->options.max_body);
        peer_read(c, &x->peer);
        x->target = strdup(target);
        if (!x->target)
                return NULL;
        /* A kept-alive connection has waited for this request; the wait is not the request's fault.
         */
        if (c->n_requests++ > 0)
                http_connection_start_deadline(c);
        c->exchange = x;
        return TAKE_PTR(x);
}

/*
 * Looks at what the headers announce. A body has to say its length: our own clients do, and so no
 * request is half read before it turns out to be too large. Return: 0, or the status to refuse
 * with.
 */
static unsigned body_verdict(const HttpExchange *x)
{
        const char *length = http_exchange_header(x, MHD_HTTP_HEADER_CONTENT_LENGTH);
        uint64_t n;

        if (http_exchange_header(x, MHD_HTTP_HEADER_TRANSFER_ENCODING))
                return x->body.limit > 0 ? MHD_HTTP_LENGTH_REQUIRED : MHD_HTTP_CONTENT_TOO_LARGE;
        if (length && text_parse_u64(length, x->body.limit, &n) < 0)
                return MHD_HTTP_CONTENT_TOO_LARGE;
        return 0;
}

static enum MHD_Result exchange_queue(HttpExchange *x)
{
        return MHD_queue_response(x->connection->mhd, x->status, x->response);
}

static enum MHD_Result exchange_refuse(HttpExchange *x, unsigned status)
{
        if (http_exchange_reply(x, status, NULL, NULL, 0, NULL) < 0 ||
                        MHD_add_response_header(x->response, MHD_HTTP_HEADER_CONNECTION, "close") !=
                                        MHD_YES)
                return MHD_NO;
        x->state = EXCHANGE_REFUSED;
        return exchange_queue(x);
}

static int on_watch(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        http_exchange_abandon(userdata);
        return 0;
}

static enum MHD_Result exchange_wait(HttpExchange *x)
{
        HttpConnection *c = x->connection;
        /* A local client that closed shows a hang-up; one that only ended its sending still reads.
         * Over TCP the two look the same from here, and nobody is kept waiting for a guess. */
        uint32_t events = c->server->local ? EPOLLHUP : EPOLLHUP | EPOLLRDHUP;

        if (sd_event_add_io(c->server->event, &x->watch, c->fd, events, on_watch, x) < 0) {
                http_exchange_abandon(x);
                return MHD_NO;
        }
        http_connection_suspend(c);
        return MHD_YES;
}

static enum MHD_Result exchange_handle(HttpExchange *x)
{
        HttpServer *s = x->connection->server;

        x->state = EXCHANGE_HANDLING;
        s->handler(x, s->userdata);
        switch (x->state) {
        case EXCHANGE_ANSWERED:
                return exchange_queue(x);
        case EXCHANGE_SUSPENDED:
                return exchange_wait(x);
        case EXCHANGE_READING:
        case EXCHANGE_HANDLING: /* not answered: nothing better than to close */
        case EXCHANGE_REFUSED:
        case EXCHANGE_GONE:
                return MHD_NO;
        }
        assert_not_reached();
}

enum MHD_Result http_exchange_on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                const char *method, const char *version, const char *data, size_t *size,
                void **context)
{
        HttpExchange *x = *context;
        unsigned status;

        if (!x) /* there was no memory for it */
                return MHD_NO;
        switch (x->state) {
        case EXCHANGE_READING:
                if (!x->method) {
                        x->method = method;
                        x->path = url;
                        status = body_verdict(x);
                        return status ? exchange_refuse(x, status) : MHD_YES;
                }
                if (*size == 0)
                        return exchange_handle(x);
                if (buffer_append(&x->body, data, *size) < 0)
                        return MHD_NO;
                *size = 0;
                return MHD_YES;
        case EXCHANGE_ANSWERED: /* resumed */
                return exchange_queue(x);
        case EXCHANGE_HANDLING:
        case EXCHANGE_SUSPENDED:
        case EXCHANGE_REFUSED:
        case EXCHANGE_GONE:
                return MHD_NO;
        }
        assert_not_reached();
}

void http_exchange_on_completed(void *cls, struct MHD_Connection *mhd, void **context,
                enum MHD_RequestTerminationCode code)
{
        HttpExchange *x = *context;

        if (!x)
                return;
        x->connection->exchange = NULL;
        if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
                http_connection_start_deadline(x->connection);
        *context = exchange_free(x);
}

void http_exchange_abandon(HttpExchange *x)
{
        bool suspended = x->connection->list == &x->connection->server->suspended;

        x->watch = sd_event_source_disable_unref(x->watch);
        x->state = EXCHANGE_GONE;
        if (x->gone)
                x->gone(x, x->userdata);
        if (suspended)
                http_connection_resume(x->connection);
}

const char *http_exchange_method(const HttpExchange *x)
{
        return x->method;
}

const char *http_exchange_path(const HttpExchange *x)
{
        return x->path;
}

const char *http_exchange_target(const HttpExchange *x)
{
        return x->target;
}

const char *http_exchange_header(const HttpExchange *x, const char *name)
{
        return MHD_lookup_connection_value(x->connection->mhd, MHD_HEADER_KIND, name);
}

const char *http_exchange_body(const HttpExchange *x, size_t *ret_size)
{
        if (ret_size)
                *ret_size = x->body.size;
        return x->body.data ? x->body.data : "";
}

const HttpPeer *http_exchange_peer(const HttpExchange *x)
{
        return &x->peer;
}

static void responsep(struct MHD_Response **response)
{
        if (*response)
                MHD_destroy_response(*response);
}

static int add_header(struct MHD_Response *response, const char *name, const char *value)
{
        if (!value)
                return 0;
        return MHD_add_response_header(response, name, value) == MHD_YES ? 0 : -EINVAL;
}

int http_exchange_reply(HttpExchange *x, unsigned status, const char *content_type,
                const void *body, size_t size, const char *location)
{
        _cleanup_(responsep) struct MHD_Response *response = NULL;
        int r;

        if (x->state == EXCHANGE_GONE)
                return 0;
        /* MHD copies; its signature only lacks the const. */
        response = MHD_create_response_from_buffer(
                        size, (void *) (uintptr_t) (size > 0 ? body : ""), MHD_RESPMEM_MUST_COPY);
        if (!response)
                return -ENOMEM;
        r = add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
        if (r >= 0)
                r = add_header(response, MHD_HTTP_HEADER_LOCATION, location);
        if (r >= 0)
                r = add_header(response, "X-Content-Type-Options", "nosniff");
        if (r < 0)
                return r;

        x->status = status;
        x->response = TAKE_PTR(response);
        x->watch = sd_event_source_disable_unref(x->watch);
        x->state = EXCHANGE_ANSWERED;
        if (x->connection->list == &x->connection->server->suspended)
                http_connection_resume(x->connection);
        return 0;
}

void http_exchange_suspend(HttpExchange *x, HttpExchangeGone gone, void *userdata)
{
        assert(x->state == EXCHANGE_HANDLING);

        x->state = EXCHANGE_SUSPENDED;
        x->gone = gone;
        x->userdata = userdata;
}
