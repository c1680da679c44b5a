/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the CA's answers mean for an order: one function for each kind of answer.
 *
 * The status of the order rules (order_on_status()), never the sequence in which RFC 8555 tells the
 * story: an order may be ready when it is made, valid when it is resumed, invalid at any time.
 */

#include "acme/header.h"
#include "acme/json-util.h"
#include "acme/order.h"
#include "acme/problem.h"
#include "acme/session.h"
#include "base/limits.h"
#include "base/strv.h"
#include "base/timestamp.h"

/* How long an object that was just made may seem not to exist (a CA's copies lag behind). */
#define GRACE       USEC_PER_MIN
#define GRACE_PAUSE (3 * USEC_PER_SEC)
#define MAX_GRACE   3U

/* Between two looks at an order where the CA names no time. */
static const unsigned poll_seconds[] = { 1, 2, 3, 5, 8, 10 };

#define MIN_POLL       USEC_PER_SEC
#define MAX_POLL       (5 * USEC_PER_MIN)
#define MAX_VALIDATING (5 * USEC_PER_MIN)
#define MAX_ISSUING    (10 * USEC_PER_MIN)

/* --- trouble ---------------------------------------------------------------------------------- */

static int order_fail_with(RenewOrder *o, RenewProblem *problem_take)
{
        /* While the network or the CA is in trouble, and while somebody has to act, the order lives
         * on. */
        RenewRetry retry = problem_take ? renew_problem_retry(problem_take) : RENEW_RETRY_NETWORK;

        return order_fail(o, problem_take,
                        retry != RENEW_RETRY_NETWORK && retry != RENEW_RETRY_DAILY);
}

int order_fail_bad(RenewOrder *o, const char *what)
{
        return order_fail(o, problem_new(RENEW_PROBLEM_BAD_RESPONSE, order_where(o), "%s", what),
                        false);
}

static bool order_is_reading(const RenewOrder *o)
{
        return o->state != ORDER_ORDERING && o->state != ORDER_ANSWERING &&
               o->state != ORDER_FINALIZING;
}

/* What was made a moment ago is asked for again before its absence is believed. */
static bool order_has_grace(const RenewOrder *o, RenewUsec now, const RenewProblem *p)
{
        RenewUsec since = session_account_since(o->session);

        if (o->n_grace >= MAX_GRACE)
                return false;
        if (p->type == RENEW_PROBLEM_ACCOUNT_DOES_NOT_EXIST)
                return since > 0 && usec_sub(now, since) < GRACE;
        return p->status == 404 && order_is_reading(o) && usec_sub(now, o->made) < GRACE;
}

bool order_looks_again(RenewOrder *o, RenewUsec now)
{
        if (o->n_grace >= MAX_GRACE)
                return false;
        if (o->state == ORDER_ANSWERING) {
                o->current = (size_t) (order_find_unanswered(o) - o->authzs);
                order_set_state(o, ORDER_AUTHORIZING);
        } else if (o->state == ORDER_FINALIZING)
                order_set_state(o, ORDER_READING);
        else
                return false;
        o->n_grace++;
        o->until = usec_add(now, MIN_POLL);
        return true;
}

/* CAs move their URLs: one that leads nowhere is looked up again in the directory, once. Return:
 * whether so. */
static bool order_refreshes(RenewOrder *o, RenewUsec now, const RenewProblem *p)
{
        if (o->refreshed || (p->status != 404 && p->status != 405))
                return false;
        o->refreshed = true;
        session_refresh(o->session, now);
        return true;
}

int order_on_problem(RenewOrder *o, RenewUsec now, RenewProblem *problem_take)
{
        _cleanup_(problem_freep) RenewProblem *problem = problem_take;

        if (problem->status >= 500 && problem->not_before == 0 && order_looks_again(o, now))
                return 0;
        if (order_has_grace(o, now, problem)) {
                o->n_grace++;
                o->until = usec_add(now, GRACE_PAUSE);
                return 0;
        }
        if (problem->type == RENEW_PROBLEM_ACCOUNT_DOES_NOT_EXIST && !o->begun_anew)
                return order_begin_anew(o);
        if (problem->status == 404 && o->url) {
                /* An old order is gone as a matter of course, one that we work on is not. */
                if (o->resumed && o->state == ORDER_READING)
                        return order_start_over(o);
                problem->type = RENEW_PROBLEM_EXPIRED;
        }
        return order_fail_with(o, TAKE_PTR(problem));
}

