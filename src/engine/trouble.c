/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trouble: the one form in which failures of an attempt reach the certificate that they happened
 * to.
 *
 * Making one must not fail: where memory is short, the text is, and the class of retry still
 * stands.
 */

#include <stdarg.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "engine/trouble.h"

/* Subproblems told one by one: enough for a person, too little to drown a log of 100 names. */
#define N_SUBPROBLEMS_SHOWN 5U

void trouble_done(Trouble *t)
{
        free(t->type);
        free(t->detail);
        free(t->where);
        *t = (Trouble){};
}

static void trouble_fill(Trouble *t, RenewRetry retry, const char *type, const char *where,
                char *detail_take)
{
        Trouble filled = {
                .type = strdup(type),
                .detail = detail_take ? detail_take : strdup("out of memory"),
                .where = strdup(where),
                .retry = retry,
        };

        trouble_done(t);
        *t = filled;
}

/* "detail (a.example: no such host; b.example: …; and 12 more)"; a long one loses its end. */
static char *problem_text(const RenewProblem *problem)
{
        Buffer b = BUFFER_INIT(LIMIT_LOG_MESSAGE);
        size_t shown = MIN(problem->n_subproblems, N_SUBPROBLEMS_SHOWN);
        int r = buffer_append(&b, problem->detail, strnlen(problem->detail, b.limit));

        for (size_t i = 0; r >= 0 && i < shown; i++) {
                const RenewSubproblem *s = &problem->subproblems[i];

                r = buffer_append_format(
                                &b, "%s%s: %s", i == 0 ? " (" : "; ", s->identifier, s->detail);
        }
        if (r >= 0 && shown < problem->n_subproblems)
                r = buffer_append_format(&b, "; and %zu more", problem->n_subproblems - shown);
        if (r >= 0 && shown > 0)
                r = buffer_append_string(&b, ")");
        if (r >= 0 && problem->instance)
                r = buffer_append_format(&b, " See %s", problem->instance);
        if (b.size > 0)
                return buffer_take(&b);
        buffer_done(&b);
        return NULL;
}

void trouble_from_problem(Trouble *t, const RenewProblem *problem)
{
        trouble_fill(t, renew_problem_retry(problem), renew_problem_type_to_string(problem->type),
                        problem->where, problem_text(problem));
        t->not_before_usec = problem->not_before;
}

void trouble_set(Trouble *t, RenewRetry retry, const char *type, const char *where,
                const char *format, ...)
{
        char text[LIMIT_LOG_MESSAGE];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        trouble_fill(t, retry, type, where, strdup(text));
}

void trouble_copy(Trouble *t, const Trouble *from)
{
        char *detail = from->detail ? strdup(from->detail) : NULL;

        trouble_fill(t, from->retry, from->type ? from->type : "unknown",
                        from->where ? from->where : "", detail);
        t->not_before_usec = from->not_before_usec;
}
