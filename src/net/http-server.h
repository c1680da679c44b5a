/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/macros.h"
#include "net/listen.h" /* the descriptors that servers start with */

/*
 * An HTTP server on one listening socket: libmicrohttpd's epoll descriptor on an sd-event loop. The
 * challenge port, the control socket and renewd-deploy's socket are three of these.
 */
typedef struct HttpServer HttpServer;
typedef struct HttpExchange HttpExchange;

/* Who is at the other end of a Unix socket; all -1 when unknown or on TCP. */
typedef struct HttpPeer {
        pid_t pid;
        uid_t uid;
        gid_t gid;
        gid_t groups[64];
        size_t n_groups;
} HttpPeer;

typedef struct HttpServerOptions {
        const char *description;  /* for the event source */
        unsigned max_connections; /* over all peers */
        unsigned max_per_address; /* IPv6: per /64. 0: no limit; Unix sockets have none */
        size_t max_body; /* 413 beyond; 0: any body is refused. Without a Content-Length: 411 */
        uint64_t deadline_usec; /* a whole request has to arrive, and its answer to leave, within; 0: none
                                     * while an exchange is suspended */
} HttpServerOptions;

/*
 * A complete request. The handler answers at once with http_exchange_reply(), or keeps the exchange
 * (http_exchange_suspend()) and answers later. Strings live until the answer.
 */
typedef void (*HttpServerHandler)(HttpExchange *x, void *userdata);

/* The peer of a suspended exchange went away: userdata must forget the exchange. */
typedef void (*HttpExchangeGone)(HttpExchange *x, void *userdata);

/*
 * @fd listening stream socket, AF_INET, AF_INET6 or AF_UNIX; owned by the server from now on, also on
 * failure. Return: 0 or -errno.
 */
int http_server_new(sd_event *event, int fd_take, const HttpServerOptions *options,
                HttpServerHandler handler, void *userdata, HttpServer **ret);

/* Ends every connection; not from within the handler. Return: NULL. */
HttpServer *http_server_free(HttpServer *s);
DEFINE_CLEANUP(HttpServer, http_server_free)

/* Whether no connection is open: its owner may end without losing a request. */
bool http_server_is_idle(const HttpServer *s);

const char *http_exchange_method(const HttpExchange *x);
/* Percent-decoded and without the query: match bytes, never log raw. A path with "%00" stays undecoded. */
const char *http_exchange_path(const HttpExchange *x);
/* The request target as it was sent, query included: any bytes but spaces and controls may be in it. */
const char *http_exchange_target(const HttpExchange *x);
const char *http_exchange_header(const HttpExchange *x, const char *name); /* or NULL */
const char *http_exchange_body(const HttpExchange *x, size_t *ret_size);
const HttpPeer *http_exchange_peer(const HttpExchange *x);

/*
 * Answers, once; body is copied. To HEAD only the headers go out. location: value of a Location header, or NULL.
 * Return: 0, -ENOMEM, -EINVAL for text that cannot stand in a header. On failure the exchange is as before; a
 * handler that returns with it unanswered and not suspended closes the connection.
 */
int http_exchange_reply(HttpExchange *x, unsigned status, const char *content_type,
                const void *body, size_t size, const char *location);

/*
 * Keeps the exchange for a later http_exchange_reply(). gone is called at most once, instead of it: when the peer
 * leaves, or when the server is freed. Only from within the handler.
 */
void http_exchange_suspend(HttpExchange *x, HttpExchangeGone gone, void *userdata);