int order_find_problem(const RenewOrder *o, RenewUsec now, const RenewResponse *response,
                RenewProblem **ret)
{
        if (response->status >= 200 && response->status < 300) {
                *ret = NULL;
                return 0;
        }
        *ret = response->status >= 400 ? problem_from_response(response, now, order_where(o))
                                       : problem_new(RENEW_PROBLEM_BAD_RESPONSE, order_where(o),
                                                         "the CA answered with status %u, which "
                                                         "has no meaning here",
                                                         response->status);
        return *ret ? 0 : -ENOMEM;
}

/* --- the order object ------------------------------------------------------------------------- */

/* Keeps a URL that the object has, unless it has none now but had one before. Return: 0, -ENOMEM,
 * -EINVAL. */
static int keep_url(const RenewOrder *o, const json_t *object, const char *key, char **url)
{
        const char *value = json_object_string(object, key);

        if (!value)
                return 0;
        return url_is_usable(value, session_takes_plain_http(o->session))
                               ? replace_string(url, value)
                               : -EINVAL;
}

static int order_read_authorizations(RenewOrder *o, const json_t *array)
{
        size_t n = json_array_size(array);

        /* Section 7.1.3: they never change. */
        if (o->n_authzs > 0 || n == 0)
                return 0;
        if (n > LIMIT_NAMES)
                return -EINVAL;
        o->authzs = calloc(n, sizeof(*o->authzs));
        if (!o->authzs)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                const char *url = json_string_value(json_array_get(array, i));

                if (!url || !url_is_usable(url, session_takes_plain_http(o->session)))
                        return -EINVAL;
                o->authzs[o->n_authzs].url = strdup(url);
                if (!o->authzs[o->n_authzs++].url)
                        return -ENOMEM;
        }
        return 0;
}

static int order_read_object(RenewOrder *o, const json_t *object)
{
        const char *expires = json_object_string(object, "expires");
        const json_t *error = json_object_get(object, "error");
        int r = keep_url(o, object, "finalize", &o->finalize_url);

        if (r == 0)
                r = keep_url(o, object, "certificate", &o->certificate_url);
        if (r == 0)
                r = order_read_authorizations(o, json_object_get(object, "authorizations"));
        if (r < 0)
                return r;
        if (expires)
                (void) timestamp_parse(expires, &o->expires); /* unreadable: none */
        if (json_is_object(error)) {
                (void) problem_free(o->error);
                o->error = problem_from_json(error, "order");
                if (!o->error)
                        return -ENOMEM;
        }
        return 0;
}

/* When to look again: as the CA asks, else less and less often. */
static void order_plan_poll(RenewOrder *o, RenewUsec now, const RenewResponse *response)
{
        RenewUsec asked = header_retry_after(response, now);
        unsigned i = MIN(o->n_polls, (unsigned) ELEMENTSOF(poll_seconds) - 1);

        o->n_polls++;
        o->until = asked > 0 ? MIN(MAX(asked, usec_add(now, MIN_POLL)), usec_add(now, MAX_POLL))
                             : usec_add(now, poll_seconds[i] * USEC_PER_SEC);
}

static int order_on_pending(RenewOrder *o, RenewUsec now, const RenewResponse *response)
{
        if (!o->was_authorized) {
                if (o->n_authzs == 0)
                        return order_fail_bad(o, "the order names no authorizations");
                o->current = 0;
                order_set_state(o, ORDER_AUTHORIZING);
                return 0;
        }
        if (o->state != ORDER_VALIDATING) {
                o->n_polls = 0;
                o->deadline = usec_add(now, MAX_VALIDATING);
        }
        order_plan_poll(o, now, response);
        order_set_state(o, ORDER_VALIDATING);
        return 0;
}

/* The CSR is handed in, or the CA is busy with it. */
static int order_on_ready(
                RenewOrder *o, RenewUsec now, const RenewResponse *response, OrderState state)
{
        bool first = o->state != ORDER_FINALIZING && o->state != ORDER_ISSUING;

        if (!o->finalize_url)
                return order_fail_bad(o, "the order has no usable finalize URL");
        if (first) {
                o->n_polls = 0;
                o->deadline = usec_add(now, MAX_ISSUING);
        }
        o->was_authorized = true;
        if (first && state == ORDER_FINALIZING)
                o->until = 0;
        else
                order_plan_poll(o, now, response);
        order_set_state(o, state);
        return 0;
}

