/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include <renew/order.h>

#include "acme/authz.h"
#include "acme/exchange.h"
#include "acme/order-state.h"

/* What the files of RenewOrder share. */

/* From the CA's validation request to the first look: it needs a moment to judge what it read. */
#define SEEN_PAUSE (50 * USEC_PER_MSEC)

/* A token that is, or may be, visible to the world, until it is taken away. */
typedef struct PresentedToken {
        RenewIdentifierType type;
        char *name;
        char *token;
        char *key_authorization; /* NULL for one of a former life that this one did not present */
        bool wanted;             /* about to be presented */
        bool visible;            /* or may be: to be retracted */
} PresentedToken;

struct RenewOrder {
        RenewSession *session;
        RenewKey *key;

        /* the wish */
        RenewIdentifier *identifiers; /* values are ours */
        size_t n_identifiers;
        char *challenge_type;
        char *profile;
        bool profile_required;
        char *replaces;
        char *preferred_chain;

        OrderState state;
        OrderState outcome; /* where RETRACTING leads: DONE or FAILED */
        Exchange exchange;
        size_t current;     /* index of the authorization or alternate chain at hand */
        RenewUsec until;    /* no request before this instant */
        RenewUsec deadline; /* of VALIDATING and of ISSUING, 0: not set */
        unsigned n_polls;
        unsigned n_grace;    /* times that bad news was not believed but looked into */
        bool begun_anew;     /* the account was lost once already */
        bool resumed;        /* it was made in a former life */
        bool refreshed;      /* the directory was fetched anew for it */
        bool was_authorized; /* all authorizations were read, and answered where needed */
        bool save_wanted;    /* beside each state: facts are there that must survive a crash */

        /* the order at the CA */
        char *url;
        char *account; /* whose it is */
        char *finalize_url;
        char *certificate_url;
        RenewUsec made;
        RenewUsec expires; /* 0: it does not say */
        Authz *authzs;
        size_t n_authzs;
        RenewProblem *error; /* its "error" */

        PresentedToken *tokens;
        size_t n_tokens;
        RenewChallenge challenge; /* of the step */
        char *saved;              /* text of the step */

        char **alternates;
        RenewChain *chain;
        RenewProblem *problem;
        bool over;
};

/* --- order.c ---------------------------------------------------------------------------------- */
void order_set_state(RenewOrder *o, OrderState state);

/* Ends it with a problem, which is taken (NULL: out of memory). over: what was saved is of no use.
 * Return: 0, -ENOMEM. */
int order_fail(RenewOrder *o, RenewProblem *problem_take, bool over);

/* Makes another order in the place of one that is of no use any more. Return: 0. */
int order_start_over(RenewOrder *o);

/* Asks for the account and the order anew, once: the CA lost the account. Return: 0, -ENOMEM. */
int order_begin_anew(RenewOrder *o);

/* --- order-step.c ----------------------------------------------------------------------------- */

/* The next authorization whose challenge the CA is to be told of, NULL when there is none. */
Authz *order_find_unanswered(const RenewOrder *o);

/* Whether the CA has looked at each challenge. */
bool order_was_seen(const RenewOrder *o);

/* The name of what is asked, for problems. */
const char *order_where(const RenewOrder *o);

/* --- order-token.c ---------------------------------------------------------------------------- */

/* Remembers a token that a former life may have left visible. Return: 0, -ENOMEM. */
int order_recall_token(
                RenewOrder *o, RenewIdentifierType type, const char *name, const char *token);

/* Has the token of an authorization presented, unless this life did so. Return: 0, -ENOMEM. */
int order_want_token(RenewOrder *o, const Authz *a);

PresentedToken *order_find_wanted(const RenewOrder *o);
PresentedToken *order_find_visible(const RenewOrder *o);

void order_forget_token(RenewOrder *o, PresentedToken *t);
void order_forget_tokens(RenewOrder *o);

/* --- order-answer.c --------------------------------------------------------------------------- */

/* What the CA answered to the request of the state. Return: 0, -ENOMEM. */
int order_on_response(RenewOrder *o, RenewUsec now, const RenewResponse *response);

/* A request failed for good on the way or by nonces. Return: 0, -ENOMEM. */
int order_on_failure(RenewOrder *o, RenewUsec now, RenewProblem *problem_take);

/* The problem of an answer that is none of 2xx; *ret is NULL for those. Return: 0, -ENOMEM. */
int order_find_problem(const RenewOrder *o, RenewUsec now, const RenewResponse *response,
                RenewProblem **ret);

/* What no state has an answer of its own for. Return: 0, -ENOMEM. */
int order_on_problem(RenewOrder *o, RenewUsec now, RenewProblem *problem_take);

/* Nobody knows whether the CA has what it was sent: what that was about is read again, and goes on
 * as it stands. A newOrder has nothing to be read. Return: whether so. */
bool order_looks_again(RenewOrder *o, RenewUsec now);

/* An answer that makes no sense. Return: 0, -ENOMEM. */
int order_fail_bad(RenewOrder *o, const char *what);

/* The deadline of a state that waits for the CA has passed. Return: 0, -ENOMEM. */
int order_on_timeout(RenewOrder *o);

/* --- order-authz.c ---------------------------------------------------------------------------- */

int order_on_authorization(RenewOrder *o, RenewUsec now, const RenewResponse *response);
int order_on_challenge(RenewOrder *o, RenewUsec now, const RenewResponse *response);

/* --- order-text.c ----------------------------------------------------------------------------- */

/* The request of newOrder. Return: 0, -ENOMEM. */
int order_format_new(const RenewOrder *o, char **ret);

/* The request of finalize. Return: 0, -ENOMEM, -EIO. */
int order_format_finalize(const RenewOrder *o, char **ret);

/* What is saved, and read again. Return: 0, -ENOMEM, RENEW_E_BAD_STATE. */
int order_format_state(const RenewOrder *o, char **ret);
int order_parse_state(RenewOrder *o, const char *state);

/* Whether these are the identifiers that were asked for, in any order. */
bool order_has_identifiers(const RenewOrder *o, const json_t *identifiers);
