/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RenewOrder: one order, driven by its caller (RFC 8555 section 7.4). The states and their edges
 * are in order-state.c, what each answer of the CA means in order-answer.c; here is what is wanted
 * next.
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
#include "base/text.h"
#include "base/timestamp.h"

/* The first look at an order whose challenges were answered: when the CA's validation came by (it
 * needs a moment to judge what it read), or after a while where nobody tells (section 7.5.1). */
#define SEEN_PAUSE   (50 * USEC_PER_MSEC)
#define UNSEEN_PAUSE (5 * USEC_PER_SEC)

/* The longest that a CA's Retry-After makes us wait within an issuance. */
#define MAX_WAIT (5 * USEC_PER_MIN)

void order_set_state(RenewOrder *o, OrderState state)
{
        assert(o->state == state || order_state_may_follow(o->state, state));
        o->state = state;
}

/* --- its life --------------------------------------------------------------------------------- */

static void token_done(PresentedToken *t)
{
        free(t->name);
        free(t->token);
        free(t->key_authorization);
}

static void order_forget_tokens(RenewOrder *o)
{
        for (size_t i = 0; i < o->n_tokens; i++)
                token_done(&o->tokens[i]);
        free(o->tokens);
}

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

/* --- tokens ----------------------------------------------------------------------------------- */

static PresentedToken *order_find_wanted(const RenewOrder *o)
{
        for (size_t i = 0; i < o->n_tokens; i++)
                if (o->tokens[i].wanted)
                        return &o->tokens[i];
        return NULL;
}

static PresentedToken *order_find_visible(const RenewOrder *o)
{
        for (size_t i = 0; i < o->n_tokens; i++)
                if (o->tokens[i].visible)
                        return &o->tokens[i];
        return NULL;
}

/* The one that is known, or a new one. NULL when out of memory. */
static PresentedToken *order_know_token(
                RenewOrder *o, RenewIdentifierType type, const char *name, const char *token)
{
        PresentedToken t = { .type = type }, *list;

        for (size_t i = 0; i < o->n_tokens; i++)
                if (streq(o->tokens[i].token, token) && streq(o->tokens[i].name, name))
                        return &o->tokens[i];
        list = reallocarray(o->tokens, o->n_tokens + 1, sizeof(*list));
        if (!list)
                return NULL;
        o->tokens = list;
        t.name = strdup(name);
        t.token = strdup(token);
        if (!t.name || !t.token) {
                token_done(&t);
                return NULL;
        }
        list[o->n_tokens] = t;
        return &list[o->n_tokens++];
}

int order_recall_token(RenewOrder *o, RenewIdentifierType type, const char *name, const char *token)
{
        PresentedToken *t = order_know_token(o, type, name, token);

        if (!t)
                return -ENOMEM;
        t->visible = true;
        return 0;
}

/* Has the token of an authorization presented, unless this life did so already. Return: 0,
 * -ENOMEM. */
static int order_want_token(RenewOrder *o, const Authz *a)
{
        PresentedToken *t = order_know_token(o, a->type, a->name, a->token);

        if (!t)
                return -ENOMEM;
        if (t->key_authorization)
                return 0;
        t->key_authorization = text_format(
                        "%s.%s", t->token, renew_key_thumbprint(session_key(o->session)));
        if (!t->key_authorization)
                return -ENOMEM;
        t->wanted = true;
        return 0;
}

static void order_step_challenge(
                RenewOrder *o, const PresentedToken *t, RenewAction action, RenewStep *ret_step)
{
        o->challenge = (RenewChallenge){
                .type = o->challenge_type,
                .identifier = { .type = t->type, .value = t->name },
                .token = t->token,
                .key_authorization = t->key_authorization,
        };
        *ret_step = (RenewStep){ .action = action, .challenge = &o->challenge };
}

/* --- states that end without a request -------------------------------------------------------- */

/* All authorizations were read: whatever is not valid yet is to be proved. Return: 0, -ENOMEM. */
static int order_on_authorizations(RenewOrder *o)
{
        for (size_t i = 0; i < o->n_authzs; i++) {
                const Authz *a = &o->authzs[i];
                int r;

                if (a->status != AUTHZ_PENDING)
                        continue;
                if (!a->challenge_url)
                        return order_fail(o,
                                        problem_new(RENEW_PROBLEM_CHALLENGE, "authorization",
                                                        "the CA offers no %s challenge for %s",
                                                        o->challenge_type, a->name),
                                        true);
                r = order_want_token(o, a);
                if (r < 0)
                        return r;
        }
        if (order_find_wanted(o))
                o->save_wanted = true; /* a crash must not leave tokens that nobody knows of */
        order_set_state(o, ORDER_PRESENTING);
        return 0;
}

Authz *order_find_unanswered(const RenewOrder *o)
{
        for (size_t i = 0; i < o->n_authzs; i++) {
                Authz *a = &o->authzs[i];

                if (a->status == AUTHZ_PENDING && !a->processing && !a->answered)
                        return a;
        }
        return NULL;
}

