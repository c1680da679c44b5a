/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When `renewctl renew --wait` ends, and how. */

#include "ctl-util.h"

#include "ctl/outcome.h"

#define FAILED(n, when) \
        "'failures':" #n ",'last_problem':{'detail':'the CA is shut','when':'" when "'}"
#define EARLIER "2026-11-23T00:00:00Z"
#define LATER   "2026-11-24T00:00:00Z"
#define NEW     "'issued':{'generation':'g2'}"
#define SAME    "'issued':{'generation':'g1'}"

typedef struct Case {
        const char *start, *then;
        Outcome outcome;
        const char *reason; /* NULL: none */
} Case;

static const Case cases[] = {
        { "{'issued':null}", "{'state':'issuing','issued':null}", OUTCOME_PENDING, NULL },
        { "{'issued':null}", "{'state':'resting'," NEW ",'deployment':{'state':'none'}}",
                        OUTCOME_RENEWED, NULL },
        { "{" SAME "}", "{'state':'resting'," SAME "}", OUTCOME_PENDING, NULL },
        { "{" SAME "}", "{'state':'resting'," NEW ",'deployment':{'state':'pending'}}",
                        OUTCOME_PENDING, NULL },
        { "{" SAME "}", "{'state':'resting'," NEW ",'deployment':{'state':'done'}}",
                        OUTCOME_RENEWED, NULL },
        { "{" SAME "}",
                        "{'state':'resting'," NEW
                        ",'deployment':{'state':'failed','problem':'nginx "
                        "is ill'}}",
                        OUTCOME_FAILED, "nginx is ill" },
        /* a failure of before is not one of this attempt */
        { "{" SAME "," FAILED(3, EARLIER) "}",
                        "{'state':'issuing'," SAME "," FAILED(3, EARLIER) "}", OUTCOME_PENDING,
                        NULL },
        { "{" SAME "," FAILED(3, EARLIER) "}", "{'state':'backoff'," SAME "," FAILED(4, LATER) "}",
                        OUTCOME_FAILED, "the CA is shut" },
        { "{" SAME "," FAILED(1, EARLIER) "}", "{'state':'held'," SAME "," FAILED(1, LATER) "}",
                        OUTCOME_FAILED, "the CA is shut" },
        { "{" SAME ",'failures':0}", "{'state':'issuing'," SAME "," FAILED(1, LATER) "}",
                        OUTCOME_FAILED, "the CA is shut" },
        /* nothing will happen before a human acts */
        { "{" SAME "}", "{'state':'due'," SAME ",'blocked':'port 80 is taken'}", OUTCOME_FAILED,
                        "port 80 is taken" },
        { "{" SAME "}", "{'state':'unconfigured'," SAME "}", OUTCOME_FAILED,
                        "it is not configured any more" },
        { "{" SAME "}", "{}", OUTCOME_FAILED, "it is not configured any more" },
};

static void test_outcomes(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                json_t *before = json_of(cases[i].start), *then = json_of(cases[i].then);
                const char *reason = NULL;
                OutcomeStart start;

                assert_int_equal(outcome_start(&start, before), 0);
                json_decref(before);
                if (outcome_of(&start, then, &reason) != cases[i].outcome ||
                                !streq_ptr(reason, cases[i].reason))
                        fail_msg("%s: %s", cases[i].then, reason ? reason : "no reason");
                json_decref(then);
                outcome_start_done(&start);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_outcomes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
