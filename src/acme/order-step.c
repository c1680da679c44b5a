/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an order wants next: the states that need no request are passed through here, for the others
 * the request is made.
 */

#include "acme/order.h"

#include "acme/problem.h"
#include "acme/session.h"
#include "base/timestamp.h"

/* The first look at an order whose challenges were answered where nobody tells of the CA's
 * validation (section 7.5.1). */
#define UNSEEN_PAUSE (5 * USEC_PER_SEC)

/* The longest that a CA's Retry-After makes us wait within an issuance. */
#define MAX_WAIT (5 * USEC_PER_MIN)

/* --- states that end without a request -------------------------------------------------------- */

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

bool order_was_seen(const RenewOrder *o)
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

        /* The CA may have come while nobody was at home, which says nothing about the next time. */
        if (o->resumed && over &&
                        (!problem || renew_problem_retry(problem) == RENEW_RETRY_VALIDATION)) {
                (void) problem_free(problem);
                return order_start_over(o);
        }
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