static int order_on_valid(RenewOrder *o)
{
        if (!o->certificate_url)
                return order_fail_bad(o, "the order is valid and has no usable certificate URL");
        o->current = 0;
        o->until = 0;
        o->save_wanted = true;
        order_set_state(o, ORDER_DOWNLOADING);
        return 0;
}

static int order_on_status(
                RenewOrder *o, RenewUsec now, const RenewResponse *response, const char *status)
{
        if (streq(status, "pending"))
                return order_on_pending(o, now, response);
        if (streq(status, "ready"))
                /* Ready once more after the CSR was handed in: in doubt the CA has not seen it. */
                return order_on_ready(o, now, response,
                                o->state == ORDER_FINALIZING ? ORDER_ISSUING : ORDER_FINALIZING);
        if (streq(status, "processing"))
                return order_on_ready(o, now, response, ORDER_ISSUING);
        if (streq(status, "valid"))
                return order_on_valid(o);
        /* "invalid", and whatever we do not know is as good as that. */
        o->current = 0;
        o->until = 0;
        order_set_state(o, ORDER_EXPLAINING);
        return 0;
}

/* Any answer that holds the order. */
static int order_on_object(
                RenewOrder *o, RenewUsec now, const RenewResponse *response, const json_t *object)
{
        const char *status = json_object_string(object, "status");
        int r = order_read_object(o, object);

        if (r == -EINVAL)
                return order_fail_bad(o, "the order has a URL that is not https, or too many "
                                         "authorizations");
        if (r < 0)
                return r;
        if (!status && o->state == ORDER_ORDERING)
                status = "pending"; /* some CAs leave it out of the first answer */
        if (!status)
                return order_fail_bad(o, "the order has no status");
        return order_on_status(o, now, response, status);
}

/* Whether a CA that is busy may have time for us while we wait for it anyway: giving up would take
 * the tokens away under its eyes. */
static bool order_may_wait(const RenewOrder *o, RenewUsec now, const RenewProblem *p)
{
        if (o->state != ORDER_VALIDATING && o->state != ORDER_ISSUING)
                return false;
        return p->not_before > 0 ? p->not_before <= MIN(usec_add(now, MAX_POLL), o->deadline)
                                 : p->status == 503;
}

static int order_on_read(RenewOrder *o, RenewUsec now, const RenewResponse *response)
{
        _cleanup_json_ json_t *object = NULL;
        RenewProblem *problem;
        int r = order_find_problem(o, now, response, &problem);

        if (r < 0)
                return r;
        if (problem && order_may_wait(o, now, problem)) {
                (void) problem_free(problem);
                order_plan_poll(o, now, response);
                return 0;
        }
        if (problem)
                return order_on_problem(o, now, problem);
        r = json_from_response(response, &object);
        if (r == -EBADMSG)
                return order_fail_bad(o, "the CA's answer is no order");
        return r < 0 ? r : order_on_object(o, now, response, object);
}

int order_on_timeout(RenewOrder *o)
{
        (void) problem_free(o->error);
        o->error = problem_new(RENEW_PROBLEM_TIMED_OUT, "order",
                        "the CA did not decide in time while %s", order_state_to_string(o->state));
        if (!o->error)
                return -ENOMEM;
        o->current = 0;
        o->until = 0;
        order_set_state(o, ORDER_EXPLAINING);
        return 0;
}

/* --- newOrder --------------------------------------------------------------------------------- */

/* Whether a refusal may be on account of "replaces" (RFC 9773 section 5); CAs do not say so in one
 * way. */
static bool may_blame_replaces(const RenewProblem *p)
{
        if (p->not_before > 0 || p->status == 503)
                return false;
        switch ((int) p->type) {
        case RENEW_PROBLEM_BAD_NONCE:
        case RENEW_PROBLEM_RATE_LIMITED:
        case RENEW_PROBLEM_PAUSED:
        case RENEW_PROBLEM_USER_ACTION_REQUIRED:
        case RENEW_PROBLEM_ACCOUNT_DOES_NOT_EXIST:
        case RENEW_PROBLEM_REJECTED_IDENTIFIER:
        case RENEW_PROBLEM_UNSUPPORTED_IDENTIFIER:
        case RENEW_PROBLEM_INVALID_PROFILE:
                return false;
        default:
                return true;
        }
}

