/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "base/macros.h"

/*
 * HTTPS to CAs, and HTTP to a process of this machine over a Unix socket: libcurl's multi interface on an
 * sd-event loop. Knows nothing of ACME.
 *
 * One HttpClient for a process, one HttpOrigin for each CA: it holds the trust file and the ceiling of
 * requests in flight, and so the one kept-alive connection (HTTP/2 where offered).
 */
typedef struct HttpClient HttpClient;
typedef struct HttpOrigin HttpOrigin;
typedef struct HttpTransfer HttpTransfer;

typedef struct HttpHeader {
        const char *name;
        const char *value;
} HttpHeader;

typedef struct HttpClientRequest {
        const char *method; /* "GET", "HEAD", "POST" */
        const char *url;    /* https (a Unix or plain origin: http) only, sent byte for byte */
        const HttpHeader *headers;
        size_t n_headers;
        const void *body; /* copied */
        size_t body_size;
} HttpClientRequest;

typedef struct HttpClientResponse {
        unsigned status;
        const HttpHeader *headers;
        size_t n_headers;
        const void *body;
        size_t body_size;
        uint64_t date_usec; /* of its Date header; 0: none */
} HttpClientResponse;

/*
 * Called once for each transfer, from the loop and never from within http_client_send(). Exactly one of
 * response and failure is not NULL; failure is a sentence for people ("could not connect to …: …",
 * "the answer is larger than 256 kB"). Both end with the call, and so does the transfer.
 */
typedef void (*HttpClientHandler)(
                const HttpClientResponse *response, const char *failure, void *userdata);

/* Return: 0, -ENOMEM, -errno. */
int http_client_new(sd_event *event, HttpClient **ret);

/* Ends transfers without calling their handlers. Never joins a resolver thread. Return: NULL. */
HttpClient *http_client_free(HttpClient *c);
DEFINE_CLEANUP(HttpClient, http_client_free)

/* trust_file: PEM of the roots to trust instead of the system's, or NULL. Copied. */
int http_origin_new(HttpClient *c, const char *trust_file, HttpOrigin **ret);

/*
 * The other end of a Unix socket. Its URLs are http://ANYTHING/…, no proxy is asked, each request has a
 * connection of its own, and the answer may be silent for as long as total_usec.
 *
 * @socket_path  copied
 * @total_usec   what one request may take
 * Return: 0, -ENOMEM.
 */
int http_origin_new_unix(
                HttpClient *c, const char *socket_path, uint64_t total_usec, HttpOrigin **ret);

/*
 * http without TLS, to addresses only: the host of a URL is a numeric address, and what it is asked
 * for is in a Host header of the request's. No proxy is asked, each request has a connection of its
 * own. For looking at a port as somebody from outside does, and for nothing that is to be trusted.
 *
 * @total_usec  what one request may take
 * Return: 0, -ENOMEM.
 */
int http_origin_new_plain(HttpClient *c, uint64_t total_usec, HttpOrigin **ret);

HttpOrigin *http_origin_free(HttpOrigin *o);
DEFINE_CLEANUP(HttpOrigin, http_origin_free)

/* What an answer may have at most, instead of LIMIT_HTTP_BODY, in requests sent from now on. */
void http_origin_set_max_body(HttpOrigin *o, size_t max_body);

/* At most this many requests of the origin are under way at once; more wait in order of arrival. */
void http_origin_set_parallel(HttpOrigin *o, unsigned n);

/*
 * Sends. *ret may be NULL'ed by the caller when the handler was called.
 * Return: 0, -ENOMEM, -EINVAL for a URL that is not of the origin's scheme.
 */
int http_client_send(HttpOrigin *o, const HttpClientRequest *request, HttpClientHandler handler,
                void *userdata, HttpTransfer **ret);

/* Gives up a transfer; its handler is not called. Accepts NULL. Return: NULL. */
HttpTransfer *http_transfer_cancel(HttpTransfer *t);
