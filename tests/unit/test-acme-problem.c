/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why something failed and what is done about it: every type, every shape of an answer. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "acme/problem.h"
#include "base/text.h"
#include "base/timestamp.h"

#define NOW  (UINT64_C(1790000000) * USEC_PER_SEC) /* 2026-09-21T14:13:20Z */
#define ACME "urn:ietf:params:acme:error:"

/* The problem of an answer, with one header or none. */
static RenewProblem *read_answer(
                unsigned status, const char *name, const char *value, const char *body)
{
        const RenewHeader headers[] = { { "Content-Type", "application/problem+json" },
                { name, value } };
        const RenewResponse response = {
                .status = status,
                .headers = headers,
                .n_headers = name ? 2 : 1,
                .body = body,
                .body_size = strlen(body),
        };
        RenewProblem *p = problem_from_response(&response, NOW, "newOrder");

        assert_non_null(p);
        assert_string_equal(p->where, "newOrder");
        assert_int_equal(p->status, status);
        return p;
}

static RenewProblem *read_body(unsigned status, const char *body)
{
        return read_answer(status, NULL, NULL, body);
}

/* --- types ------------------------------------------------------------------------------------ */

/* Every row of the table: the CA's word, ours, and what is done. */
static void test_types(void **state)
{
        static const struct {
                const char *urn;
                RenewProblemType type;
                const char *name;
                RenewRetry retry;
        } table[] = {
                { "badNonce", RENEW_PROBLEM_BAD_NONCE, "bad-nonce", RENEW_RETRY_NOW },
                { "serverInternal", RENEW_PROBLEM_SERVER_INTERNAL, "server-internal",
                                RENEW_RETRY_NETWORK },
                { "rateLimited", RENEW_PROBLEM_RATE_LIMITED, "rate-limited", RENEW_RETRY_NETWORK },
                { "userActionRequired", RENEW_PROBLEM_USER_ACTION_REQUIRED, "user-action-required",
                                RENEW_RETRY_DAILY },
                { "accountDoesNotExist", RENEW_PROBLEM_ACCOUNT_DOES_NOT_EXIST,
                                "account-does-not-exist", RENEW_RETRY_HELD },
                { "externalAccountRequired", RENEW_PROBLEM_EXTERNAL_ACCOUNT_REQUIRED,
                                "external-account-required", RENEW_RETRY_HELD },
                { "invalidContact", RENEW_PROBLEM_INVALID_CONTACT, "invalid-contact",
                                RENEW_RETRY_HELD },
                { "unsupportedContact", RENEW_PROBLEM_UNSUPPORTED_CONTACT, "unsupported-contact",
                                RENEW_RETRY_HELD },
                { "badPublicKey", RENEW_PROBLEM_BAD_PUBLIC_KEY, "bad-public-key",
                                RENEW_RETRY_HELD },
                { "badSignatureAlgorithm", RENEW_PROBLEM_BAD_SIGNATURE_ALGORITHM,
                                "bad-signature-algorithm", RENEW_RETRY_HELD },
                { "unauthorized", RENEW_PROBLEM_UNAUTHORIZED, "unauthorized",
                                RENEW_RETRY_VALIDATION },
                { "connection", RENEW_PROBLEM_CONNECTION, "connection", RENEW_RETRY_VALIDATION },
                { "dns", RENEW_PROBLEM_DNS, "dns", RENEW_RETRY_VALIDATION },
                { "tls", RENEW_PROBLEM_TLS, "tls", RENEW_RETRY_VALIDATION },
                { "incorrectResponse", RENEW_PROBLEM_INCORRECT_RESPONSE, "incorrect-response",
                                RENEW_RETRY_VALIDATION },
                { "caa", RENEW_PROBLEM_CAA, "caa", RENEW_RETRY_VALIDATION },
                { "rejectedIdentifier", RENEW_PROBLEM_REJECTED_IDENTIFIER, "rejected-identifier",
                                RENEW_RETRY_HELD },
                { "unsupportedIdentifier", RENEW_PROBLEM_UNSUPPORTED_IDENTIFIER,
                                "unsupported-identifier", RENEW_RETRY_HELD },
                { "malformed", RENEW_PROBLEM_MALFORMED, "malformed", RENEW_RETRY_HELD },
                { "badCSR", RENEW_PROBLEM_BAD_CSR, "bad-csr", RENEW_RETRY_HELD },
                { "orderNotReady", RENEW_PROBLEM_ORDER_NOT_READY, "order-not-ready",
                                RENEW_RETRY_VALIDATION },
                { "invalidProfile", RENEW_PROBLEM_INVALID_PROFILE, "invalid-profile",
                                RENEW_RETRY_HELD },
                { "alreadyReplaced", RENEW_PROBLEM_ALREADY_REPLACED, "already-replaced",
                                RENEW_RETRY_VALIDATION },
                { "alreadyRevoked", RENEW_PROBLEM_ALREADY_REVOKED, "already-revoked",
                                RENEW_RETRY_VALIDATION },
                { "badRevocationReason", RENEW_PROBLEM_BAD_REVOCATION_REASON,
                                "bad-revocation-reason", RENEW_RETRY_HELD },
                { "compound", RENEW_PROBLEM_COMPOUND, "compound", RENEW_RETRY_VALIDATION },
                { "conflict", RENEW_PROBLEM_CONFLICT, "conflict", RENEW_RETRY_VALIDATION },
                { "autoRenewalCanceled", RENEW_PROBLEM_UNKNOWN, "unknown", RENEW_RETRY_VALIDATION },
                { "BadNonce", RENEW_PROBLEM_UNKNOWN, "unknown", RENEW_RETRY_VALIDATION },
        };
        static const char *const prefixes[] = { ACME, "urn:acme:error:" };

        for (size_t i = 0; i < ELEMENTSOF(table) * ELEMENTSOF(prefixes); i++) {
                size_t row = i / ELEMENTSOF(prefixes);
                _cleanup_free_ char *urn = text_format(
                                "%s%s", prefixes[i % ELEMENTSOF(prefixes)], table[row].urn);
                _cleanup_free_ char *body = text_format(
                                "{\"type\":\"%s\",\"detail\":\"because\"}", urn);
                RenewProblem *p = read_body(400, body);

                assert_int_equal(p->type, table[row].type);
                assert_int_equal(renew_problem_retry(p), table[row].retry);
                assert_string_equal(renew_problem_type_to_string(p->type), table[row].name);
                assert_string_equal(p->urn, urn);
                assert_string_equal(p->detail, "because");
                problem_free(p);
        }
}

