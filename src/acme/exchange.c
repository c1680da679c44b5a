/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exchange: one request and its answer; owned by a session or an order.
 *
 * Nonces are a property of sending, not a state of the protocol above: whoever wants something
 * POSTed says so once and gets one answer, however many nonces the CA refuses meanwhile. A CA that
 * refuses nine of ten must still issue, so the limit is 160 tries or 20 seconds (ten tries would
 * fail one request of three); from the sixth on there is a short pause, because such a CA is in
 * trouble.
 */

#include "acme/exchange.h"

#include "acme/header.h"
#include "acme/json-util.h"
#include "acme/problem.h"
#include "base/timestamp.h"
#include "crypto/jws.h"

#define MAX_BAD_NONCES     160U
#define MAX_BAD_NONCE_TIME (20 * USEC_PER_SEC)
#define PATIENT_BAD_NONCES 5U
#define BAD_NONCE_PAUSE    (20 * USEC_PER_MSEC)

/* A request that only reads is sent again after these pauses. */
static const RenewUsec retry_pauses[] = { USEC_PER_SEC, 3 * USEC_PER_SEC };

/* How often a plain GET is sent on. */
#define MAX_REDIRECTS 3U

/* No pause of ours is longer; one that seems so was made before the clock was set back. */
#define MAX_PAUSE (10 * USEC_PER_SEC)

static void exchange_forget_body(Exchange *x)
{
        free(x->body);
        x->body = NULL;
}

void exchange_done(Exchange *x)
{
        free(x->url);
        free(x->payload);
        free(x->nonce);
        free(x->nonce_url);
        exchange_forget_body(x);
        *x = (Exchange){};
}

static int exchange_begin(
                Exchange *x, const char *url, const char *payload, const char *accept, bool reading)
{
        exchange_done(x);
        x->url = strdup(url);
        x->payload = payload ? strdup(payload) : NULL;
        if (!x->url || (payload && !x->payload)) {
                exchange_done(x);
                return -ENOMEM;
        }
        x->accept = accept;
        x->reading = reading;
        x->state = EXCHANGE_PREPARING;
        return 0;
}

int exchange_get(Exchange *x, const char *url)
{
        return exchange_begin(x, url, NULL, "application/json", true);
}

int exchange_post(Exchange *x, const char *url, const char *payload)
{
        return exchange_begin(x, url, payload, "application/json", false);
}

int exchange_post_as_get(Exchange *x, const char *url, const char *accept)
{
        return exchange_begin(x, url, "", accept, true); /* section 6.3: the empty string */
}

/* --- sending ---------------------------------------------------------------------------------- */

static void exchange_send(
                Exchange *x, const ExchangePeer *peer, const char *method, const char *url)
{
        size_t n = 0;

        x->headers[n++] = (RenewHeader){ "User-Agent", peer->user_agent };
        x->headers[n++] = (RenewHeader){ "Accept", x->accept };
        x->headers[n++] = (RenewHeader){ "Accept-Language", "en" };
        /* Exactly so, without parameters (section 6.2). */
        if (x->body)
                x->headers[n++] = (RenewHeader){ "Content-Type", "application/jose+json" };
        x->request = (RenewRequest){
                .method = method,
                .url = url,
                .headers = x->headers,
                .n_headers = n,
                .body = x->body,
                .body_size = x->body ? strlen(x->body) : 0,
        };
}

static int exchange_sign(Exchange *x, const ExchangePeer *peer)
{
        const JwsHeader header = { .url = x->url, .nonce = x->nonce, .kid = peer->kid };
        int r;

        exchange_forget_body(x);
        r = jws_sign(peer->key, &header, x->payload, &x->body);
        if (r < 0)
                return r;
        free(x->nonce); /* spent, whatever becomes of the request */
        x->nonce = NULL;
        return 0;
}

