/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When to renew, and when to try again: arithmetic on instants, the one table of it.
 *
 * Everything is a fraction of the lifetime that the certificate itself has, because lifetimes are
 * about to fall from 90 days to 45 and have fallen to six, and a rule of "30 days before" renews a
 * six-day certificate for ever.
 */

#include <renew/renewal.h>

#include "base/macros.h"
#include "base/timestamp.h"

#define SHORT_LIFETIME (10 * USEC_PER_DAY)

/* usec * numerator / denominator, where the result fits. */
static RenewUsec scale(RenewUsec usec, uint64_t numerator, uint64_t denominator)
{
        return (RenewUsec) ((unsigned __int128) usec * numerator / denominator);
}

/* A span from 0 to max, the same for the same random number. */
static RenewUsec jitter(RenewUsec max, uint64_t random)
{
        return scale(max, random >> 32, UINT64_C(1) << 32);
}

RENEW_PUBLIC RenewUsec renew_renewal_due(RenewUsec not_before, RenewUsec not_after,
                const RenewBefore *before, uint64_t random)
{
        RenewUsec lifetime = usec_sub(not_after, not_before), left;

        if (before->percent > 0)
                left = scale(lifetime, before->percent, 100);
        else if (before->span > 0)
                left = before->span;
        else
                left = lifetime / (lifetime < SHORT_LIFETIME ? 2 : 3);
        left = MIN(usec_add(left, jitter(lifetime / 50, random)), lifetime - lifetime / 10);
        return not_after - MIN(left, not_after);
}

/* --- after a failure -------------------------------------------------------------------------- */

/* 1, 10, 100 minutes after the first, second, third failure. */
static const RenewUsec first_intervals[] = { USEC_PER_MIN, 10 * USEC_PER_MIN, 100 * USEC_PER_MIN };

/* How long the failing has gone on at the last failure. */
static RenewUsec streak(const RenewFailures *f)
{
        return usec_sub(f->last, f->first);
}

/* There is a certificate, and it has some time left. */
static RenewUsec interval_in_force(const RenewFailures *f, RenewUsec left, RenewUsec day)
{
        RenewUsec interval = 6 * USEC_PER_HOUR;

        if (f->count <= ELEMENTSOF(first_intervals))
                return first_intervals[f->count - 1];
        if (f->retry == RENEW_RETRY_VALIDATION && streak(f) >= day)
                interval = USEC_PER_DAY;
        return MAX(MIN(interval, left / 10), 30 * USEC_PER_MIN);
}

/*
 * There is none, or it has ended: somebody waits for it, but perhaps nobody ever will. Patience
 * counts from the end of the certificate, however long it failed before: that is when it hurts.
 */
static RenewUsec interval_without(const RenewFailures *f, RenewUsec not_after, RenewUsec day)
{
        RenewUsec without = usec_sub(f->last, MAX(f->first, not_after));

        if (f->count <= 2)
                return first_intervals[f->count - 1];
        if (f->retry == RENEW_RETRY_VALIDATION)
                return streak(f) < day      ? USEC_PER_HOUR
                       : without < 31 * day ? USEC_PER_DAY
                                            : 7 * USEC_PER_DAY;
        return without < 30 * day ? USEC_PER_HOUR : USEC_PER_DAY;
}

RENEW_PUBLIC RenewUsec renew_renewal_retry_at(const RenewFailures *failures, RenewUsec not_before,
                RenewUsec not_after, uint64_t random)
{
        RenewUsec lifetime = usec_sub(not_after, not_before);
        RenewUsec interval = USEC_PER_DAY, day = USEC_PER_DAY, left;
        bool tiny = lifetime > 0 && lifetime < USEC_PER_DAY;

        assert(failures->count > 0);
        left = usec_sub(not_after, failures->last);
        if (tiny) {
                /* The table is told in days; this certificate's whole life is one. */
                day = lifetime;
                left = scale(MIN(left, lifetime), USEC_PER_DAY, lifetime);
        }
        switch (failures->retry) {
        case RENEW_RETRY_NOW:
        case RENEW_RETRY_NETWORK:
        case RENEW_RETRY_VALIDATION:
                interval = left > 0 ? interval_in_force(failures, left, day)
                                    : interval_without(failures, not_after, day);
                break;
        case RENEW_RETRY_DAILY:
                break;
        case RENEW_RETRY_HELD:
                return RENEW_USEC_NEVER;
        }
        if (tiny)
                interval = MAX(scale(interval, lifetime, USEC_PER_DAY), USEC_PER_SEC);
        interval = usec_add(interval, jitter(interval / 4, random));
        return MAX(usec_add(failures->last, interval), failures->not_before);
}
