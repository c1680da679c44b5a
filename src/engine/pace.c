/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pace: up to a hundred new orders go as fast as MaxParallelOrders= lets them. More than that go
 * one by one until none is left, and in an order of chance: neighbours in a configuration often
 * live equally long, and would come due together for ever.
 */

#include "base/timestamp.h"
#include "engine/pace.h"

/* A third of the bucket of 300 that Let's Encrypt gives to an account: what an administrator
 * begins in a day is not slowed down. */
#define CROWD 100U

/* Let's Encrypt refills that bucket every 36 s; a fifth is left to others who use the account. Ten
 * thousand take five days so, and come due again as far apart as they came. */
#define INTERVAL_USEC (45 * USEC_PER_SEC)

void pace_look(Pace *p, uint64_t random)
{
        if (p->n_waiting > CROWD)
                p->crowded = true;
        else if (p->n_waiting == 0)
                p->crowded = false;
        p->n_left_out = p->crowded ? (unsigned) (random % p->n_waiting) : 0;
}

bool pace_take(Pace *p, uint64_t now)
{
        if (!p->crowded)
                return true;
        if (p->next_usec > now)
                return false;
        if (p->n_left_out > 0) {
                p->n_left_out--;
                return false;
        }
        p->next_usec = usec_add(now, INTERVAL_USEC);
        return true;
}

uint64_t pace_next(const Pace *p)
{
        return p->crowded && p->n_waiting > 0 ? p->next_usec : USEC_INFINITY;
}