static void forget(char **s)
{
        free(*s);
        *s = NULL;
}

static int order_on_refused(RenewOrder *o, RenewUsec now, RenewProblem *problem_take)
{
        _cleanup_(problem_freep) RenewProblem *problem = problem_take;

        /* With a predecessor a 404 may be about that; a CA says so in a problem document. */
        if ((!o->replaces || problem->type == RENEW_PROBLEM_UNKNOWN) &&
                        order_refreshes(o, now, problem))
                return 0;
        if (problem->type == RENEW_PROBLEM_INVALID_PROFILE && o->profile && !o->profile_required) {
                forget(&o->profile);
                return 0; /* once more without */
        }
        if (o->replaces && may_blame_replaces(problem)) {
                forget(&o->replaces);
                return 0;
        }
        /* Here it is about us, not about a name. */
        if (problem->type == RENEW_PROBLEM_UNAUTHORIZED)
                problem->type = RENEW_PROBLEM_CONFIGURATION;
        return order_on_problem(o, now, TAKE_PTR(problem));
}

static int order_on_made(RenewOrder *o, RenewUsec now, const RenewResponse *response)
{
        const char *location = header_find(response, "Location");
        _cleanup_json_ json_t *object = NULL;
        const json_t *identifiers;
        RenewProblem *problem;
        int r = order_find_problem(o, now, response, &problem);

        if (r < 0)
                return r;
        if (problem)
                return order_on_refused(o, now, problem);
        r = json_from_response(response, &object);
        if (r == -EBADMSG)
                return order_fail_bad(o, "the CA's answer is no order");
        if (r < 0)
                return r;
        if (!location || !url_is_usable(location, session_takes_plain_http(o->session)))
                return order_fail_bad(o, "the CA gave the order no usable URL (Location)");
        identifiers = json_object_get(object, "identifiers");
        if (identifiers && !order_has_identifiers(o, identifiers))
                return order_fail_bad(
                                o, "the CA made an order for other names than those asked for");
        if (replace_string(&o->url, location) < 0)
                return -ENOMEM;
        o->made = now;
        o->save_wanted = true;
        return order_on_object(o, now, response, object);
}

/* --- finalize and certificate ----------------------------------------------------------------- */

static int order_on_finalized(RenewOrder *o, RenewUsec now, const RenewResponse *response)
{
        RenewProblem *problem;
        int r = order_find_problem(o, now, response, &problem);

        if (r < 0)
                return r;
        if (!problem)
                return order_on_read(o, now, response);
        if (problem->type == RENEW_PROBLEM_INVALID_PROFILE && o->profile && !o->profile_required) {
                (void) problem_free(problem);
                forget(&o->profile);
                return order_start_over(o);
        }
        if (problem->type != RENEW_PROBLEM_ORDER_NOT_READY || !order_looks_again(o, now))
                return order_on_problem(o, now, problem);
        (void) problem_free(problem);
        return 0;
}

static void order_finish(RenewOrder *o)
{
        o->outcome = ORDER_DONE;
        order_set_state(o, ORDER_RETRACTING);
}

/* The next alternate, or the end with what there is. */
static int order_next_chain(RenewOrder *o)
{
        bool match = !o->preferred_chain ||
                     streq(renew_chain_top_issuer(o->chain), o->preferred_chain);

        if (match || o->current >= strv_length(o->alternates))
                order_finish(o);
        else
                o->current++;
        return 0;
}

/*
 * Ended, or not valid yet, by our clock and not by the CA's: that may be us. The order lives on
 * then, so that the next attempt fetches the same certificate and does not order another.
 */
static bool clocks_disagree(const RenewChain *chain, RenewUsec now, const RenewResponse *response)
{
        RenewUsec theirs = header_date(response);

        return chain && theirs > 0 && renew_chain_not_before(chain) <= theirs &&
               renew_chain_not_after(chain) > theirs &&
               (renew_chain_not_before(chain) > usec_add(now, USEC_PER_HOUR) ||
                               renew_chain_not_after(chain) <= now);
}

