/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why something failed, and what to do about it.
 *
 * A CA's problem document comes in many shapes: members missing, the URN of the drafts before RFC
 * 8555, HTML of a load balancer in its place. All of them become one RenewProblem with a type, a
 * sentence and the place. What is done about it depends on the type alone (renew_problem_retry()).
 */

#include "acme/problem.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "acme/header.h"
#include "acme/json-util.h"
#include "base/limits.h"
#include "base/strv.h"
#include "base/text.h"
#include "base/timestamp.h"

/* Identifiers that a CA may name in one problem: a certificate's names. */
#define MAX_SUBPROBLEMS LIMIT_NAMES

/* When a CA limits us and does not say for how long. */
#define RATE_LIMIT_PAUSE USEC_PER_HOUR

static const struct {
        const char *urn;  /* behind "urn:ietf:params:acme:error:"; NULL: not a CA's */
        const char *name; /* ours: for status and journal */
        RenewRetry retry;
} types[] = {
        [RENEW_PROBLEM_ACCOUNT_DOES_NOT_EXIST] = { "accountDoesNotExist", "account-does-not-exist",
                        RENEW_RETRY_HELD },
        [RENEW_PROBLEM_ALREADY_REVOKED] = { "alreadyRevoked", "already-revoked",
                        RENEW_RETRY_VALIDATION },
        [RENEW_PROBLEM_BAD_CSR] = { "badCSR", "bad-csr", RENEW_RETRY_HELD },
        [RENEW_PROBLEM_BAD_NONCE] = { "badNonce", "bad-nonce", RENEW_RETRY_NOW },
        [RENEW_PROBLEM_BAD_PUBLIC_KEY] = { "badPublicKey", "bad-public-key", RENEW_RETRY_HELD },
        [RENEW_PROBLEM_BAD_REVOCATION_REASON] = { "badRevocationReason", "bad-revocation-reason",
                        RENEW_RETRY_HELD },
        [RENEW_PROBLEM_BAD_SIGNATURE_ALGORITHM] = { "badSignatureAlgorithm",
                        "bad-signature-algorithm", RENEW_RETRY_HELD },
        [RENEW_PROBLEM_CAA] = { "caa", "caa", RENEW_RETRY_VALIDATION },
        [RENEW_PROBLEM_COMPOUND] = { "compound", "compound", RENEW_RETRY_VALIDATION },
        [RENEW_PROBLEM_CONNECTION] = { "connection", "connection", RENEW_RETRY_VALIDATION },
        [RENEW_PROBLEM_DNS] = { "dns", "dns", RENEW_RETRY_VALIDATION },
        [RENEW_PROBLEM_EXTERNAL_ACCOUNT_REQUIRED] = { "externalAccountRequired",
                        "external-account-required", RENEW_RETRY_HELD },
        [RENEW_PROBLEM_INCORRECT_RESPONSE] = { "incorrectResponse", "incorrect-response",
                        RENEW_RETRY_VALIDATION },
        [RENEW_PROBLEM_INVALID_CONTACT] = { "invalidContact", "invalid-contact", RENEW_RETRY_HELD },
        [RENEW_PROBLEM_MALFORMED] = { "malformed", "malformed", RENEW_RETRY_HELD },
        [RENEW_PROBLEM_ORDER_NOT_READY] = { "orderNotReady", "order-not-ready",
                        RENEW_RETRY_VALIDATION },
        [RENEW_PROBLEM_RATE_LIMITED] = { "rateLimited", "rate-limited", RENEW_RETRY_NETWORK },
        [RENEW_PROBLEM_REJECTED_IDENTIFIER] = { "rejectedIdentifier", "rejected-identifier",
                        RENEW_RETRY_HELD },
        [RENEW_PROBLEM_SERVER_INTERNAL] = { "serverInternal", "server-internal",
                        RENEW_RETRY_NETWORK },
        [RENEW_PROBLEM_TLS] = { "tls", "tls", RENEW_RETRY_VALIDATION },
        [RENEW_PROBLEM_UNAUTHORIZED] = { "unauthorized", "unauthorized", RENEW_RETRY_VALIDATION },
        [RENEW_PROBLEM_UNSUPPORTED_CONTACT] = { "unsupportedContact", "unsupported-contact",
                        RENEW_RETRY_HELD },
        [RENEW_PROBLEM_UNSUPPORTED_IDENTIFIER] = { "unsupportedIdentifier",
                        "unsupported-identifier", RENEW_RETRY_HELD },
        [RENEW_PROBLEM_USER_ACTION_REQUIRED] = { "userActionRequired", "user-action-required",
                        RENEW_RETRY_DAILY },
        [RENEW_PROBLEM_ALREADY_REPLACED] = { "alreadyReplaced", "already-replaced",
                        RENEW_RETRY_VALIDATION },
        [RENEW_PROBLEM_INVALID_PROFILE] = { "invalidProfile", "invalid-profile", RENEW_RETRY_HELD },
        [RENEW_PROBLEM_CONFLICT] = { "conflict", "conflict", RENEW_RETRY_VALIDATION },
        [RENEW_PROBLEM_PAUSED] = { NULL, "paused", RENEW_RETRY_DAILY },
        [RENEW_PROBLEM_UNKNOWN] = { NULL, "unknown", RENEW_RETRY_VALIDATION },
        [RENEW_PROBLEM_TRANSPORT] = { NULL, "transport", RENEW_RETRY_NETWORK },
        [RENEW_PROBLEM_BAD_RESPONSE] = { NULL, "bad-response", RENEW_RETRY_NETWORK },
        /* Each attempt costs a certificate, and CAs count them. */
        [RENEW_PROBLEM_BAD_CERTIFICATE] = { NULL, "bad-certificate", RENEW_RETRY_DAILY },
        [RENEW_PROBLEM_CHALLENGE] = { NULL, "challenge", RENEW_RETRY_VALIDATION },
        [RENEW_PROBLEM_TIMED_OUT] = { NULL, "timed-out", RENEW_RETRY_NETWORK },
        [RENEW_PROBLEM_EXPIRED] = { NULL, "expired", RENEW_RETRY_VALIDATION },
        [RENEW_PROBLEM_TERMS] = { NULL, "terms", RENEW_RETRY_HELD },
        [RENEW_PROBLEM_CONFIGURATION] = { NULL, "configuration", RENEW_RETRY_HELD },
};

