/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a failure says: everything that a person needs, cut where it would be too much. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/limits.h"
#include "base/text.h"
#include "engine/trouble.h"

static char *literal(const char *s)
{
        return (char *) (uintptr_t) s;
}

static RenewProblem problem(RenewProblemType type, const char *detail)
{
        return (RenewProblem){
                .type = type,
                .urn = literal("urn:ietf:params:acme:error:x"),
                .detail = literal(detail),
                .where = literal("newOrder"),
        };
}

static void test_problem(void **state)
{
        RenewProblem p = problem(RENEW_PROBLEM_RATE_LIMITED, "too many certificates");
        _cleanup_trouble_ Trouble t = { 0 };

        assert_false(trouble_is_set(&t));
        p.not_before = 12345;
        p.instance = literal("https://ca.example/limits");
        trouble_from_problem(&t, &p);
        assert_true(trouble_is_set(&t));
        assert_string_equal(t.type, "rate-limited");
        assert_string_equal(t.where, "newOrder");
        assert_string_equal(t.detail, "too many certificates See https://ca.example/limits");
        assert_int_equal(t.retry, renew_problem_retry(&p));
        assert_int_equal(t.not_before_usec, 12345);
}

static void test_subproblems(void **state)
{
        RenewProblem p = problem(RENEW_PROBLEM_COMPOUND, "several errors");
        RenewSubproblem subproblems[8];
        _cleanup_trouble_ Trouble t = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(subproblems); i++)
                subproblems[i] = (RenewSubproblem){
                        .type = RENEW_PROBLEM_DNS,
                        .detail = literal("no such host"),
                        .identifier = literal(i == 0 ? "a.example" : "b.example"),
                };
        p.subproblems = subproblems;
        p.n_subproblems = 1;
        trouble_from_problem(&t, &p);
        assert_string_equal(t.detail, "several errors (a.example: no such host)");
        p.n_subproblems = ELEMENTSOF(subproblems);
        trouble_from_problem(&t, &p);
        assert_string_equal(t.detail,
                        "several errors (a.example: no such host; b.example: no such host; "
                        "b.example: no such host; b.example: no such host; b.example: no such "
                        "host; and 3 more)");
}

/* A text that is too long loses its end, and nothing else of the trouble. */
static void test_long_text(void **state)
{
        char longest[LIMIT_LOG_MESSAGE + 100];
        RenewProblem p = problem(RENEW_PROBLEM_CAA, longest);
        RenewSubproblem sub = { RENEW_PROBLEM_CAA, literal("forbidden"), literal("a.example") };
        _cleanup_trouble_ Trouble t = { 0 };

        memset(longest, 'x', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        trouble_from_problem(&t, &p);
        assert_true(trouble_is_set(&t));
        assert_true(has_prefix(t.detail, "xxxx"));
        assert_true(strlen(t.detail) <= LIMIT_LOG_MESSAGE);
        assert_int_equal(t.retry, renew_problem_retry(&p));

        longest[LIMIT_LOG_MESSAGE - 10] = '\0';
        p.subproblems = &sub;
        p.n_subproblems = 1;
        trouble_from_problem(&t, &p);
        assert_true(has_prefix(t.detail, "xxxx"));
        assert_true(strlen(t.detail) <= LIMIT_LOG_MESSAGE);

        trouble_set(&t, RENEW_RETRY_DAILY, "disk", "here", "%s", longest);
        assert_true(has_prefix(t.detail, "xxxx"));
        assert_true(strlen(t.detail) < LIMIT_LOG_MESSAGE);
}

static void test_set_replaces(void **state)
{
        _cleanup_trouble_ Trouble t = { 0 };

        trouble_set(&t, RENEW_RETRY_NETWORK, "disk", "state directory", "%s is %u %% full", "/var",
                        100U);
        assert_string_equal(t.detail, "/var is 100 % full");
        assert_string_equal(t.type, "disk");
        t.not_before_usec = 99;
        /* its own words may be part of the new ones */
        trouble_set(&t, RENEW_RETRY_HELD, t.type, t.where, "again: %s", t.detail);
        assert_string_equal(t.detail, "again: /var is 100 % full");
        assert_string_equal(t.type, "disk");
        assert_string_equal(t.where, "state directory");
        assert_int_equal(t.retry, RENEW_RETRY_HELD);
        /* a wish of the CA belongs to the trouble that it came with */
        assert_int_equal(t.not_before_usec, 0);
        trouble_done(&t);
        assert_false(trouble_is_set(&t));
        trouble_done(&t);
}

static void test_copy(void **state)
{
        _cleanup_trouble_ Trouble a = { 0 }, b = { 0 };

        trouble_set(&a, RENEW_RETRY_VALIDATION, "connection", "challenge", "refused");
        a.not_before_usec = 7;
        trouble_set(&b, RENEW_RETRY_HELD, "old", "old", "old");
        trouble_copy(&b, &a);
        assert_string_equal(b.type, "connection");
        assert_string_equal(b.where, "challenge");
        assert_string_equal(b.detail, "refused");
        assert_int_equal(b.retry, RENEW_RETRY_VALIDATION);
        assert_int_equal(b.not_before_usec, 7);
        assert_true(b.detail != a.detail);
        /* one that memory was too short for */
        trouble_done(&a);
        trouble_copy(&b, &a);
        assert_true(trouble_is_set(&b));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_problem),
                cmocka_unit_test(test_subproblems),
                cmocka_unit_test(test_long_text),
                cmocka_unit_test(test_set_replaces),
                cmocka_unit_test(test_copy),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
