/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts in, one word out: what is red needs a human, and nothing else is red. */

#include "ctl-util.h"

#include "ctl/verdict.h"

typedef struct Case {
        const char *json;
        const char *word;
        VerdictClass class;
} Case;

#define PROBLEM(retry) "'last_problem':{'type':'t','detail':'d','retry':'" retry "'}"

static const Case cases[] = {
        { "{'state':'resting','issued':" FRESH ",'deployment':{'state':'done'}}", "well",
                        VERDICT_WELL },
        { "{'state':'resting','issued':" FRESH "}", "well", VERDICT_WELL },
        { "{'state':'resting','issued':" FRESH ",'deployment':{'state':'pending'}}", "deploying",
                        VERDICT_WORKING },
        { "{'state':'resting','issued':" FRESH ",'deployment':{'state':'failed'}}", "not deployed",
                        VERDICT_ATTENTION },
        { "{'state':'unplanned','issued':null}", "unplanned", VERDICT_WORKING },
        { "{'state':'due','issued':null}", "waiting", VERDICT_WORKING },
        { "{'state':'due','issued':null,'blocked':'port 80 is taken'}", "blocked",
                        VERDICT_ATTENTION },
        /* it will be blocked one day, which is told of elsewhere */
        { "{'state':'resting','issued':" FRESH ",'blocked':'port 80 is taken'}", "well",
                        VERDICT_WELL },
        { "{'state':'issuing','issued':null}", "ordering", VERDICT_WORKING },
        /* failures that end by themselves, and those that do not */
        { "{'state':'backoff','issued':null," PROBLEM("network") "}", "retrying", VERDICT_WORKING },
        { "{'state':'backoff','issued':null," PROBLEM("validation") "}", "retrying",
                        VERDICT_ATTENTION },
        { "{'state':'backoff','issued':" FRESH "," PROBLEM("validation") "}", "retrying",
                        VERDICT_WORKING },
        { "{'state':'backoff','issued':" OLD "," PROBLEM("network") "}", "retrying",
                        VERDICT_ATTENTION },
        { "{'state':'backoff','issued':" FRESH "," PROBLEM("daily") "}", "retrying",
                        VERDICT_ATTENTION },
        { "{'state':'backoff','issued':" OVER "," PROBLEM("network") "}", "expired",
                        VERDICT_ATTENTION },
        { "{'state':'issuing','issued':" OVER "}", "expired", VERDICT_ATTENTION },
        { "{'state':'held','issued':" FRESH "," PROBLEM("held") "}", "held", VERDICT_ATTENTION },
        { "{'state':'read-only','issued':" FRESH "}", "read-only", VERDICT_ATTENTION },
        /* nobody wants it any more */
        { "{'state':'unconfigured','issued':" OVER "}", "unconfigured", VERDICT_IDLE },
        /* another renewd, or none at all */
        { "{'state':'dancing','issued':null}", "dancing", VERDICT_WORKING },
        { "{}", "unknown", VERDICT_WORKING },
        { "[]", "unknown", VERDICT_WORKING },
};

static void test_verdicts(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                json_t *json = json_of(cases[i].json);
                Verdict v = verdict_of(json, NOW);

                if (!streq(v.word, cases[i].word) || v.class != cases[i].class)
                        fail_msg("%s: '%s' (%d)", cases[i].json, v.word, (int) v.class);
                json_decref(json);
        }
}

static void test_tones_differ(void **state)
{
        for (unsigned a = 0; a < VERDICT_N_CLASSES; a++)
                for (unsigned b = 0; b < a; b++)
                        assert_int_not_equal(verdict_tone((VerdictClass) a),
                                        verdict_tone((VerdictClass) b));
}

static void test_reasons(void **state)
{
        assert_string_equal(verdict_reason("missing"), "it was never issued");
        assert_string_equal(verdict_reason("of-tomorrow"), "of-tomorrow");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_verdicts),
                cmocka_unit_test(test_tones_differ),
                cmocka_unit_test(test_reasons),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
