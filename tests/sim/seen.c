/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happened, as somebody outside with a right clock saw it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <uthash.h>

#include "seen.h"

typedef struct Entry {
        char *name;
        SimSeen seen;
        UT_hash_handle hh;
} Entry;

static Entry *entries;
static uint64_t orders_since; /* truth */
static unsigned n_parallel;

unsigned sim_orders_by_hour[SIM_HOURS];
unsigned sim_max_parallel;

SimSeen *sim_seen(const char *name)
{
        Entry *e;

        HASH_FIND_STR(entries, name, e);
        if (e)
                return &e->seen;
        e = calloc(1, sizeof(*e));
        assert_non_null(e);
        e->name = strdup(name);
        e->seen.min_gap = USEC_INFINITY;
        e->seen.min_share = UINT64_MAX;
        HASH_ADD_KEYPTR(hh, entries, e->name, strlen(e->name), e);
        return &e->seen;
}

void sim_forget_seen(void)
{
        Entry *e, *next;

        HASH_ITER (hh, entries, e, next) {
                HASH_DEL(entries, e);
                free(e->name);
                free(e);
        }
}

void sim_forget_orders(void)
{
        memset(sim_orders_by_hour, 0, sizeof(sim_orders_by_hour));
        orders_since = sim_truth();
        sim_max_parallel = 0;
}

void seen_attempt(const char *name)
{
        SimSeen *s = sim_seen(name);

        n_parallel++;
        sim_max_parallel = MAX(sim_max_parallel, n_parallel);
        s->n_attempts++;
        if (s->last_failure == 0)
                return;
        s->min_gap = MIN(s->min_gap, sim_truth() - s->last_failure);
        s->max_gap = MAX(s->max_gap, sim_truth() - s->last_failure);
}

void seen_attempt_end(void)
{
        n_parallel--;
}

void seen_order(const char *name)
{
        uint64_t hour = (sim_truth() - orders_since) / USEC_PER_HOUR;

        if (hour < SIM_HOURS)
                sim_orders_by_hour[hour]++;
        sim_seen(name)->n_orders++;
}

void seen_failure(const char *name)
{
        SimSeen *s = sim_seen(name);

        s->n_failed++;
        s->last_failure = sim_truth();
}

static void see_lapse(SimSeen *s, const StoreGeneration *in_force)
{
        uint64_t since = MAX(renew_chain_not_after(in_force->chain), s->last_issued);

        s->lapsed += usec_sub(sim_truth(), since);
}

void sim_on_switch(const char *name, const StoreGeneration *before, const StoreGeneration *now)
{
        SimSeen *s = sim_seen(name);

        if (before->id) {
                uint64_t from = renew_chain_not_before(before->chain);
                uint64_t lifetime = renew_chain_not_after(before->chain) - from;
                uint64_t share = (sim_truth() - from) * 1000 / lifetime;

                see_lapse(s, before);
                s->min_share = MIN(s->min_share, share);
                s->sum_share += share;
                s->max_share = MAX(s->max_share, share);
        }
        s->n_issued++;
        s->last_issued = sim_truth();
        s->last_failure = 0;
}

static void see_end(const char *name, const StoreGeneration *in_force)
{
        if (in_force)
                see_lapse(sim_seen(name), in_force);
}

void sim_see_end(void)
{
        sim_disk_each(see_end);
}