static void test_our_own(void **state)
{
        static const struct {
                RenewProblemType type;
                const char *urn;
                RenewRetry retry;
        } table[] = {
                { RENEW_PROBLEM_TRANSPORT, "renewd:transport", RENEW_RETRY_NETWORK },
                { RENEW_PROBLEM_BAD_RESPONSE, "renewd:bad-response", RENEW_RETRY_NETWORK },
                { RENEW_PROBLEM_BAD_CERTIFICATE, "renewd:bad-certificate", RENEW_RETRY_DAILY },
                { RENEW_PROBLEM_CHALLENGE, "renewd:challenge", RENEW_RETRY_VALIDATION },
                { RENEW_PROBLEM_TIMED_OUT, "renewd:timed-out", RENEW_RETRY_NETWORK },
                { RENEW_PROBLEM_EXPIRED, "renewd:expired", RENEW_RETRY_VALIDATION },
                { RENEW_PROBLEM_TERMS, "renewd:terms", RENEW_RETRY_HELD },
                { RENEW_PROBLEM_CONFIGURATION, "renewd:configuration", RENEW_RETRY_HELD },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                RenewProblem *p = problem_new(table[i].type, "order", "%s\x1b[%u", "why", 7U);

                assert_string_equal(p->urn, table[i].urn);
                assert_string_equal(p->detail, "why\\x1b[7");
                assert_string_equal(p->where, "order");
                assert_int_equal(p->status, 0);
                assert_int_equal(renew_problem_retry(p), table[i].retry);
                problem_free(p);
        }
        assert_null(problem_free(NULL));
}

static void test_retry_names(void **state)
{
        static const char *const names[] = { "now", "network", "validation", "daily", "held" };
        RenewRetry retry = RENEW_RETRY_HELD;

        for (unsigned i = 0; i < ELEMENTSOF(names); i++) {
                assert_string_equal(renew_retry_to_string((RenewRetry) i), names[i]);
                assert_int_equal(renew_retry_from_string(names[i], &retry), 0);
                assert_int_equal(retry, i);
        }
        assert_int_equal(renew_retry_from_string("never", &retry), -EINVAL);
        assert_int_equal(renew_retry_from_string("", &retry), -EINVAL);
        assert_int_equal(retry, RENEW_RETRY_HELD);
}

