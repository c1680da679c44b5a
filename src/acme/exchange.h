/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/session.h>

#include "acme/nonce.h"
#include "base/macros.h"

/*
 * One request that a session or an order wants answered, with all that its sending needs: a nonce
 * (RFC 8555 section 7.2), the signature (6.2), other nonces when the CA does not like ours (6.5),
 * and a second and third try of a request that only reads.
 */

/* Who asks whom: lent by the session with each call. */
typedef struct ExchangePeer {
        const char *user_agent;
        const char *new_nonce_url; /* NULL while only plain requests are made */
        const RenewKey *key;
        const char *kid; /* NULL: sign with "jwk" */
        NoncePool *nonces;
} ExchangePeer;

typedef enum ExchangeState {
        EXCHANGE_IDLE,
        EXCHANGE_PREPARING,     /* the next step makes the request */
        EXCHANGE_PAUSING,       /* the same, but not yet */
        EXCHANGE_GETTING_NONCE, /* HEAD newNonce is under way */
        EXCHANGE_SENDING,       /* the request is under way */
} ExchangeState;

typedef struct Exchange {
        ExchangeState state;

        /* the wish */
        char *url;
        char *payload;      /* NULL: a plain GET */
        const char *accept; /* of static storage */
        bool reading;       /* nothing changes by sending it twice */

        /* its progress */
        unsigned n_bad_nonces;
        unsigned n_failures; /* on the way, or by the CA's trouble */
        unsigned n_redirects;
        RenewUsec first_bad_nonce;
        RenewUsec pause_until;
        char *nonce;     /* to be used by the next signature */
        char *nonce_url; /* a copy: the directory may be read anew while the request is under way */
        char *body;
        RenewHeader headers[4];
        RenewRequest request;
} Exchange;

void exchange_done(Exchange *x);

/* Begins a request; a former one is forgotten. Return: 0, -ENOMEM. */
int exchange_get(Exchange *x, const char *url);
int exchange_post(Exchange *x, const char *url, const char *payload);
int exchange_post_as_get(Exchange *x, const char *url, const char *accept);

static inline bool exchange_is_idle(const Exchange *x)
{
        return x->state == EXCHANGE_IDLE;
}

/* Whether an answer is awaited. */
static inline bool exchange_is_under_way(const Exchange *x)
{
        return x->state == EXCHANGE_SENDING || x->state == EXCHANGE_GETTING_NONCE;
}

/* Fills a step of SEND or WAIT; the exchange is not idle. Return: 0, -ENOMEM, -EIO. */
int exchange_step(Exchange *x, const ExchangePeer *peer, RenewUsec now, RenewStep *ret_step);

enum {
        EXCHANGE_E_AGAIN = 1, /* dealt with here: ask for the next step */
        EXCHANGE_E_FAILED,    /* *ret_problem says why; the exchange is idle */
};

/*
 * Return: 0 when this is the answer to the wish, of whatever status but badNonce, and the exchange
 * is idle; EXCHANGE_E_AGAIN, EXCHANGE_E_FAILED; -ENOMEM, -EINVAL when nothing is under way.
 *
 * @where  for the problem: the name of the request
 */
int exchange_feed_response(Exchange *x, const ExchangePeer *peer, RenewUsec now, const char *where,
                const RenewResponse *response, RenewProblem **ret_problem);

/* The same for a request that failed on the way. Return: EXCHANGE_E_AGAIN, EXCHANGE_E_FAILED,
 * -ENOMEM, -EINVAL. */
int exchange_feed_failure(Exchange *x, RenewUsec now, const char *where, const char *reason,
                RenewProblem **ret_problem);
