/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CAA records as a CA reads them (RFC 8659, RFC 8657): which names are looked up, what they permit,
 * and what is said where they do not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "engine/caa.h"

#define OURS "https://ca.example/acct/7"

static const char *const one[] = { "ca.example", NULL };
static const char *const two[] = { "ca.example", "ca-too.example", NULL };

typedef struct Case {
        const char *name;   /* NULL: "www.example.com" */
        const char *tag[4]; /* the records at the first name */
        const char *value[4];
        unsigned flags[4];
        CaaVerdict verdict;
        const char *reason; /* a part of it */
} Case;

static void feed_records(CaaClimb *c, const Case *k)
{
        LookupAnswer a = { .outcome = LOOKUP_ANSWER };

        for (size_t i = 0; i < ELEMENTSOF(k->tag) && k->tag[i]; i++)
                a.caa[a.n_caa++] = (LookupCaa){
                        .flags = k->flags[i],
                        .tag = (char *) (uintptr_t) k->tag[i],
                        .value = (char *) (uintptr_t) k->value[i],
                        .size = strlen(k->value[i]),
                };
        caa_climb_feed(c, &a);
}

static CaaQuestion question_of(const char *name)
{
        return (CaaQuestion){
                .name = name, .identities = two, .account_url = OURS, .method = "http-01"
        };
}

static void check(const Case *k)
{
        CaaQuestion q = question_of(k->name ? k->name : "www.example.com");
        CaaClimb c;

        caa_climb_init(&c, &q);
        assert_non_null(c.at);
        feed_records(&c, k);
        assert_null(c.at);
        if (c.verdict != k->verdict)
                fail_msg("%s \"%s\": %d, %s", k->tag[0], k->value[0], (int) c.verdict,
                                c.reason ? c.reason : "no reason");
        if (k->verdict == CAA_PERMITTED)
                assert_null(c.reason);
        else if (!strstr(c.reason, k->reason))
                fail_msg("'%s' is not in '%s'", k->reason, c.reason);
        caa_climb_done(&c);
}

#define PERMITTED(...)                                                                 \
        {                                                                              \
                .tag = { "issue" }, .value = { __VA_ARGS__ }, .verdict = CAA_PERMITTED \
        }
#define REFUSED(part, ...)                                                            \
        {                                                                             \
                .tag = { "issue" }, .value = { __VA_ARGS__ }, .verdict = CAA_REFUSED, \
                .reason = part,                                                       \
        }

