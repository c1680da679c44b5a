/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/macros.h"

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
        const char *description;    /* for the event source */
        unsigned max_connections;   /* over all peers */
        unsigned max_per_address;   /* 0: no limit (Unix sockets) */
        size_t max_body;            /* 0: any body is refused */
        uint64_t deadline_usec;     /* a whole request has to arrive, and its answer to leave, within; 0: none
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
HttpServer *http_server_free(HttpServer *s);
DEFINE_CLEANUP(HttpServer, http_server_free)

const char *http_exchange_method(const HttpExchange *x);
const char *http_exchange_path(const HttpExchange *x); /* percent-decoded: match bytes, never log raw */
const char *http_exchange_header(const HttpExchange *x, const char *name); /* or NULL */
const char *http_exchange_body(const HttpExchange *x, size_t *ret_size);
const HttpPeer *http_exchange_peer(const HttpExchange *x);

/* Answers; body is copied. location: value of a Location header, or NULL. Return: 0 or -ENOMEM. */
int http_exchange_reply(HttpExchange *x, unsigned status, const char *content_type, const void *body,
                size_t size, const char *location);

/* Keeps the exchange for a later http_exchange_reply(). gone is called at most once, instead of it. */
void http_exchange_suspend(HttpExchange *x, HttpExchangeGone gone, void *userdata);

/*
 * Listening sockets. listen_tcp(): host is numeric, IPv6 sockets are V6ONLY. listen_unix(): a stale
 * socket of that name is replaced, a living one gives -EADDRINUSE; mode is its mode.
 * Return: a descriptor that the caller owns, or -errno.
 */
int listen_tcp(const char *host, unsigned port);
int listen_unix(const char *path, mode_t mode);

/*
 * Who holds a TCP port, for people: "nginx (pid 812)", or "another program" when /proc does not tell.
 * The caller frees it; NULL when out of memory.
 */
char *listen_holder(const char *host, unsigned port);