/* In the order of enum RenewRetry, which is also the order of how little hope there is. */
static const char *const retries[] = { "now", "network", "validation", "daily", "held" };

/* --- its life --------------------------------------------------------------------------------- */

RenewProblem *problem_free(RenewProblem *p)
{
        if (!p)
                return NULL;
        for (size_t i = 0; i < p->n_subproblems; i++) {
                free(p->subproblems[i].detail);
                free(p->subproblems[i].identifier);
        }
        free(p->subproblems);
        free(p->urn);
        free(p->detail);
        free(p->where);
        free(p->instance);
        free(p);
        return NULL;
}

static char *clean(const char *s)
{
        return text_escape(s, strlen(s), LIMIT_PEER_TEXT);
}

static RenewProblem *problem_make(
                RenewProblemType type, const char *urn, const char *detail, const char *where)
{
        _cleanup_(problem_freep) RenewProblem *p = calloc(1, sizeof(*p));

        if (!p)
                return NULL;
        p->type = type;
        p->urn = clean(urn);
        p->detail = clean(detail);
        p->where = clean(where);
        return p->urn && p->detail && p->where ? TAKE_PTR(p) : NULL;
}

RenewProblem *problem_new(RenewProblemType type, const char *where, const char *format, ...)
{
        _cleanup_free_ char *detail = NULL, *urn = text_format("renewd:%s", types[type].name);
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&detail, format, ap);
        va_end(ap);
        if (n < 0)
                detail = NULL;
        return urn && detail ? problem_make(type, urn, detail, where) : NULL;
}