static bool order_was_seen(const RenewOrder *o)
{
        for (size_t i = 0; i < o->n_authzs; i++)
                if (o->authzs[i].status == AUTHZ_PENDING && !o->authzs[i].seen)
                        return false;
        return true;
}

static void order_on_answered(RenewOrder *o, RenewUsec now)
{
        o->was_authorized = true;
        o->n_polls = 0;
        o->until = usec_add(now, order_was_seen(o) ? SEEN_PAUSE : UNSEEN_PAUSE);
        o->deadline = usec_add(now, MAX_WAIT);
        order_set_state(o, ORDER_VALIDATING);
}

/* An authorization was invalid, or none was and the CA just took too long. */
static int order_on_explained(RenewOrder *o)
{
        RenewProblem *problem = TAKE_PTR(o->error);
        bool over = !problem || problem->type != RENEW_PROBLEM_TIMED_OUT;

        if (!problem)
                problem = problem_new(RENEW_PROBLEM_UNKNOWN, "order",
                                "the CA calls the order invalid and gives no reason");
        return order_fail(o, problem, over);
}

/*
 * Passes through everything that needs no request.
 * Return: >0 when the step is filled, 0 when a request is wanted, -ENOMEM.
 */
static int order_step_quiet(RenewOrder *o, RenewUsec now, RenewStep *ret_step)
{
        PresentedToken *t;
        int r;

        for (;;) {
                switch (o->state) {
                case ORDER_AUTHORIZING:
                        if (o->current < o->n_authzs)
                                return 0;
                        r = order_on_authorizations(o);
                        if (r < 0)
                                return r;
                        break;
                case ORDER_PRESENTING:
                        t = o->save_wanted ? NULL : order_find_wanted(o);
                        if (t) {
                                order_step_challenge(o, t, RENEW_ACTION_PRESENT, ret_step);
                                return 1;
                        }
                        if (o->save_wanted)
                                return 0;
                        order_set_state(o, ORDER_ANSWERING);
                        break;
                case ORDER_ANSWERING:
                        if (order_find_unanswered(o))
                                return 0;
                        order_on_answered(o, now);
                        return 0;
                case ORDER_EXPLAINING:
                        if (o->current < o->n_authzs)
                                return 0;
                        r = order_on_explained(o);
                        if (r < 0)
                                return r;
                        break;
                case ORDER_RETRACTING:
                        t = o->save_wanted ? NULL : order_find_visible(o);
                        if (t) {
                                order_step_challenge(o, t, RENEW_ACTION_RETRACT, ret_step);
                                return 1;
                        }
                        if (o->save_wanted)
                                return 0;
                        order_set_state(o, o->outcome);
                        break;
                case ORDER_DONE:
                case ORDER_FAILED:
                        *ret_step = (RenewStep){ .action = o->state == ORDER_DONE
                                                                           ? RENEW_ACTION_DONE
                                                                           : RENEW_ACTION_FAILED };
                        return 1;
                case ORDER_ORDERING:
                case ORDER_READING:
                case ORDER_VALIDATING:
                case ORDER_FINALIZING:
                case ORDER_ISSUING:
                case ORDER_DOWNLOADING:
                        return 0;
                }
        }
}

/* --- requests --------------------------------------------------------------------------------- */

const char *order_where(const RenewOrder *o)
{
        switch (o->state) {
        case ORDER_ORDERING:
                return "newOrder";
        case ORDER_AUTHORIZING:
        case ORDER_EXPLAINING:
                return "authorization";
        case ORDER_PRESENTING:
        case ORDER_ANSWERING:
                return "challenge";
        case ORDER_FINALIZING:
                return "finalize";
        case ORDER_DOWNLOADING:
                return "certificate";
        case ORDER_READING:
        case ORDER_VALIDATING:
        case ORDER_ISSUING:
        case ORDER_RETRACTING:
        case ORDER_DONE:
        case ORDER_FAILED:
                return "order";
        }
        assert_not_reached();
}

static int order_prepare_new(RenewOrder *o)
{
        _cleanup_free_ char *payload = NULL;
        int r;

        if (o->profile && o->profile_required && !renew_session_has_profile(o->session, o->profile))
                return order_fail(o,
                                problem_new(RENEW_PROBLEM_CONFIGURATION, "newOrder",
                                                "the CA does not offer the profile '%s'",
                                                o->profile),
                                true);
        free(o->account);
        o->account = strdup(renew_session_account_url(o->session));
        if (!o->account)
                return -ENOMEM;
        r = order_format_new(o, &payload);
        return r < 0 ? r
                     : exchange_post(&o->exchange, session_directory(o->session)->new_order,
                                       payload);
}

static int order_prepare_finalize(RenewOrder *o)
{
        _cleanup_free_ char *payload = NULL;
        int r = order_format_finalize(o, &payload);

        return r < 0 ? r : exchange_post(&o->exchange, o->finalize_url, payload);
}

