/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * http-client: libcurl's multi interface on an sd-event loop.
 *
 * curl tells us which sockets to watch (on_socket) and when to wake it (on_curl_timer); each socket
 * is one IO source, the wake-up one timer. Whatever happens goes into curl_multi_socket_action(),
 * after which the messages of finished transfers are drained, all of them.
 *
 * A transfer's life: QUEUED in its origin until there is room, RUNNING in curl, FINISHED on the
 * client's list, and from there its handler is called by the `deliver` source, one for each turn of
 * the loop. So no handler ever runs inside curl or inside http_client_send(), and a handler may
 * cancel, send, or free origin and client.
 *
 * Names are resolved in threads of curl's, which nobody joins (CURLOPT_QUICK_EXIT, see
 * http-transfer.c); curl_global_cleanup() is never called for the same reason: such a thread may
 * outlive us.
 *
 * Ownership: a transfer belongs to its origin, in whatever state; an origin to its maker. A client
 * that is freed first leaves its origins empty and unusable, to be freed by their makers.
 */

#include <limits.h>
#include <sys/epoll.h>
#include <utlist.h>

#include "base/text.h"
#include "base/timestamp.h"
#include "net/http-client-internal.h"

/* Connections kept for later: one for each CA and some to spare. Every new one costs a TLS
 * handshake and reading the trusted roots again. */
#define KEPT_CONNECTIONS 16L

static const HttpClientLimits default_limits = {
        .connect_usec = 15 * USEC_PER_SEC,
        .total_usec = 60 * USEC_PER_SEC,
        /* A CA may think for half a minute before its first byte; nobody needs longer for a
                   trickle. */
        .stall_usec = 45 * USEC_PER_SEC,
        .stall_rate = 64,
};

static void origin_start_waiting(HttpOrigin *o);

/* Hands a transfer that ended, in whatever way, to the deliver source. */
static void transfer_finish(HttpTransfer *t)
{
        HttpOrigin *o = t->origin;
        HttpClient *c = o->client;

        if (t->state == TRANSFER_RUNNING) {
                (void) curl_multi_remove_handle(c->multi, t->easy);
                o->n_running--;
        }
        t->state = TRANSFER_FINISHED;
        DL_APPEND2(c->finished, t, finished_prev, finished_next);
        (void) sd_event_source_set_enabled(c->deliver, SD_EVENT_ONESHOT);
}

