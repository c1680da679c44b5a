/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <microhttpd.h>

#include "base/buffer.h"
#include "net/http-server.h"

/*
 * What http-server.c (daemon, connections, deadlines) and http-exchange.c (one request and its answer)
 * share. Nobody else includes it.
 */

/* How many connections one address has; owned by HttpServer.addresses, gone with the last of them. */
typedef struct HttpAddress HttpAddress;

/* One accepted connection: MHD's, with our deadline. Owned by MHD's socket context. */
typedef struct HttpConnection {
        HttpServer *server;
        struct MHD_Connection *mhd;
        int fd; /* MHD's */
        HttpAddress *address;
        HttpExchange *exchange; /* the request under way, or NULL */
        unsigned n_requests;

        /* which of the server's lists it is on: timed, suspended, or none (NULL) */
        struct HttpConnection **list, *prev, *next;
        uint64_t deadline_usec; /* on CLOCK_BOOTTIME, while timed */
} HttpConnection;

struct HttpServer {
        sd_event *event;
        struct MHD_Daemon *daemon;
        HttpServerOptions options;
        HttpServerHandler handler;
        void *userdata;
        bool local; /* AF_UNIX */

        sd_event_source *io;
        sd_event_source *timer;
        bool again; /* MHD has work that its descriptor does not show */

        HttpAddress *addresses;
        HttpConnection *timed;     /* soonest deadline first */
        HttpConnection *suspended; /* their exchange is kept by somebody */
};

/* Starts the connection's deadline anew. */
void http_connection_start_deadline(HttpConnection *c);

/* MHD_suspend_connection() without a deadline, and MHD_resume_connection() that the loop notices. */
void http_connection_suspend(HttpConnection *c);
void http_connection_resume(HttpConnection *c);

/* MHD's callbacks for a request. */
void *http_exchange_on_target(void *cls, const char *target, struct MHD_Connection *mhd);
enum MHD_Result http_exchange_on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                const char *method, const char *version, const char *data, size_t *size,
                void **context);
void http_exchange_on_completed(void *cls, struct MHD_Connection *mhd, void **context,
                enum MHD_RequestTerminationCode code);

/* Tells the keeper of a suspended exchange that it is gone, and lets MHD close the connection. */
void http_exchange_abandon(HttpExchange *x);
