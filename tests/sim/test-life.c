/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One certificate of each lifetime for years, all being well. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "sim.h"

/* What is left where acme.md's rule renews: a third, or a half below ten days; less a fiftieth; in
 * thousandths of the lifetime that have passed. The attempt itself takes up to half a minute. */
static void live(const char *lifetime, uint64_t days, unsigned from, unsigned to)
{
        _cleanup_free_ char *sections = sim_sections(lifetime, 1, NULL),
                            *name = text_format("%s-00000", lifetime);
        uint64_t span, n_lives;
        const SimSeen *s;
        unsigned backdated = 17; /* at most a sixtieth of its life is gone when it comes */

        assert_int_equal(timespan_parse(lifetime, &span), 0);
        sim_begin(1);
        sim_configure(sections);
        sim_start();
        sim_run(days * USEC_PER_DAY);
        sim_see_end();
        s = sim_seen(name);
        n_lives = days * USEC_PER_DAY / span;
        print_message("%s: %u renewals in %llu days, after %llu to %llu thousandths\n", lifetime,
                        s->n_issued, (unsigned long long) days, (unsigned long long) s->min_share,
                        (unsigned long long) s->max_share);
        assert_int_equal(s->lapsed, 0);
        assert_in_range(s->n_attempts, s->n_issued, s->n_issued + 1); /* one may be under way */
        assert_in_range(s->n_orders, s->n_issued, s->n_issued + 1);
        assert_true(s->n_issued >= n_lives * 1000 / to &&
                        s->n_issued <= n_lives * 1000 / (from - backdated) + 2);
        assert_true(s->min_share >= from && s->max_share <= to);
        /* All of the jitter is used. */
        assert_true(span < USEC_PER_DAY || (s->min_share <= from + 5 && s->max_share >= to - 5));
        sim_end();
}

static void test_90_days(void **state)
{
        live("90d", 3650, 646, 667);
}

static void test_64_days(void **state)
{
        live("64d", 3650, 646, 667);
}

static void test_45_days(void **state)
{
        live("45d", 3650, 646, 667);
}

static void test_10_days(void **state)
{
        live("10d", 3650, 646, 667);
}

static void test_160_hours(void **state)
{
        live("160h", 3650, 480, 501);
}

static void test_1_day(void **state)
{
        live("1d", 1460, 480, 501);
}

static void test_1_hour(void **state)
{
        live("1h", 365, 480, 507);
}

static void test_1_minute(void **state)
{
        live("1min", 3, 480, 900);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_90_days),
                cmocka_unit_test(test_64_days),
                cmocka_unit_test(test_45_days),
                cmocka_unit_test(test_10_days),
                cmocka_unit_test(test_160_hours),
                cmocka_unit_test(test_1_day),
                cmocka_unit_test(test_1_hour),
                cmocka_unit_test(test_1_minute),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