int problem_add_subproblem(
                RenewProblem *p, RenewProblemType type, const char *detail, const char *identifier)
{
        RenewSubproblem *list, *s;

        if (p->n_subproblems == MAX_SUBPROBLEMS)
                return 0;
        list = reallocarray(p->subproblems, p->n_subproblems + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        p->subproblems = list;
        s = &list[p->n_subproblems];
        *s = (RenewSubproblem){
                .type = type, .detail = clean(detail), .identifier = clean(identifier)
        };
        p->n_subproblems++; /* half built it is freed with the others */
        return s->detail && s->identifier ? 0 : -ENOMEM;
}

RenewProblem *problem_copy(const RenewProblem *p)
{
        _cleanup_(problem_freep)
                        RenewProblem *copy = problem_make(p->type, p->urn, p->detail, p->where);

        if (!copy)
                return NULL;
        copy->status = p->status;
        copy->not_before = p->not_before;
        if (p->instance && !(copy->instance = strdup(p->instance)))
                return NULL;
        for (size_t i = 0; i < p->n_subproblems; i++)
                if (problem_add_subproblem(copy, p->subproblems[i].type, p->subproblems[i].detail,
                                    p->subproblems[i].identifier) < 0)
                        return NULL;
        return TAKE_PTR(copy);
}

/* --- what a CA says --------------------------------------------------------------------------- */

static RenewProblemType type_from_urn(const char *urn)
{
        /* The second is of the drafts before RFC 8555 and still seen. */
        static const char *const prefixes[] = { "urn:ietf:params:acme:error:", "urn:acme:error:" };

        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++) {
                if (!has_prefix(urn, prefixes[i]))
                        continue;
                for (size_t t = 0; t < ELEMENTSOF(types); t++)
                        if (types[t].urn && streq(types[t].urn, urn + strlen(prefixes[i])))
                                return (RenewProblemType) t;
        }
        return RENEW_PROBLEM_UNKNOWN;
}

/* A member of text; one that is empty says as little as one that is not there. */
static const char *text_of(const json_t *object, const char *key)
{
        const char *text = json_object_string(object, key);

        return text && *text ? text : NULL;
}

static int problem_read_subproblems(RenewProblem *p, const json_t *array)
{
        const json_t *item;
        size_t i;

        json_array_foreach (array, i, item) {
                const char *urn = json_object_string(item, "type") ?: "";
                const char *detail = text_of(item, "detail") ?: "no reason given";
                const char *name = json_object_string(json_object_get(item, "identifier"), "value");
                int r = problem_add_subproblem(p, type_from_urn(urn), detail, name ?: "");

                if (r < 0)
                        return r;
        }
        return 0;
}

RenewProblem *problem_from_json(const json_t *error, const char *where)
{
        const char *urn = json_object_string(error, "type") ?: "about:blank";
        const char *detail = text_of(error, "detail") ?: text_of(error, "title");
        const char *instance = json_object_string(error, "instance");
        json_int_t status = json_integer_value(json_object_get(error, "status"));
        _cleanup_(problem_freep) RenewProblem *p = problem_make(
                        type_from_urn(urn), urn, detail ?: "the CA gives no reason", where);

        if (!p)
                return NULL;
        if (status >= 100 && status <= 599)
                p->status = (unsigned) status;
        if (instance && !(p->instance = text_escape(instance, strlen(instance), LIMIT_URL)))
                return NULL;
        if (problem_read_subproblems(p, json_object_get(error, "subproblems")) < 0)
                return NULL;
        return TAKE_PTR(p);
}

/* "… retry after 2026-08-05 12:34:56 UTC: see https://…" of boulder. */
static RenewUsec instant_in_detail(const char *detail)
{
        const char *s = strstr(detail, "retry after ");
        char text[] = "2026-08-05T12:34:56Z";
        RenewUsec at;

        if (!s || strlen(s += strlen("retry after ")) < strlen(text) - 1)
                return 0;
        memcpy(text, s, strlen(text) - 1);
        text[strlen("2026-08-05")] = 'T';
        return timestamp_parse(text, &at) == 0 ? at : 0;
}

/*
 * Let's Encrypt pauses an account and name that fail for months, and gives a link to unpause them.
 * The link carries a token that outgrows a message, and that is not for every reader of a message:
 * it stands in .instance alone.
 */
static int problem_detect_pause(RenewProblem *p, const char *detail)
{
        const char *url = strstr(detail, "https://");
        char *cut;

        if (!url || (!strstr(detail, "unpause") && !strstr(detail, "temporarily prevented")))
                return 0;
        cut = text_escape(detail, (size_t) (url - detail) + strcspn(url, "? "), LIMIT_PEER_TEXT);
        if (!cut)
                return -ENOMEM;
        free(p->detail);
        p->detail = cut;
        p->type = RENEW_PROBLEM_PAUSED;
        if (!p->instance)
                p->instance = text_escape(url, strcspn(url, " ,\"'()<>"), LIMIT_URL);
        return p->instance ? 0 : -ENOMEM;
}

