/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <curl/curl.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "net/http-client.h"

/*
 * What http-client.c (multi on the loop, queues), http-transfer.c (one request) and http-failure.c
 * (sentences) share. Nobody else but their tests includes it.
 */

/* What one request may take. Fields of the client, so that a test need not wait for a minute. */
typedef struct HttpClientLimits {
        uint64_t connect_usec; /* name, TCP and TLS */
        uint64_t total_usec;
        uint64_t stall_usec; /* fewer than stall_rate bytes/s for so long ends it */
        unsigned stall_rate;
} HttpClientLimits;

typedef enum TransferState {
        TRANSFER_QUEUED,     /* waits until the origin has room */
        TRANSFER_RUNNING,    /* curl has it */
        TRANSFER_FINISHED,   /* its handler is to be called from the loop */
        TRANSFER_DELIVERING, /* its handler is being called */
} TransferState;

struct HttpTransfer {
        HttpOrigin *origin;
        HttpTransfer *prev, *next;                   /* HttpOrigin.transfers */
        HttpTransfer *finished_prev, *finished_next; /* HttpClient.finished, while FINISHED */
        TransferState state;

        /* the request */
        CURL *easy;
        struct curl_slist *request_headers;
        char *host;    /* for sentences, escaped; a Unix origin's path */
        unsigned port; /* 0: a Unix origin */
        bool sent;     /* a POST, once */
        HttpClientHandler handler;
        void *userdata;

        /* the answer so far */
        bool headers_complete;
        size_t headers_size; /* of all heads together: there can be many 1xx ones */
        HttpHeader headers[LIMIT_HTTP_N_HEADERS];
        size_t n_headers;
        Buffer body;

        /* why it failed */
        char error[CURL_ERROR_SIZE]; /* curl's words */
        char *failure;               /* the sentence; NULL: it did not */
        bool failed;                 /* also when there was no memory for a sentence */
};

struct HttpOrigin {
        HttpClient *client; /* NULL when it was freed first */
        HttpOrigin *prev, *next;
        char *trust_file;
        char *socket_path;   /* a Unix origin; NULL: TCP */
        bool plain;          /* without TLS, to addresses */
        uint64_t total_usec; /* of a Unix or plain origin */
        size_t max_body;     /* what an answer may have */
        unsigned parallel;
        unsigned n_running;
        HttpTransfer *transfers; /* in order of arrival, in any state */
};

struct HttpClient {
        sd_event *event;
        CURLM *multi;
        sd_event_source *timer;   /* curl's */
        sd_event_source *deliver; /* calls handlers of what is finished */
        HttpClientLimits limits;
        HttpOrigin *origins;
        HttpTransfer *finished;
};

/* What a request of the origin may take. */
HttpClientLimits http_origin_limits(const HttpOrigin *o);

/* Prepares a transfer, in the state QUEUED and not yet linked. Return: 0, -ENOMEM, -EINVAL. */
int http_transfer_new(HttpOrigin *o, const HttpClientRequest *request, HttpClientHandler handler,
                void *userdata, HttpTransfer **ret);

/* curl must not have it any more. Return: NULL. */
HttpTransfer *http_transfer_free(HttpTransfer *t);
DEFINE_CLEANUP(HttpTransfer, http_transfer_free)

/* Notes that the transfer failed, unless it has already; sentence_take may be NULL (no memory). */
void http_transfer_fail(HttpTransfer *t, char *sentence_take);

/* Calls the handler. */
void http_transfer_deliver(HttpTransfer *t);

/* The sentence for curl's result; the caller frees it. NULL when out of memory. */
char *http_failure_describe(HttpTransfer *t, CURLcode result);