static void test_issue(void **state)
{
        static const Case table[] = {
                PERMITTED("ca.example"), PERMITTED("CA.Example"), PERMITTED("ca-too.example"),
                PERMITTED("  ca.example\t"), PERMITTED("ca.example;"), PERMITTED("ca.example ; "),
                PERMITTED("ca.example; policy=ev"), PERMITTED("ca.example;policy=ev;x-y=1"),
                REFUSED("permit others (issue \"other.example\")", "other.example"),
                REFUSED("add the record: www.example.com. CAA 0 issue \"ca.example\"", ";"),
                REFUSED("and not this CA", ""), REFUSED("and not this CA", "ca.example.other"),
                REFUSED("and not this CA", "x.ca.example"),
                /* Not as the RFC writes it: it permits nobody. */
                REFUSED("and not this CA", "ca.example policy=ev"),
                REFUSED("and not this CA", "ca.example; policy"),
                REFUSED("and not this CA", "ca.example; =ev"),
                REFUSED("and not this CA", "ca.example; p_q=ev"),
                REFUSED("and not this CA", "ca.example; policy=a b"),
                REFUSED("and not this CA", "ca.ex\x80mple"),
                REFUSED("\\x1b", "other\033[2J"), /* escaped */
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                check(&table[i]);
}

static void test_account_and_method(void **state)
{
        static const Case table[] = {
                PERMITTED("ca.example; accounturi=" OURS),
                PERMITTED("ca.example; AccountURI = " OURS),
                REFUSED("correct it to accounturi=" OURS, "ca.example; accounturi=" OURS "7"),
                REFUSED("permits another account",
                                "ca.example; accounturi=https://CA.example/acct/7"),
                REFUSED("permits another account", "ca.example; accounturi="),
                REFUSED("permits another account",
                                "ca.example; accounturi=" OURS "; accounturi=" OURS),
                PERMITTED("ca.example; validationmethods=http-01"),
                PERMITTED("ca.example; validationmethods=dns-01,http-01"),
                REFUSED("does not permit validation by http-01",
                                "ca.example; validationmethods=dns-01"),
                REFUSED("does not permit validation by http-01",
                                "ca.example; validationmethods=http-011"),
                REFUSED("does not permit validation by http-01", "ca.example; validationmethods="),
                REFUSED("does not permit validation by http-01",
                                "ca.example; validationmethods=http-01;validationmethods=http-01"),
                PERMITTED("ca.example;accounturi=" OURS ";validationmethods=http-01"),
                REFUSED("does not permit validation",
                                "ca.example; accounturi=" OURS "; validationmethods=dns-01"),
                /* Parameters of another CA are none of ours. */
                REFUSED("and not this CA", "other.example; accounturi=" OURS),
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                check(&table[i]);
}

static void test_several_records(void **state)
{
        static const Case table[] = {
                { .tag = { "issue", "issue" },
                                .value = { "other.example", "ca.example" },
                                .verdict = CAA_PERMITTED },
                { .tag = { "issue", "issue" },
                                .value = { "ca.example; accounturi=x", "ca.example" },
                                .verdict = CAA_PERMITTED },
                /* The one that is nearest to permitting is told. */
                { .tag = { "issue", "issue", "issue" },
                                .value = { "other.example", "ca.example; accounturi=x", ";" },
                                .verdict = CAA_REFUSED,
                                .reason = "accounturi=x" },
                { .tag = { "ISSUE" },
                                .value = { "other.example" },
                                .verdict = CAA_REFUSED,
                                .reason = "and not this CA" },
                /* None that restricts. */
                { .tag = { "iodef" },
                                .value = { "mailto:a@example.com" },
                                .verdict = CAA_PERMITTED },
                { .tag = { "issuewild" }, .value = { ";" }, .verdict = CAA_PERMITTED },
                { .tag = { "issuemail" },
                                .value = { ";" },
                                .flags = { 128 },
                                .verdict = CAA_PERMITTED },
                { .tag = { "newthing" }, .value = { "x" }, .verdict = CAA_PERMITTED },
                { .tag = { "newthing" },
                                .value = { "x" },
                                .flags = { 1 },
                                .verdict = CAA_PERMITTED },
                /* Critical and unknown: whatever else there is. */
                { .tag = { "issue", "newthing" },
                                .value = { "ca.example", "x" },
                                .flags = { 0, 128 },
                                .verdict = CAA_REFUSED,
                                .reason = "critical property 'newthing'" },
                { .tag = { "issue" },
                                .value = { "ca.example" },
                                .flags = { 128 },
                                .verdict = CAA_PERMITTED },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                check(&table[i]);
}

static void test_wildcards(void **state)
{
        static const Case table[] = {
                { .name = "*.example.com",
                                .tag = { "issuewild" },
                                .value = { "ca.example" },
                                .verdict = CAA_PERMITTED },
                { .name = "*.example.com",
                                .tag = { "issue", "issuewild" },
                                .value = { "ca.example", ";" },
                                .verdict = CAA_REFUSED,
                                .reason = "example.com. CAA 0 issuewild \"ca.example\"" },
                { .name = "*.example.com",
                                .tag = { "issue", "issuewild" },
                                .value = { ";", "ca.example" },
                                .verdict = CAA_PERMITTED },
                { .name = "*.example.com",
                                .tag = { "issue" },
                                .value = { ";" },
                                .verdict = CAA_REFUSED,
                                .reason = "issue" },
                { .name = "www.example.com",
                                .tag = { "issue", "issuewild" },
                                .value = { "ca.example", ";" },
                                .verdict = CAA_PERMITTED },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                check(&table[i]);
}

/* From the name upwards, each once, never the root. */
static void test_climb(void **state)
{
        static const struct {
                const char *name;
                const char *asked[5];
        } table[] = {
                { "a.b.example.com", { "a.b.example.com", "b.example.com", "example.com", "com" } },
                { "*.example.com", { "example.com", "com" } },
                { "localhost", { "localhost" } },
                { "example.com.", { "example.com.", "com." } },
                { "192.0.2.1", {} },
                { "2001:db8::1", {} },
        };
        static const LookupOutcome nothing[] = { LOOKUP_NO_DATA, LOOKUP_NO_NAME };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                CaaQuestion q = question_of(table[i].name);
                CaaClimb c;

                caa_climb_init(&c, &q);
                for (size_t n = 0; table[i].asked[n]; n++) {
                        LookupAnswer a = { .outcome = nothing[n % 2] };

                        assert_string_equal(c.at, table[i].asked[n]);
                        caa_climb_feed(&c, &a);
                }
                assert_null(c.at);
                assert_int_equal(c.verdict, CAA_PERMITTED);
                assert_null(c.reason);
        }
}

/* What is found higher up counts, and names its place. */
static void test_parent(void **state)
{
        static const Case parent = { .tag = { "issue" }, .value = { "other.example" } };
        CaaQuestion q = question_of("www.example.com");
        LookupAnswer none = { .outcome = LOOKUP_NO_DATA };
        CaaClimb c;

        caa_climb_init(&c, &q);
        caa_climb_feed(&c, &none);
        feed_records(&c, &parent);
        assert_null(c.at);
        assert_int_equal(c.verdict, CAA_REFUSED);
        assert_non_null(strstr(c.reason, "the CAA records of example.com permit"));
        caa_climb_done(&c);
}

static void test_failures(void **state)
{
        static const LookupOutcome failures[] = { LOOKUP_BOGUS, LOOKUP_SERVFAIL, LOOKUP_REFUSED,
                LOOKUP_BAD_ANSWER, LOOKUP_TIMEOUT, LOOKUP_UNREACHABLE };

        for (size_t i = 0; i < ELEMENTSOF(failures); i++) {
                CaaQuestion q = question_of("www.example.com");
                LookupAnswer none = { .outcome = LOOKUP_NO_DATA }, bad = { .outcome = failures[i] };
                CaaClimb c;

                caa_climb_init(&c, &q);
                caa_climb_feed(&c, &none);
                caa_climb_feed(&c, &bad);
                assert_null(c.at);
                assert_int_equal(c.verdict, CAA_UNKNOWN);
                assert_non_null(strstr(c.reason, "the CAA records of example.com cannot be"));
                assert_non_null(strstr(c.reason, lookup_outcome_to_sentence(failures[i])));
                caa_climb_done(&c);
        }
}

/* A CA that does not say who it is; an account that is not there yet. */
static void test_little_known(void **state)
{
        static const char *const none[] = { NULL };
        static const Case other = { .tag = { "issue" },
                .value = { "ca.example; accounturi=https://x.example/" } };
        CaaQuestion q = question_of("www.example.com");
        CaaClimb c;

        q.identities = NULL;
        caa_climb_init(&c, &q);
        assert_null(c.at);
        q.identities = none;
        caa_climb_init(&c, &q);
        assert_null(c.at);
        assert_int_equal(c.verdict, CAA_PERMITTED);
        q.identities = one;
        q.account_url = NULL;
        caa_climb_init(&c, &q);
        feed_records(&c, &other);
        assert_int_equal(c.verdict, CAA_PERMITTED);
        caa_climb_done(&c);
}

/* A NUL within: the value is not what its text seems to be. */
static void test_nul(void **state)
{
        char tag[] = "issue", value[] = "ca.example\0; x";
        LookupAnswer a = { .outcome = LOOKUP_ANSWER, .n_caa = 1 };
        CaaQuestion q = question_of("www.example.com");
        CaaClimb c;

        a.caa[0] = (LookupCaa){ .tag = tag, .value = value, .size = sizeof(value) - 1 };
        caa_climb_init(&c, &q);
        caa_climb_feed(&c, &a);
        assert_int_equal(c.verdict, CAA_REFUSED);
        caa_climb_done(&c);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_issue),
                cmocka_unit_test(test_account_and_method),
                cmocka_unit_test(test_several_records),
                cmocka_unit_test(test_wildcards),
                cmocka_unit_test(test_climb),
                cmocka_unit_test(test_parent),
                cmocka_unit_test(test_failures),
                cmocka_unit_test(test_little_known),
                cmocka_unit_test(test_nul),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
