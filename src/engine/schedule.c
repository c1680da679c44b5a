/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * schedule: facts in, instant out. Nothing here is remembered: after a start, a reload or a change
 * of the clock the same question is asked again.
 */

#include "base/timestamp.h"
#include "engine/schedule.h"

/* Between a certificate's arrival and its own renewal lies this much, or a tenth of its lifetime
 * where that is less: a window that is always past must not make more than four orders a day. */
#define PATIENCE_USEC (6 * USEC_PER_HOUR)

/* By the CA's window where there is one, but never later than the lifetime permits, and earlier
 * only where the administrator wants it (RenewBefore=). */
static Schedule schedule_suggested(const ScheduleFacts *f)
{
        uint64_t due = renew_renewal_due(f->not_before, f->not_after, &f->before, f->random);
        uint64_t latest = renew_renewal_latest(f->not_before, f->not_after);
        bool wished = f->before.percent > 0 || f->before.span > 0;

        if (f->window_at == 0 || (wished && due < f->window_at))
                return (Schedule){ due, SCHEDULE_LIFETIME };
        if (latest < f->window_at)
                return (Schedule){ latest, SCHEDULE_LIFETIME };
        return (Schedule){ f->window_at, SCHEDULE_WINDOW };
}

/* Due when it came, or as good as due: in the first eighth of what was left then. */
static bool was_due_on_arrival(const ScheduleFacts *f)
{
        static const RenewBefore by_rule = {};
        uint64_t left = usec_sub(f->not_after, f->received);

        return renew_renewal_due(f->not_before, f->not_after, &by_rule, f->random) <=
               usec_add(f->received, left / 8);
}

/*
 * A certificate that was due when it came would be ordered again and again. Our clock may be ahead
 * of the CA's, or the CA hands out old ones: half of what was left then is waited for.
 */
static Schedule schedule_renewal(const ScheduleFacts *f, uint64_t now)
{
        uint64_t lifetime = usec_sub(f->not_after, f->not_before);
        Schedule s = schedule_suggested(f);

        if (f->received > now) /* by a clock that was set back since */
                return s;
        if (was_due_on_arrival(f))
                s = (Schedule){
                        .at_usec = usec_add(f->received, usec_sub(f->not_after, f->received) / 2),
                        .reason = SCHEDULE_LIFETIME,
                };
        s.at_usec = MAX(s.at_usec, usec_add(f->received, MIN(lifetime / 10, PATIENCE_USEC)));
        return s;
}

static bool is_renewal(ScheduleReason reason)
{
        return reason == SCHEDULE_LIFETIME || reason == SCHEDULE_WINDOW;
}

/* When it is wanted, were there no failures. */
static Schedule schedule_wanted(const ScheduleFacts *f, uint64_t now)
{
        if (!f->issued)
                return (Schedule){ now, SCHEDULE_MISSING };
        if (!f->as_configured)
                return (Schedule){ now, SCHEDULE_CHANGED };
        if (f->order_in_flight)
                return (Schedule){ now, SCHEDULE_RESUMED };
        return schedule_renewal(f, now);
}

Schedule schedule_plan(const ScheduleFacts *f, uint64_t now)
{
        Schedule wanted = schedule_wanted(f, now);
        RenewFailures failures = f->failures;
        uint64_t retry;

        /* The operator knows what changed outside; one attempt, whatever failed before. */
        if (f->asked)
                return (Schedule){ now, SCHEDULE_ASKED };
        if (failures.count == 0)
                return wanted;

        /* A clock that was set back must not make us wait for a time that it had already seen. */
        failures.last = MIN(failures.last, now);
        failures.first = MIN(failures.first, failures.last);
        retry = renew_renewal_retry_at(&failures, f->issued ? f->not_before : 0,
                        f->issued ? f->not_after : 0, f->failures_random);
        if (retry == USEC_INFINITY) {
                /* An attempt that came early (the operator's, say) is not the one that is due. */
                if (is_renewal(wanted.reason) && wanted.at_usec > failures.last)
                        return wanted;
                return (Schedule){ USEC_INFINITY, SCHEDULE_HELD };
        }
        if (retry < wanted.at_usec)
                return wanted;
        return (Schedule){ retry, SCHEDULE_RETRY };
}

const char *schedule_reason_to_token(ScheduleReason reason)
{
        switch (reason) {
        case SCHEDULE_MISSING:
                return "missing";
        case SCHEDULE_ASKED:
                return "asked";
        case SCHEDULE_CHANGED:
                return "changed";
        case SCHEDULE_RESUMED:
                return "resumed";
        case SCHEDULE_LIFETIME:
                return "lifetime";
        case SCHEDULE_WINDOW:
                return "window";
        case SCHEDULE_RETRY:
                return "retry";
        case SCHEDULE_HELD:
                return "held";
        }
        assert_not_reached();
}

const char *schedule_reason_to_string(ScheduleReason reason)
{
        switch (reason) {
        case SCHEDULE_MISSING:
                return "it was never issued";
        case SCHEDULE_ASKED:
                return "the operator asks for it";
        case SCHEDULE_CHANGED:
                return "its configuration changed";
        case SCHEDULE_RESUMED:
                return "its order was interrupted";
        case SCHEDULE_LIFETIME:
                return "its time has come";
        case SCHEDULE_WINDOW:
                return "the CA suggests this time";
        case SCHEDULE_RETRY:
                return "the last attempt failed";
        case SCHEDULE_HELD:
                return "it waits for a change";
        }
        assert_not_reached();
}