static int order_fail_certificate(RenewOrder *o, const char *reason, bool clock)
{
        return order_fail(o,
                        problem_new(RENEW_PROBLEM_BAD_CERTIFICATE, "certificate",
                                        "the CA's certificate is not used: %s%s", reason,
                                        clock ? "; the CA's clock says otherwise" : ""),
                        !clock);
}

/* Whether it is meant to be one. A text that is one is taken as such whatever its type. */
static bool says_certificate(const RenewResponse *response)
{
        static const char type[] = "application/pem-certificate-chain";
        const char *got = header_find(response, "Content-Type");

        return got && strncasecmp(got, type, strlen(type)) == 0;
}

static int order_on_chain(RenewOrder *o, RenewUsec now, const RenewResponse *response)
{
        _cleanup_free_ char *reason = NULL;
        RenewChain *chain = NULL;
        bool clock;
        int r = renew_chain_from_pem(response->body, response->body_size, &chain, &reason);

        if (r == 0) {
                r = renew_chain_check(
                                chain, o->key, o->identifiers, o->n_identifiers, now, &reason);
                if (r == 0 && o->current > 0 &&
                                !streq(renew_chain_top_issuer(chain), o->preferred_chain))
                        r = RENEW_E_BAD_CERTIFICATE; /* an alternate that is not the one either */
        }
        clock = r > 0 && clocks_disagree(chain, now, response);
        if (r != 0)
                (void) renew_chain_free(chain);
        if (r < 0)
                return r;
        if (r > 0 && o->current > 0)
                return order_next_chain(o);
        if (r > 0)
                return r == RENEW_E_BAD_PEM && !says_certificate(response)
                                       ? order_fail_bad(o, "the CA's answer is no certificate")
                                       : order_fail_certificate(o, reason, clock);
        (void) renew_chain_free(o->chain);
        o->chain = chain;
        if (o->current == 0) {
                r = header_links(response, "alternate", o->certificate_url,
                                session_takes_plain_http(o->session), &o->alternates);
                if (r < 0)
                        return r;
        }
        return order_next_chain(o);
}

static int order_on_certificate(RenewOrder *o, RenewUsec now, const RenewResponse *response)
{
        RenewProblem *problem;
        int r = order_find_problem(o, now, response, &problem);

        if (r < 0)
                return r;
        if (!problem)
                return order_on_chain(o, now, response);
        if (o->current == 0)
                return order_on_problem(o, now, problem);
        (void) problem_free(problem);
        return order_next_chain(o);
}

/* --- all of them ------------------------------------------------------------------------------ */

int order_on_failure(RenewOrder *o, RenewUsec now, RenewProblem *problem_take)
{
        /* Only newNonce fails here with a status. */
        if (order_refreshes(o, now, problem_take) || order_looks_again(o, now)) {
                (void) problem_free(problem_take);
                return 0;
        }
        if (o->state != ORDER_EXPLAINING && (o->state != ORDER_DOWNLOADING || o->current == 0))
                return order_fail_with(o, problem_take);
        /* A reason that cannot be read, an alternate chain that cannot be had: we do without. */
        (void) problem_free(problem_take);
        if (o->state == ORDER_DOWNLOADING)
                return order_next_chain(o);
        o->current++;
        return 0;
}

int order_on_response(RenewOrder *o, RenewUsec now, const RenewResponse *response)
{
        switch (o->state) {
        case ORDER_ORDERING:
                return order_on_made(o, now, response);
        case ORDER_READING:
        case ORDER_VALIDATING:
        case ORDER_ISSUING:
                return order_on_read(o, now, response);
        case ORDER_AUTHORIZING:
        case ORDER_EXPLAINING:
                return order_on_authorization(o, now, response);
        case ORDER_ANSWERING:
                return order_on_challenge(o, now, response);
        case ORDER_FINALIZING:
                return order_on_finalized(o, now, response);
        case ORDER_DOWNLOADING:
                return order_on_certificate(o, now, response);
        case ORDER_PRESENTING:
        case ORDER_RETRACTING:
        case ORDER_DONE:
        case ORDER_FAILED:
                break;
        }
        assert_not_reached();
}
