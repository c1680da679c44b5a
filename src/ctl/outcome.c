/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * outcome: told from what is in force and what failed, not from the states on the way, because
 * between two looks a certificate can have passed through all of them.
 */

#include "ctl/outcome.h"
#include "ctl/shown.h"

static int copy(const char *s, char **ret)
{
        *ret = s ? strdup(s) : NULL;
        return s && !*ret ? -ENOMEM : 0;
}

int outcome_start(OutcomeStart *start, const json_t *certificate)
{
        const json_t *issued = json_object_get(certificate, "issued");
        const json_t *problem = json_object_get(certificate, "last_problem");
        OutcomeStart s = { .failures = json_integer_value(
                                           json_object_get(certificate, "failures")) };

        if (copy(shown_text(issued, "generation"), &s.generation) < 0 ||
                        copy(shown_text(problem, "when"), &s.failed_at) < 0) {
                outcome_start_done(&s);
                return -ENOMEM;
        }
        *start = s;
        return 0;
}

void outcome_start_done(OutcomeStart *start)
{
        free(start->generation);
        free(start->failed_at);
        *start = (OutcomeStart){};
}

static Outcome outcome_of_deployment(const json_t *certificate, const char **ret_reason)
{
        const json_t *deployment = json_object_get(certificate, "deployment");
        const char *state = shown_text_or(deployment, "state", "none");

        if (streq(state, "pending"))
                return OUTCOME_PENDING;
        if (!streq(state, "failed"))
                return OUTCOME_RENEWED;
        *ret_reason = shown_text_or(deployment, "problem", "it could not be deployed");
        return OUTCOME_FAILED;
}

static bool failed_since(const OutcomeStart *start, const json_t *certificate)
{
        const json_t *problem = json_object_get(certificate, "last_problem");
        json_int_t failures = json_integer_value(json_object_get(certificate, "failures"));

        return json_is_object(problem) &&
               (failures != start->failures ||
                               !streq_ptr(shown_text(problem, "when"), start->failed_at));
}

Outcome outcome_of(const OutcomeStart *start, const json_t *certificate, const char **ret_reason)
{
        const json_t *issued = json_object_get(certificate, "issued");
        const json_t *problem = json_object_get(certificate, "last_problem");
        const char *generation = shown_text(issued, "generation");
        const char *state = shown_text_or(certificate, "state", "unconfigured");

        if (generation && !streq_ptr(generation, start->generation))
                return outcome_of_deployment(certificate, ret_reason);
        if (failed_since(start, certificate))
                *ret_reason = shown_text_or(problem, "detail", "it does not say why");
        else if (streq(state, "unconfigured"))
                *ret_reason = "it is not configured any more";
        else if (streq(state, "due") && shown_text(certificate, "blocked"))
                *ret_reason = shown_text(certificate, "blocked");
        else
                return OUTCOME_PENDING;
        return OUTCOME_FAILED;
}