static int exchange_prepare(Exchange *x, const ExchangePeer *peer, RenewUsec now)
{
        int r;

        if (!x->payload) {
                exchange_send(x, peer, "GET", x->url);
                x->state = EXCHANGE_SENDING;
                return 0;
        }
        if (!x->nonce)
                x->nonce = nonce_pool_take(peer->nonces, now);
        if (!x->nonce) {
                exchange_forget_body(x);
                if (replace_string(&x->nonce_url, peer->new_nonce_url) < 0)
                        return -ENOMEM;
                exchange_send(x, peer, "HEAD", x->nonce_url);
                x->state = EXCHANGE_GETTING_NONCE;
                return 0;
        }
        r = exchange_sign(x, peer);
        if (r < 0)
                return r;
        exchange_send(x, peer, "POST", x->url);
        x->state = EXCHANGE_SENDING;
        return 0;
}

int exchange_step(Exchange *x, const ExchangePeer *peer, RenewUsec now, RenewStep *ret_step)
{
        if (x->state == EXCHANGE_PAUSING) {
                x->pause_until = MIN(x->pause_until, usec_add(now, MAX_PAUSE));
                if (now < x->pause_until) {
                        *ret_step = (RenewStep){ .action = RENEW_ACTION_WAIT,
                                .until = x->pause_until };
                        return 0;
                }
                x->state = EXCHANGE_PREPARING;
        }
        if (x->state == EXCHANGE_PREPARING) {
                int r = exchange_prepare(x, peer, now);

                if (r < 0)
                        return r;
        }
        assert(exchange_is_under_way(x));
        *ret_step = (RenewStep){ .action = RENEW_ACTION_SEND, .request = &x->request };
        return 0;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void exchange_pause(Exchange *x, RenewUsec until)
{
        x->pause_until = until;
        x->state = EXCHANGE_PAUSING;
}

static int exchange_fail(Exchange *x, RenewProblem *problem_take, RenewProblem **ret_problem)
{
        x->state = EXCHANGE_IDLE;
        if (!problem_take)
                return -ENOMEM;
        *ret_problem = problem_take;
        return EXCHANGE_E_FAILED;
}

/* Whether there is another try in it for a request that met trouble on the way or at the CA. */
static bool exchange_try_again(Exchange *x, RenewUsec now)
{
        if (x->n_failures >= ELEMENTSOF(retry_pauses))
                return false;
        /* Asking for a nonce changes nothing, whatever it is for. */
        if (!x->reading && x->state != EXCHANGE_GETTING_NONCE)
                return false;
        exchange_pause(x, usec_add(now, retry_pauses[x->n_failures++]));
        return true;
}

static int exchange_on_bad_nonce(Exchange *x, const ExchangePeer *peer, RenewUsec now,
                const char *where, char *nonce_take, RenewProblem **ret_problem)
{
        unsigned spread = nonce_take ? (unsigned char) nonce_take[strlen(nonce_take) / 2] % 16 : 0;

        free(x->nonce);
        x->nonce = nonce_take; /* section 6.5: the one of this very answer */
        if (!nonce_take)
                nonce_pool_done(peer->nonces); /* no better than the one refused: ask for another */
        if (x->n_bad_nonces++ == 0)
                x->first_bad_nonce = now;
        if (x->n_bad_nonces >= MAX_BAD_NONCES ||
                        usec_sub(now, x->first_bad_nonce) >= MAX_BAD_NONCE_TIME)
                return exchange_fail(x,
                                problem_new(RENEW_PROBLEM_TRANSPORT, where,
                                                "the CA refused %u nonces in a row, all of them "
                                                "its own",
                                                x->n_bad_nonces),
                                ret_problem);
        if (x->n_bad_nonces > PATIENT_BAD_NONCES)
                exchange_pause(x, now + BAD_NONCE_PAUSE + spread * USEC_PER_MSEC);
        else
                x->state = EXCHANGE_PREPARING;
        return EXCHANGE_E_AGAIN;
}

/* What is wanted of newNonce is its header; any 2xx will do (section 7.2). */
static int exchange_on_nonce(Exchange *x, RenewUsec now, const RenewResponse *response,
                char *nonce_take, RenewProblem **ret_problem)
{
        RenewProblem *problem;

        if (response->status >= 200 && response->status < 300 && nonce_take) {
                free(x->nonce);
                x->nonce = nonce_take;
                x->state = EXCHANGE_PREPARING;
                return EXCHANGE_E_AGAIN;
        }
        free(nonce_take);
        if (response->status >= 500 && response->status != 503 && exchange_try_again(x, now))
                return EXCHANGE_E_AGAIN;
        problem = response->status >= 400 ? problem_from_response(response, now, "newNonce")
                                          : problem_new(RENEW_PROBLEM_BAD_RESPONSE, "newNonce",
                                                            "the CA answered with status %u and "
                                                            "without a usable nonce",
                                                            response->status);
        return exchange_fail(x, problem, ret_problem);
}

static bool is_bad_nonce(const RenewProblem *p)
{
        return p->type == RENEW_PROBLEM_BAD_NONCE;
}

/* Trouble of the CA itself, of which it does not say when it will be over. */
static bool is_passing_trouble(const RenewProblem *p)
{
        return p->status >= 500 && p->status != 503 && p->not_before == 0;
}

static bool is_redirect(unsigned status)
{
        return status == 301 || status == 302 || status == 307 || status == 308;
}

/* The part of a URL with a host that is before its path. */
static size_t origin_length(const char *url)
{
        const char *host = strstr(url, "://");

        return host ? (size_t) (host - url) + 3 + strcspn(host + 3, "/?#") : 0;
}

/*
 * A directory may stand elsewhere at the same CA. Only there, and only what is a plain GET: a POST is
 * signed for its URL, and who is trusted with it is not for an answer to say.
 * Return: EXCHANGE_E_AGAIN, 0 when it is the answer as it stands, -ENOMEM.
 */
static int exchange_follow(Exchange *x, const RenewResponse *response)
{
        const char *location = header_find(response, "Location");
        _cleanup_free_ char *url = NULL;
        size_t n = origin_length(x->url);

        if (x->payload || !is_redirect(response->status) || !location ||
                        x->n_redirects >= MAX_REDIRECTS)
                return 0;
        url = url_resolve(x->url, location, strlen(location));
        if (!url)
                return -ENOMEM;
        /* Where plain http is not allowed the first URL had none, and the origin is the same. */
        if (!url_is_usable(url, true) || n == 0 || origin_length(url) != n ||
                        strncasecmp(url, x->url, n) != 0)
                return 0;
        x->n_redirects++;
        free(x->url);
        x->url = TAKE_PTR(url);
        x->state = EXCHANGE_PREPARING;
        return EXCHANGE_E_AGAIN;
}

int exchange_feed_response(Exchange *x, const ExchangePeer *peer, RenewUsec now, const char *where,
                const RenewResponse *response, RenewProblem **ret_problem)
{
        _cleanup_(problem_freep) RenewProblem *problem = NULL;
        _cleanup_free_ char *nonce = NULL;
        int r;

        if (!exchange_is_under_way(x))
                return -EINVAL;
        r = nonce_from_response(response, &nonce);
        if (r < 0)
                return r;
        if (x->state == EXCHANGE_GETTING_NONCE)
                return exchange_on_nonce(x, now, response, TAKE_PTR(nonce), ret_problem);
        if (response->status >= 400) {
                problem = problem_from_response(response, now, where);
                if (!problem)
                        return -ENOMEM;
                if (is_bad_nonce(problem))
                        return exchange_on_bad_nonce(
                                        x, peer, now, where, TAKE_PTR(nonce), ret_problem);
        }
        nonce_pool_put(peer->nonces, TAKE_PTR(nonce), now);
        if (problem && is_passing_trouble(problem) && exchange_try_again(x, now))
                return EXCHANGE_E_AGAIN;
        r = exchange_follow(x, response);
        if (r != 0)
                return r;
        x->state = EXCHANGE_IDLE;
        return 0;
}

int exchange_feed_failure(Exchange *x, RenewUsec now, const char *where, const char *reason,
                RenewProblem **ret_problem)
{
        if (!exchange_is_under_way(x))
                return -EINVAL;
        if (exchange_try_again(x, now))
                return EXCHANGE_E_AGAIN;
        return exchange_fail(
                        x, problem_new(RENEW_PROBLEM_TRANSPORT, where, "%s", reason), ret_problem);
}