static int on_deliver(sd_event_source *source, void *userdata)
{
        HttpClient *c = userdata;
        HttpTransfer *t = c->finished;

        if (!t)
                return 0;
        DL_DELETE2(c->finished, t, finished_prev, finished_next);
        if (c->finished)
                (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        /* The handler may free the client and all that is in it; the transfer is ours by now. */
        t->state = TRANSFER_DELIVERING;
        DL_DELETE(t->origin->transfers, t);
        http_transfer_deliver(t);
        http_transfer_free(t);
        return 0;
}

/* Takes a transfer out of wherever it is and frees it; its handler is not called. */
static void transfer_drop(HttpTransfer *t)
{
        HttpOrigin *o = t->origin;

        if (t->state == TRANSFER_RUNNING) {
                (void) curl_multi_remove_handle(o->client->multi, t->easy);
                o->n_running--;
        } else if (t->state == TRANSFER_FINISHED)
                DL_DELETE2(o->client->finished, t, finished_prev, finished_next);
        DL_DELETE(o->transfers, t);
        http_transfer_free(t);
}

static void transfer_fail_code(HttpTransfer *t, CURLMcode code)
{
        http_transfer_fail(t, text_format("the request to %s could not be made: %s", t->host,
                                              curl_multi_strerror(code)));
        transfer_finish(t);
}

static void client_fail_running(HttpClient *c, CURLMcode code)
{
        HttpOrigin *o;
        HttpTransfer *t;

        DL_FOREACH (c->origins, o)
                DL_FOREACH (o->transfers, t)
                        if (t->state == TRANSFER_RUNNING)
                                transfer_fail_code(t, code);
        DL_FOREACH (c->origins, o)
                origin_start_waiting(o);
}

static void client_drain(HttpClient *c)
{
        CURLMsg *message;
        int left;

        while ((message = curl_multi_info_read(c->multi, &left))) {
                CURLcode result = message->data.result;
                HttpTransfer *t = NULL;
                char *private = NULL;

                if (message->msg != CURLMSG_DONE)
                        continue;
                (void) curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
                t = (HttpTransfer *) private;
                if (result != CURLE_OK)
                        http_transfer_fail(t, http_failure_describe(t, result));
                transfer_finish(t); /* message is gone with this */
                origin_start_waiting(t->origin);
        }
}

/* Lets curl act and takes what has finished. */
static void client_act(HttpClient *c, curl_socket_t fd, int events)
{
        CURLMcode code;
        int n;

        code = curl_multi_socket_action(c->multi, fd, events, &n);
        client_drain(c);
        /* A socket could not be watched (no memory): without its events its transfer would hang,
         * and curl has given up on all of them. */
        if (code != CURLM_OK)
                client_fail_running(c, code);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        int action = 0;

        if (events & (EPOLLIN | EPOLLHUP))
                action |= CURL_CSELECT_IN;
        if (events & EPOLLOUT)
                action |= CURL_CSELECT_OUT;
        if (events & EPOLLERR)
                action |= CURL_CSELECT_ERR;
        client_act(userdata, fd, action);
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        client_act(userdata, CURL_SOCKET_TIMEOUT, 0);
        return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket)
{
        HttpClient *c = userdata;
        sd_event_source *source = socket;
        uint32_t events = 0;

        if (what == CURL_POLL_REMOVE) {
                (void) curl_multi_assign(c->multi, fd, NULL);
                sd_event_source_disable_unref(source);
                return 0;
        }
        if (what & CURL_POLL_IN)
                events |= EPOLLIN;
        if (what & CURL_POLL_OUT)
                events |= EPOLLOUT;
        if (source)
                return sd_event_source_set_io_events(source, events) < 0 ? -1 : 0;
        if (sd_event_add_io(c->event, &source, fd, events, on_io, c) < 0)
                return -1;
        (void) sd_event_source_set_description(source, "http-client-socket");
        (void) curl_multi_assign(c->multi, fd, source);
        return 0;
}

static int on_curl_timer(CURLM *multi, long msec, void *userdata)
{
        HttpClient *c = userdata;

        if (msec < 0)
                return sd_event_source_set_enabled(c->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
        if (sd_event_source_set_time_relative(c->timer, (uint64_t) msec * USEC_PER_MSEC) < 0)
                return -1;
        return sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

static int client_add_multi(HttpClient *c)
{
        c->multi = curl_multi_init();
        if (!c->multi)
                return -ENOMEM;
        if (curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK ||
                        curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c) != CURLM_OK ||
                        curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer) !=
                                        CURLM_OK ||
                        curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c) != CURLM_OK ||
                        curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS) !=
                                        CURLM_OK)
                return -ENOMEM;
        return 0;
}