static int problem_read_limits(
                RenewProblem *p, const RenewResponse *response, RenewUsec now, const char *detail)
{
        RenewUsec at;

        p->not_before = header_retry_after(response, now);
        if (p->type != RENEW_PROBLEM_RATE_LIMITED && p->status != 429)
                return 0;
        if (p->not_before == 0) {
                int r = problem_detect_pause(p, detail);

                if (r < 0 || p->type == RENEW_PROBLEM_PAUSED)
                        return r;
                at = MIN(instant_in_detail(detail), usec_add(now, MAX_RETRY_AFTER));
                p->not_before = at > now ? at : usec_add(now, RATE_LIMIT_PAUSE);
        }
        p->type = RENEW_PROBLEM_RATE_LIMITED;
        return 0;
}

/* Where a human agrees to new terms: the page for it, else the terms (section 7.3.3). */
static int problem_find_terms(RenewProblem *p, const RenewResponse *response)
{
        _cleanup_strv_ char **links = NULL;
        int r;

        if (p->type != RENEW_PROBLEM_USER_ACTION_REQUIRED || p->instance)
                return 0;
        r = header_links(response, "terms-of-service", "", true, &links);
        if (r < 0 || !links)
                return r;
        p->instance = clean(links[0]);
        return p->instance ? 0 : -ENOMEM;
}

/* An answer without a problem document: what its status says. */
static RenewProblem *problem_from_status(const RenewResponse *response, const char *where)
{
        return problem_new(response->status >= 500 ? RENEW_PROBLEM_SERVER_INTERNAL
                                                   : RENEW_PROBLEM_UNKNOWN,
                        where, "the CA answered with status %u and no reason", response->status);
}

RenewProblem *problem_from_response(const RenewResponse *response, RenewUsec now, const char *where)
{
        _cleanup_(problem_freep) RenewProblem *p = NULL;
        _cleanup_json_ json_t *j = NULL;
        const char *detail;
        int r = json_from_response(response, &j);

        if (r == -ENOMEM)
                return NULL;
        detail = json_object_string(j, "detail");
        /* Without a type it is one of "about:blank" (RFC 7807 section 4.2). */
        p = detail || json_object_string(j, "type") ? problem_from_json(j, where)
                                                    : problem_from_status(response, where);
        if (!p)
                return NULL;
        p->status = response->status;
        /* Whatever a CA calls it, it is its own trouble. */
        if (p->type == RENEW_PROBLEM_UNKNOWN && (p->status >= 500 || p->status == 408))
                p->type = RENEW_PROBLEM_SERVER_INTERNAL;
        r = problem_read_limits(p, response, now, detail ?: "");
        if (r == 0)
                r = problem_find_terms(p, response);
        return r < 0 ? NULL : TAKE_PTR(p);
}

/* --- what to do about it ---------------------------------------------------------------------- */

RENEW_PUBLIC RenewRetry renew_problem_retry(const RenewProblem *problem)
{
        RenewRetry worst = RENEW_RETRY_NOW;

        if (problem->type != RENEW_PROBLEM_COMPOUND || problem->n_subproblems == 0)
                return types[problem->type].retry;
        for (size_t i = 0; i < problem->n_subproblems; i++)
                worst = MAX(worst, types[problem->subproblems[i].type].retry);
        return worst;
}

RENEW_PUBLIC const char *renew_problem_type_to_string(RenewProblemType type)
{
        return types[type].name;
}

RENEW_PUBLIC const char *renew_retry_to_string(RenewRetry retry)
{
        return retries[retry];
}

RENEW_PUBLIC int renew_retry_from_string(const char *s, RenewRetry *ret_retry)
{
        for (size_t i = 0; i < ELEMENTSOF(retries); i++)
                if (streq(retries[i], s)) {
                        *ret_retry = (RenewRetry) i;
                        return 0;
                }
        return -EINVAL;
}
