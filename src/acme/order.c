/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RenewOrder: one order, driven by its caller (RFC 8555 section 7.4). Here are its life and what
 * the caller tells it; what it wants next is in order-step.c, what each answer of the CA means in
 * order-answer.c and order-authz.c, the states and their edges in order-state.c.
 *
 * Three things hold in each state, and so they are not states of their own:
 * - what must survive a crash is saved before anything else is asked for (save_wanted);
 * - no request goes out without an account: the session comes first, also when it lost its account
 * half way;
 * - a token that may be visible is in .tokens until it was taken away, and both ends lead past it.
 */

#include "acme/order.h"

#include "acme/problem.h"
#include "acme/session.h"
#include "base/strv.h"
#include "base/timestamp.h"

void order_set_state(RenewOrder *o, OrderState state)
{
        assert(o->state == state || order_state_may_follow(o->state, state));
        o->state = state;
}

/* --- its life --------------------------------------------------------------------------------- */

/* What belongs to the order at the CA, but for the tokens that were presented for it. */
static void order_forget_object(RenewOrder *o)
{
        for (size_t i = 0; i < o->n_authzs; i++)
                authz_done(&o->authzs[i]);
        free(o->authzs);
        free(o->url);
        free(o->account);
        free(o->finalize_url);
        free(o->certificate_url);
        (void) problem_free(o->error);
        o->authzs = NULL;
        o->n_authzs = 0;
        o->url = o->account = o->finalize_url = o->certificate_url = NULL;
        o->error = NULL;
        o->expires = o->until = o->deadline = 0;
        o->current = 0;
        o->was_authorized = o->save_wanted = o->resumed = false;
}

RENEW_PUBLIC RenewOrder *renew_order_free(RenewOrder *o)
{
        if (!o)
                return NULL;
        exchange_done(&o->exchange);
        order_forget_object(o);
        order_forget_tokens(o);
        for (size_t i = 0; i < o->n_identifiers; i++)
                free((void *) (uintptr_t) o->identifiers[i].value);
        free(o->identifiers);
        free(o->challenge_type);
        free(o->profile);
        free(o->replaces);
        free(o->preferred_chain);
        free(o->saved);
        strv_free(o->alternates);
        (void) renew_chain_free(o->chain);
        (void) problem_free(o->problem);
        (void) renew_key_unref(o->key);
        (void) renew_session_unref(o->session);
        free(o);
        return NULL;
}
DEFINE_CLEANUP(RenewOrder, renew_order_free)

static int copy_string(const char *s, char **ret)
{
        if (!s)
                return 0;
        *ret = strdup(s);
        return *ret ? 0 : -ENOMEM;
}

static int order_copy_options(RenewOrder *o, const RenewOrderOptions *options)
{
        int r;

        o->identifiers = calloc(options->n_identifiers, sizeof(*o->identifiers));
        if (!o->identifiers)
                return -ENOMEM;
        for (size_t i = 0; i < options->n_identifiers; i++) {
                char *value = strdup(options->identifiers[i].value);

                if (!value)
                        return -ENOMEM;
                o->identifiers[o->n_identifiers++] = (RenewIdentifier){
                        .type = options->identifiers[i].type, .value = value
                };
        }
        o->profile_required = options->profile_required;
        r = copy_string(options->challenge_type, &o->challenge_type);
        if (r == 0)
                r = copy_string(options->profile, &o->profile);
        if (r == 0)
                r = copy_string(options->replaces, &o->replaces);
        return r < 0 ? r : copy_string(options->preferred_chain, &o->preferred_chain);
}

RENEW_PUBLIC int renew_order_new(RenewSession *session, RenewKey *key,
                const RenewOrderOptions *options, RenewOrder **ret_order)
{
        _cleanup_(renew_order_freep) RenewOrder *o = NULL;
        int r;

        /* Section 11.1: a certificate's key is never an account's. */
        if (options->n_identifiers == 0 || renew_key_equal(key, session_key(session)))
                return -EINVAL;
        o = calloc(1, sizeof(*o));
        if (!o)
                return -ENOMEM;
        o->session = renew_session_ref(session);
        o->key = renew_key_ref(key);
        r = order_copy_options(o, options);
        if (r == 0 && options->state)
                r = order_parse_state(o, options->state);
        if (r != 0)
                return r;
        o->resumed = options->state != NULL;
        o->state = o->certificate_url ? ORDER_DOWNLOADING : o->url ? ORDER_READING : ORDER_ORDERING;
        *ret_order = TAKE_PTR(o);
        return 0;
}

/* --- ends ------------------------------------------------------------------------------------- */

int order_fail(RenewOrder *o, RenewProblem *problem_take, bool over)
{
        exchange_done(&o->exchange);
        (void) problem_free(o->problem);
        o->problem = problem_take;
        o->over = over || !o->url;
        o->save_wanted = o->save_wanted && !o->over;
        o->outcome = ORDER_FAILED;
        order_set_state(o, ORDER_RETRACTING);
        return problem_take ? 0 : -ENOMEM;
}