int http_client_new(sd_event *event, HttpClient **ret)
{
        _cleanup_(http_client_freep) HttpClient *c = NULL;
        int r;

        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return -ENOMEM;
        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->event = sd_event_ref(event);
        c->limits = default_limits;
        /* curl counts milliseconds on CLOCK_MONOTONIC. */
        r = sd_event_add_time(event, &c->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_timer, c);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = sd_event_add_defer(event, &c->deliver, on_deliver, c);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(c->deliver, SD_EVENT_OFF);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(c->timer, "http-client-timer");
        (void) sd_event_source_set_description(c->deliver, "http-client-deliver");
        r = client_add_multi(c);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

static void origin_drop_transfers(HttpOrigin *o)
{
        HttpTransfer *t, *next;

        DL_FOREACH_SAFE (o->transfers, t, next)
                transfer_drop(t);
}

HttpClient *http_client_free(HttpClient *c)
{
        HttpOrigin *o, *next;

        if (!c)
                return NULL;
        DL_FOREACH_SAFE (c->origins, o, next) {
                origin_drop_transfers(o);
                DL_DELETE(c->origins, o);
                o->client = NULL;
        }
        /* Closes kept connections, and calls on_socket() and on_curl_timer() on its way. */
        if (c->multi)
                (void) curl_multi_cleanup(c->multi);
        sd_event_source_disable_unref(c->timer);
        sd_event_source_disable_unref(c->deliver);
        sd_event_unref(c->event);
        free(c);
        return NULL;
}

int http_origin_new(HttpClient *c, const char *trust_file, HttpOrigin **ret)
{
        _cleanup_(http_origin_freep) HttpOrigin *o = calloc(1, sizeof(*o));

        if (!o)
                return -ENOMEM;
        o->parallel = UINT_MAX;
        o->max_body = LIMIT_HTTP_BODY;
        if (trust_file) {
                o->trust_file = strdup(trust_file);
                if (!o->trust_file)
                        return -ENOMEM;
        }
        o->client = c;
        DL_APPEND(c->origins, o);
        *ret = TAKE_PTR(o);
        return 0;
}

int http_origin_new_unix(
                HttpClient *c, const char *socket_path, uint64_t total_usec, HttpOrigin **ret)
{
        char *copy = strdup(socket_path);
        HttpOrigin *o;
        int r;

        if (!copy)
                return -ENOMEM;
        r = http_origin_new(c, NULL, &o);
        if (r < 0) {
                free(copy);
                return r;
        }
        o->socket_path = copy;
        o->total_usec = total_usec;
        *ret = o;
        return 0;
}

int http_origin_new_plain(HttpClient *c, uint64_t total_usec, HttpOrigin **ret)
{
        int r = http_origin_new(c, NULL, ret);

        if (r < 0)
                return r;
        (*ret)->plain = true;
        (*ret)->total_usec = total_usec;
        return 0;
}

void http_origin_set_max_body(HttpOrigin *o, size_t max_body)
{
        o->max_body = max_body;
}

HttpClientLimits http_origin_limits(const HttpOrigin *o)
{
        HttpClientLimits limits = o->client->limits;

        if (o->socket_path) {
                limits.total_usec = o->total_usec;
                limits.stall_rate = 0; /* its work takes as long as it takes */
        } else if (o->plain) {
                limits.total_usec = o->total_usec;
                limits.connect_usec = MIN(limits.connect_usec, o->total_usec);
        }
        return limits;
}

HttpOrigin *http_origin_free(HttpOrigin *o)
{
        if (!o)
                return NULL;
        origin_drop_transfers(o);
        if (o->client)
                DL_DELETE(o->client->origins, o);
        free(o->trust_file);
        free(o->socket_path);
        free(o);
        return NULL;
}

/* Gives curl what waits, oldest first, while there is room. */
static void origin_start_waiting(HttpOrigin *o)
{
        HttpTransfer *t;
        CURLMcode code;

        DL_FOREACH (o->transfers, t) {
                if (o->n_running >= o->parallel)
                        return;
                if (t->state != TRANSFER_QUEUED)
                        continue;
                code = curl_multi_add_handle(o->client->multi, t->easy);
                if (code == CURLM_OK) {
                        t->state = TRANSFER_RUNNING;
                        o->n_running++;
                } else
                        transfer_fail_code(t, code);
        }
}

void http_origin_set_parallel(HttpOrigin *o, unsigned n)
{
        o->parallel = MAX(n, 1U);
        if (o->client)
                origin_start_waiting(o);
}

int http_client_send(HttpOrigin *o, const HttpClientRequest *request, HttpClientHandler handler,
                void *userdata, HttpTransfer **ret)
{
        HttpTransfer *t;
        int r;

        assert(o->client);

        r = http_transfer_new(o, request, handler, userdata, &t);
        if (r < 0)
                return r;
        DL_APPEND(o->transfers, t);
        origin_start_waiting(o);
        if (ret)
                *ret = t;
        return 0;
}

HttpTransfer *http_transfer_cancel(HttpTransfer *t)
{
        HttpOrigin *o;

        /* From within its own handler: it ends there anyway. */
        if (!t || t->state == TRANSFER_DELIVERING)
                return NULL;
        o = t->origin;
        transfer_drop(t);
        origin_start_waiting(o);
        return NULL;
}