/* --- answers that are not as they should be --------------------------------------------------- */

static void test_no_document(void **state)
{
        static const struct {
                unsigned status;
                const char *body;
                RenewProblemType type;
                RenewRetry retry;
                const char *detail;
        } table[] = {
                { 500, "", RENEW_PROBLEM_SERVER_INTERNAL, RENEW_RETRY_NETWORK,
                                "the CA answered with status 500 and no reason" },
                { 502, "<html>Bad Gateway</html>", RENEW_PROBLEM_SERVER_INTERNAL,
                                RENEW_RETRY_NETWORK,
                                "the CA answered with status 502 and no reason" },
                { 503, "{}", RENEW_PROBLEM_SERVER_INTERNAL, RENEW_RETRY_NETWORK,
                                "the CA answered with status 503 and no reason" },
                { 408, "", RENEW_PROBLEM_SERVER_INTERNAL, RENEW_RETRY_NETWORK,
                                "the CA answered with status 408 and no reason" },
                { 429, "slow down", RENEW_PROBLEM_RATE_LIMITED, RENEW_RETRY_NETWORK,
                                "the CA answered with status 429 and no reason" },
                { 403, "[1]", RENEW_PROBLEM_UNKNOWN, RENEW_RETRY_VALIDATION,
                                "the CA answered with status 403 and no reason" },
                { 404, "{\"type\":", RENEW_PROBLEM_UNKNOWN, RENEW_RETRY_VALIDATION,
                                "the CA answered with status 404 and no reason" },
                { 404, "{\"type\":7}", RENEW_PROBLEM_UNKNOWN, RENEW_RETRY_VALIDATION,
                                "the CA answered with status 404 and no reason" },
                /* Members are missing, or of another type. */
                { 404, "{\"detail\":\"gone\"}", RENEW_PROBLEM_UNKNOWN, RENEW_RETRY_VALIDATION,
                                "gone" },
                { 500, "{\"detail\":\"tea time\"}", RENEW_PROBLEM_SERVER_INTERNAL,
                                RENEW_RETRY_NETWORK, "tea time" },
                { 400, "{\"type\":\"about:blank\",\"title\":\"No\"}", RENEW_PROBLEM_UNKNOWN,
                                RENEW_RETRY_VALIDATION, "No" },
                { 400, "{\"type\":\"" ACME "dns\",\"detail\":\"\"}", RENEW_PROBLEM_DNS,
                                RENEW_RETRY_VALIDATION, "the CA gives no reason" },
                { 400, "{\"type\":\"" ACME "dns\"}", RENEW_PROBLEM_DNS, RENEW_RETRY_VALIDATION,
                                "the CA gives no reason" },
                { 400,
                                "{\"type\":\"" ACME "dns\",\"detail\":null,\"subproblems\":{},"
                                "\"instance\":1,\"status\":\"x\"}",
                                RENEW_PROBLEM_DNS, RENEW_RETRY_VALIDATION,
                                "the CA gives no reason" },
                /* A type that only the CA knows counts by the answer's status. */
                { 500, "{\"type\":\"urn:x:y\",\"detail\":\"d\"}", RENEW_PROBLEM_SERVER_INTERNAL,
                                RENEW_RETRY_NETWORK, "d" },
                { 400, "{\"type\":\"urn:x:y\",\"detail\":\"d\",\"status\":500}",
                                RENEW_PROBLEM_UNKNOWN, RENEW_RETRY_VALIDATION, "d" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                RenewProblem *p = read_body(table[i].status, table[i].body);

                assert_int_equal(p->type, table[i].type);
                assert_int_equal(renew_problem_retry(p), table[i].retry);
                assert_string_equal(p->detail, table[i].detail);
                assert_int_equal(p->n_subproblems, 0);
                assert_null(p->instance);
                problem_free(p);
        }
}

static void test_escaped_and_cut(void **state)
{
        char long_text[3000];
        _cleanup_free_ char *body = NULL;
        RenewProblem *p;

        memset(long_text, 'x', sizeof(long_text) - 1);
        long_text[sizeof(long_text) - 1] = '\0';
        body = text_format("{\"type\":\"%s\",\"detail\":\"\\u001b[31m%s\",\"instance\":\"%s\","
                           "\"subproblems\":[{\"type\":\"%s\",\"detail\":\"\\r\\n%s\","
                           "\"identifier\":{\"type\":\"dns\",\"value\":\"\\u202e%s\"}}]}",
                        long_text, long_text, long_text, long_text, long_text, long_text);
        p = read_body(400, body);
        assert_true(has_prefix(p->detail, "\\x1b[31mxxx"));
        assert_true(has_prefix(p->subproblems[0].detail, "\\x0d\\x0axxx"));
        assert_true(has_prefix(p->subproblems[0].identifier, "\\xe2\\x80\\xaexxx"));
        assert_int_equal(strlen(p->urn), 512 + strlen("..."));
        assert_int_equal(strlen(p->detail), 512 + strlen("..."));
        assert_int_equal(strlen(p->instance), 2048 + strlen("..."));
        assert_int_equal(strlen(p->subproblems[0].detail), 512 + strlen("..."));
        assert_int_equal(strlen(p->subproblems[0].identifier), 512 + strlen("..."));
        problem_free(p);
}

/* --- subproblems ------------------------------------------------------------------------------ */

static void test_subproblems(void **state)
{
        RenewProblem *p = read_body(400,
                                     "{\"type\":\"" ACME
                                     "malformed\",\"detail\":\"some\",\"subproblems\":["
                                     "{\"type\":\"" ACME "caa\",\"detail\":\"no\",\"identifier\":"
                                     "{\"type\":\"dns\",\"value\":\"a.example\"}},"
                                     "{\"type\":\"" ACME "dns\"},7,{},null]}"),
                     *copy = problem_copy(p);
        const RenewProblem *const both[] = { p, copy };

        for (size_t i = 0; i < ELEMENTSOF(both); i++) {
                assert_int_equal(both[i]->n_subproblems, 5);
                assert_int_equal(both[i]->subproblems[0].type, RENEW_PROBLEM_CAA);
                assert_string_equal(both[i]->subproblems[0].detail, "no");
                assert_string_equal(both[i]->subproblems[0].identifier, "a.example");
                assert_int_equal(both[i]->subproblems[1].type, RENEW_PROBLEM_DNS);
                assert_string_equal(both[i]->subproblems[1].detail, "no reason given");
                assert_string_equal(both[i]->subproblems[1].identifier, "");
                assert_int_equal(both[i]->subproblems[4].type, RENEW_PROBLEM_UNKNOWN);
                /* The type is the CA's summary, and it counts. */
                assert_int_equal(renew_problem_retry(both[i]), RENEW_RETRY_HELD);
        }
        problem_free(p);
        problem_free(copy);
}

static void test_many_subproblems(void **state)
{
        RenewProblem *p = problem_new(RENEW_PROBLEM_COMPOUND, "order", "many");

        for (unsigned i = 0; i < 1500; i++)
                assert_int_equal(
                                problem_add_subproblem(p, RENEW_PROBLEM_DNS, "no", "a.example"), 0);
        assert_int_equal(p->n_subproblems, 1000);
        problem_free(p);
}

/* compound: the worst class wins. */
static void test_compound(void **state)
{
        static const struct {
                const char *types[3];
                RenewRetry retry;
        } table[] = {
                { { "dns" }, RENEW_RETRY_VALIDATION },
                { { "serverInternal" }, RENEW_RETRY_NETWORK },
                { { "serverInternal", "connection" }, RENEW_RETRY_VALIDATION },
                { { "connection", "serverInternal" }, RENEW_RETRY_VALIDATION },
                { { "caa", "userActionRequired", "dns" }, RENEW_RETRY_DAILY },
                { { "rejectedIdentifier", "userActionRequired", "badNonce" }, RENEW_RETRY_HELD },
                { { NULL }, RENEW_RETRY_VALIDATION },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                RenewProblem *p;
                _cleanup_free_ char *list = strdup(""), *body = NULL;

                for (size_t k = 0; k < 3 && table[i].types[k]; k++) {
                        char *longer = text_format("%s%s{\"type\":\"" ACME "%s\"}", list,
                                        k > 0 ? "," : "", table[i].types[k]);

                        free(list);
                        list = longer;
                }
                body = text_format("{\"type\":\"" ACME "compound\",\"subproblems\":[%s]}", list);
                p = read_body(403, body);
                assert_int_equal(renew_problem_retry(p), table[i].retry);
                problem_free(p);
        }
}

/* --- limits ----------------------------------------------------------------------------------- */

#define LIMITED "{\"type\":\"" ACME "rateLimited\",\"detail\":\"%s\"}"

static void test_limits(void **state)
{
        static const struct {
                const char *retry_after;
                const char *detail;
                RenewUsec not_before;
        } table[] = {
                { "120", "slow", NOW + 120 * USEC_PER_SEC },
                { "Mon, 21 Sep 2026 15:00:00 GMT", "slow", NOW + 2800 * USEC_PER_SEC },
                { NULL, "slow", NOW + USEC_PER_HOUR },
                { "soon", "slow", NOW + USEC_PER_HOUR },
                { NULL, "too many certificates, retry after 2026-09-23 14:13:20 UTC: see https://x",
                                NOW + 2 * USEC_PER_DAY },
                { "60", "too many, retry after 2026-09-23 14:13:20 UTC", NOW + USEC_PER_MIN },
                { NULL, "retry after 2026-09-23", NOW + USEC_PER_HOUR },
                { NULL, "retry after tomorrow at noon, please", NOW + USEC_PER_HOUR },
                { NULL, "retry after 2020-01-01 00:00:00 UTC", NOW + USEC_PER_HOUR },
                { NULL, "retry after 9999-12-31 23:59:59 UTC", NOW + 365 * USEC_PER_DAY },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_free_ char *body = text_format(LIMITED, table[i].detail);
                RenewProblem *p = read_answer(429, table[i].retry_after ? "retry-after" : NULL,
                                table[i].retry_after, body);

                assert_int_equal(p->type, RENEW_PROBLEM_RATE_LIMITED);
                assert_int_equal(p->not_before, table[i].not_before);
                assert_int_equal(renew_problem_retry(p), RENEW_RETRY_NETWORK);
                problem_free(p);
        }
}

/* 503 of a load balancer: its Retry-After counts, whatever the body is. */
static void test_retry_after_elsewhere(void **state)
{
        RenewProblem *p = read_answer(503, "Retry-After", "30", "<html>");

        assert_int_equal(p->type, RENEW_PROBLEM_SERVER_INTERNAL);
        assert_int_equal(p->not_before, NOW + 30 * USEC_PER_SEC);
        problem_free(p);
        p = read_body(503, "");
        assert_int_equal(p->not_before, 0);
        problem_free(p);
}

/* The link has a token in it: whole where a human follows it, and nowhere else. */
static void test_paused(void **state)
{
        char token[901];
        _cleanup_free_ char *url = NULL, *detail = NULL, *body = NULL;
        RenewProblem *p;

        memset(token, 'J', sizeof(token) - 1);
        token[sizeof(token) - 1] = '\0';
        url = text_format("https://portal.example/sfe/v1/unpause?jwt=%s.x.y", token);
        detail = text_format("Your account is temporarily prevented from requesting certificates "
                             "for a.example and possibly others. Please visit: %s",
                        url);
        body = text_format(LIMITED, detail);
        p = read_body(429, body);
        assert_int_equal(p->type, RENEW_PROBLEM_PAUSED);
        assert_int_equal(renew_problem_retry(p), RENEW_RETRY_DAILY);
        assert_string_equal(renew_problem_type_to_string(p->type), "paused");
        assert_string_equal(p->instance, url);
        assert_int_equal(p->not_before, 0);
        assert_true(has_prefix(p->detail, "Your account is temporarily prevented"));
        assert_null(strstr(p->detail, "JJJ"));
        problem_free(p);
}

static void test_not_paused(void **state)
{
        static const char *const details[] = { "see https://x.example/docs/rate-limits",
                "please unpause", "temporarily prevented" };

        for (size_t i = 0; i < ELEMENTSOF(details); i++) {
                _cleanup_free_ char *body = text_format(LIMITED, details[i]);
                RenewProblem *p = read_body(429, body);

                assert_int_equal(p->type, RENEW_PROBLEM_RATE_LIMITED);
                assert_null(p->instance);
                problem_free(p);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_types),
                cmocka_unit_test(test_our_own),
                cmocka_unit_test(test_retry_names),
                cmocka_unit_test(test_no_document),
                cmocka_unit_test(test_escaped_and_cut),
                cmocka_unit_test(test_subproblems),
                cmocka_unit_test(test_many_subproblems),
                cmocka_unit_test(test_compound),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_retry_after_elsewhere),
                cmocka_unit_test(test_paused),
                cmocka_unit_test(test_not_paused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