static int order_prepare(RenewOrder *o)
{
        Exchange *x = &o->exchange;

        switch (o->state) {
        case ORDER_ORDERING:
                return order_prepare_new(o);
        case ORDER_READING:
        case ORDER_VALIDATING:
        case ORDER_ISSUING:
                return exchange_post_as_get(x, o->url, "application/json");
        case ORDER_AUTHORIZING:
        case ORDER_EXPLAINING:
                return exchange_post_as_get(x, o->authzs[o->current].url, "application/json");
        case ORDER_ANSWERING:
                /* Exactly "{}" (section 7.5.1). */
                return exchange_post(x, order_find_unanswered(o)->challenge_url, "{}");
        case ORDER_FINALIZING:
                return order_prepare_finalize(o);
        case ORDER_DOWNLOADING:
                return exchange_post_as_get(x,
                                o->current == 0 ? o->certificate_url
                                                : o->alternates[o->current - 1],
                                "application/pem-certificate-chain");
        case ORDER_PRESENTING:
        case ORDER_RETRACTING:
        case ORDER_DONE:
        case ORDER_FAILED:
                break;
        }
        assert_not_reached();
}

/* --- the step --------------------------------------------------------------------------------- */

/* Instants that have come. Return: >0 when the state changed, 0, -ENOMEM. */
static int order_check_time(RenewOrder *o, RenewUsec now)
{
        char end[TIMESTAMP_MAX], clock[TIMESTAMP_MAX];
        int r;

        if (o->state == ORDER_RETRACTING || o->state == ORDER_DONE || o->state == ORDER_FAILED ||
                        !exchange_is_idle(&o->exchange))
                return 0;
        if ((o->state == ORDER_VALIDATING || o->state == ORDER_ISSUING) && o->deadline > 0 &&
                        now >= o->deadline) {
                r = order_on_timeout(o);
                return r < 0 ? r : 1;
        }
        /* What was finalized may be issued although the order itself is gone. */
        if (o->expires == 0 || now < o->expires || o->state == ORDER_ISSUING ||
                        o->state == ORDER_EXPLAINING || o->state == ORDER_DOWNLOADING)
                return 0;
        if (o->resumed)
                return 1 + order_start_over(o);
        r = order_fail(o,
                        problem_new(RENEW_PROBLEM_EXPIRED, "order",
                                        "the order ended at %s before it was done (our clock says "
                                        "%s)",
                                        timestamp_format(end, o->expires),
                                        timestamp_format(clock, now)),
                        true);
        return r < 0 ? r : 1;
}

static int order_step_save(RenewOrder *o, RenewStep *ret_step)
{
        free(o->saved);
        o->saved = NULL;
        if (order_format_state(o, &o->saved) < 0)
                return -ENOMEM;
        *ret_step = (RenewStep){ .action = RENEW_ACTION_SAVE, .state = o->saved };
        return 0;
}

/* Whether it is of an account that was replaced meanwhile, perhaps by another order. */
static bool order_is_anothers(const RenewOrder *o)
{
        return o->account && !streq(o->account, renew_session_account_url(o->session));
}

/* A request is wanted. Return: 0 when the step is filled, >0 to look again, <0. */
static int order_step_request(RenewOrder *o, RenewUsec now, RenewStep *ret_step)
{
        ExchangePeer peer;
        int r;

        o->until = MIN(o->until,
                        usec_add(now, MAX_WAIT)); /* longer only if the clock was set back */
        if (exchange_is_idle(&o->exchange) && now < o->until) {
                *ret_step = (RenewStep){ .action = RENEW_ACTION_WAIT,
                        .until = MIN(o->until, o->deadline ?: o->until) };
                return 0;
        }
        if (!exchange_is_under_way(&o->exchange) && !session_is_ready(o->session, now)) {
                *ret_step = (RenewStep){ .action = RENEW_ACTION_SESSION };
                return 0;
        }
        if (!exchange_is_under_way(&o->exchange) && order_is_anothers(o)) {
                if (o->state != ORDER_ORDERING) {
                        r = order_begin_anew(o);
                        return r < 0 ? r : 1;
                }
                exchange_done(&o->exchange); /* nothing is made yet: asked for by the new one */
        }
        if (exchange_is_idle(&o->exchange)) {
                r = order_prepare(o);
                return r < 0 ? r : 1;
        }
        peer = session_peer(o->session);
        return exchange_step(&o->exchange, &peer, now, ret_step);
}

RENEW_PUBLIC int renew_order_step(RenewOrder *o, RenewUsec now, RenewStep *ret_step)
{
        for (;;) {
                int r = order_check_time(o, now);

                if (r < 0)
                        return r;
                if (o->save_wanted)
                        return order_step_save(o, ret_step);
                r = order_step_quiet(o, now, ret_step);
                if (r != 0)
                        return r < 0 ? r : 0;
                if (o->save_wanted)
                        continue;
                r = order_step_request(o, now, ret_step);
                if (r <= 0)
                        return r;
        }
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
        token_done(t);
        *t = o->tokens[--o->n_tokens];
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
