/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clock: the only place that reads one. Whoever decides by time gets `now` as an argument. */

#include <time.h>

#include "base/clock.h"

static uint64_t clock_usec(clockid_t id)
{
        struct timespec ts;

        if (clock_gettime(id, &ts) < 0 || ts.tv_sec < 0)
                return 0;
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

uint64_t clock_realtime_usec(void)
{
        return clock_usec(CLOCK_REALTIME);
}

uint64_t clock_boottime_usec(void)
{
        return clock_usec(CLOCK_BOOTTIME);
}

uint64_t clock_monotonic_usec(void)
{
        return clock_usec(CLOCK_MONOTONIC);
}
