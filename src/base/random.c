/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* random: spread in time. Pure functions get the number as an argument, so that tests choose it. */

#include <sys/random.h>

#include "base/clock.h"
#include "base/random.h"

uint64_t random_u64(void)
{
        uint64_t n;

        if (getrandom(&n, sizeof(n), GRND_NONBLOCK) != sizeof(n))
                n = clock_monotonic_usec() * UINT64_C(6364136223846793005); /* early boot */
        return n;
}