int order_start_over(RenewOrder *o)
{
        exchange_done(&o->exchange);
        order_forget_object(o);
        order_set_state(o, ORDER_ORDERING);
        return 0;
}

int order_begin_anew(RenewOrder *o)
{
        const char *current = renew_session_account_url(o->session);

        if (o->begun_anew)
                return order_fail(o,
                                problem_new(RENEW_PROBLEM_ACCOUNT_DOES_NOT_EXIST, order_where(o),
                                                "the CA forgot our account twice in a row"),
                                true);
        o->begun_anew = true;
        /* Another order of this session may have noticed before us. */
        if (o->account && current && streq(o->account, current))
                session_forget_account(o->session);
        return order_start_over(o); /* the order was the lost account's */
}

RENEW_PUBLIC void renew_order_cancel(RenewOrder *o)
{
        if (o->state == ORDER_RETRACTING || o->state == ORDER_DONE || o->state == ORDER_FAILED)
                return;
        /* Without memory for the reason it is given up all the same. */
        (void) order_fail(o,
                        problem_new(RENEW_PROBLEM_TRANSPORT, order_where(o),
                                        "given up by the caller"),
                        false);
}

/* --- events ----------------------------------------------------------------------------------- */

RENEW_PUBLIC int renew_order_feed_response(
                RenewOrder *o, RenewUsec now, const RenewResponse *response)
{
        ExchangePeer peer = session_peer(o->session);
        RenewProblem *problem = NULL;
        int r = exchange_feed_response(
                        &o->exchange, &peer, now, order_where(o), response, &problem);

        if (r < 0)
                return r;
        if (r == EXCHANGE_E_AGAIN)
                return 0;
        return r == EXCHANGE_E_FAILED ? order_on_failure(o, now, problem)
                                      : order_on_response(o, now, response);
}

RENEW_PUBLIC int renew_order_feed_failure(RenewOrder *o, RenewUsec now, const char *reason)
{
        RenewProblem *problem = NULL;
        int r = exchange_feed_failure(&o->exchange, now, order_where(o), reason, &problem);

        if (r == EXCHANGE_E_FAILED)
                return order_on_failure(o, now, problem);
        return r == EXCHANGE_E_AGAIN ? 0 : r;
}

RENEW_PUBLIC int renew_order_feed_saved(RenewOrder *o)
{
        if (!o->save_wanted)
                return -EINVAL;
        o->save_wanted = false;
        return 0;
}

RENEW_PUBLIC int renew_order_feed_presented(RenewOrder *o, RenewUsec now, const char *reason)
{
        PresentedToken *t = order_find_wanted(o);

        if (o->state != ORDER_PRESENTING || !t)
                return -EINVAL;
        t->wanted = false;
        t->visible = true; /* a part of it may be, if it failed */
        if (!reason)
                return 0;
        return order_fail(o,
                        problem_new(RENEW_PROBLEM_CHALLENGE, "challenge",
                                        "cannot answer for %s: %s", t->name, reason),
                        false);
}

RENEW_PUBLIC int renew_order_feed_retracted(RenewOrder *o)
{
        PresentedToken *t = order_find_visible(o);

        if (o->state != ORDER_RETRACTING || !t)
                return -EINVAL;
        order_forget_token(o, t);
        return 0;
}

RENEW_PUBLIC void renew_order_feed_validation_seen(RenewOrder *o, RenewUsec now, const char *token)
{
        for (size_t i = 0; i < o->n_authzs; i++)
                if (o->authzs[i].token && streq(o->authzs[i].token, token))
                        o->authzs[i].seen = true;
        if (o->state == ORDER_VALIDATING && o->n_polls == 0 && order_was_seen(o))
                o->until = MIN(o->until, usec_add(now, SEEN_PAUSE));
}

RENEW_PUBLIC int renew_order_feed_session_failed(RenewOrder *o)
{
        const RenewProblem *problem = renew_session_problem(o->session);

        if (!problem || o->state == ORDER_RETRACTING || o->state == ORDER_DONE ||
                        o->state == ORDER_FAILED)
                return -EINVAL;
        return order_fail(o, problem_copy(problem), false);
}

/* --- what others may know --------------------------------------------------------------------- */

RENEW_PUBLIC const RenewChain *renew_order_chain(const RenewOrder *o)
{
        return o->state == ORDER_DONE ? o->chain : NULL;
}

RENEW_PUBLIC const RenewProblem *renew_order_problem(const RenewOrder *o)
{
        return o->state == ORDER_FAILED ? o->problem : NULL;
}

RENEW_PUBLIC bool renew_order_is_over(const RenewOrder *o)
{
        return o->over;
}

RENEW_PUBLIC const char *renew_order_url(const RenewOrder *o)
{
        return o->url;
}

RENEW_PUBLIC const char *renew_order_state(const RenewOrder *o)
{
        return order_state_to_string(o->state);
}
