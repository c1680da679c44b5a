/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * renew-wait: looks at the certificates twice a second until all have come to their end. On a
 * terminal one line of stderr shows what is under way meanwhile; it is gone when that is over.
 */

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "ctl/command.h"
#include "ctl/renew.h"
#include "ctl/shown.h"

static const struct timespec between_looks = { .tv_nsec = 500 * 1000 * 1000 };

/* --- the line of progress --------------------------------------------------------------------- */

static bool progress_is_shown(void)
{
        const char *term = getenv("TERM");

        return isatty(STDERR_FILENO) && term && !streq(term, "dumb");
}

static void progress_clear(void)
{
        if (progress_is_shown())
                (void) fputs("\r\033[K", stderr);
}

/* "2 of 3 under way: a.example (issuing: validating), 12 s" */
static void progress_show(const Renewal *renewals, size_t n, uint64_t since)
{
        const Renewal *first = NULL;
        char span[TIMESTAMP_MAX], line[80]; /* what wraps cannot be cleared */
        size_t n_left = 0;

        if (!progress_is_shown())
                return;
        for (size_t i = 0; i < n; i++)
                if (!renewals[i].ended && n_left++ == 0)
                        first = &renewals[i];
        if (first) {
                const json_t *order = json_object_get(first->certificate, "order");
                const char *step = shown_text(order, "state");
                uint64_t seconds = MAX(since / USEC_PER_SEC, UINT64_C(1));

                (void) snprintf(line, sizeof(line), "%zu of %zu under way: %s (%s%s%s), %s", n_left,
                                n, first->name,
                                shown_text_or(first->certificate, "state", "unknown"),
                                step ? ": " : "", step ? step : "",
                                timespan_format(span, seconds * USEC_PER_SEC));
                (void) fprintf(stderr, "\r\033[K%s", line);
                (void) fflush(stderr);
        }
}

/* --- looking ---------------------------------------------------------------------------------- */

static void renewal_tell(Renewal *renewal, Outcome outcome, const char *reason, bool tell)
{
        const json_t *issued = json_object_get(renewal->certificate, "issued");
        const json_t *deployment = json_object_get(renewal->certificate, "deployment");
        const char *did = shown_text_or(deployment, "detail", "");

        progress_clear();
        if (outcome == OUTCOME_FAILED)
                log_error("%s: %s", renewal->name, reason);
        else if (tell)
                (void) printf("%s: renewed, valid until %s%s%s\n", renewal->name,
                                shown_text_or(issued, "not_after", "-"), *did ? "; " : "", did);
        (void) fflush(stdout);
}

/* Return: CTL_WELL also while it goes on; CTL_FAILED when it failed. */
static int renewal_look(Renewal *renewal, json_t *certificate, bool tell)
{
        const char *reason = "it is not there any more";
        Outcome outcome = certificate ? outcome_of(&renewal->start, certificate, &reason)
                                      : OUTCOME_FAILED;

        json_incref(certificate);
        json_decref(renewal->certificate);
        renewal->certificate = certificate;
        renewal->ended = outcome != OUTCOME_PENDING;
        if (renewal->ended)
                renewal_tell(renewal, outcome, reason, tell);
        return outcome == OUTCOME_FAILED ? CTL_FAILED : CTL_WELL;
}

static json_t *find(const json_t *array, const char *name)
{
        json_t *item;
        size_t i;

        json_array_foreach ((json_t *) (uintptr_t) array, i, item)
                if (streq(shown_text_or(item, "name", ""), name))
                        return item;
        return NULL;
}

/* renewd answers and cannot say how they are. Return: what to exit with. */
static int give_up(Renewal *renewals, size_t n, const Answer *answer)
{
        progress_clear();
        for (size_t i = 0; i < n; i++)
                renewals[i].ended = true;
        return answer_check(answer);
}

static int look_at_one(Client *client, Renewal *renewal, bool tell)
{
        _cleanup_answer_ Answer answer = {};
        int r = client_ask_of(client, "GET", renewal->name, "", &answer);

        if (r == CTL_WELL && answer.status != 200 && answer.status != 404)
                return give_up(renewal, 1, &answer);
        if (r == CTL_WELL && shown_escape(answer.json) < 0)
                r = CTL_FAILED;
        return r != CTL_WELL ? r
                             : renewal_look(renewal, json_object_get(answer.json, "certificate"),
                                               tell);
}

static int look_at_all(Client *client, Renewal *renewals, size_t n, bool tell)
{
        _cleanup_answer_ Answer answer = {};
        int result, r;

        result = client_ask(client, "GET", "/v1/certificates", &answer);
        if (result != CTL_WELL)
                return result;
        if (answer.status != 200)
                return give_up(renewals, n, &answer);
        if (shown_escape(answer.json) < 0)
                return CTL_FAILED;
        for (size_t i = 0; i < n; i++) {
                if (renewals[i].ended)
                        continue;
                r = renewal_look(&renewals[i],
                                find(json_object_get(answer.json, "certificates"),
                                                renewals[i].name),
                                tell);
                result = MAX(result, r);
        }
        return result;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static size_t count_left(const Renewal *renewals, size_t n)
{
        size_t n_left = 0;

        for (size_t i = 0; i < n; i++)
                n_left += !renewals[i].ended;
        return n_left;
}

static int tell_timeout(const Renewal *renewals, size_t n, uint64_t timeout)
{
        char span[TIMESTAMP_MAX];

        progress_clear();
        for (size_t i = 0; i < n; i++)
                if (!renewals[i].ended)
                        log_error("%s: not done within %s; renewd goes on with it (renewctl show "
                                  "%s)",
                                        renewals[i].name, timespan_format(span, timeout),
                                        renewals[i].name);
        return CTL_FAILED;
}

int renewals_wait(Client *client, Renewal *renewals, size_t n, uint64_t timeout, bool tell)
{
        uint64_t begin = clock_boottime_usec();
        int result = CTL_WELL, r;

        while (count_left(renewals, n) > 0) {
                uint64_t since = clock_boottime_usec() - begin;

                if (since >= timeout)
                        return tell_timeout(renewals, n, timeout);
                progress_show(renewals, n, since);
                (void) nanosleep(&between_looks, NULL);
                r = n == 1 ? look_at_one(client, renewals, tell)
                           : look_at_all(client, renewals, n, tell);
                result = MAX(result, r);
                if (r == CTL_UNREACHABLE) {
                        progress_clear();
                        break;
                }
        }
        return result;
}
