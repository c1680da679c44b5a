/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ten thousand certificates in one engine (reliability.md goal 10). */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <malloc.h>
#include <time.h>

#include "ca.h"

#define N_EACH 3334U

static const char *const lifetimes[] = { "90d", "45d", "160h" };

/* One kind after the other, as people write it. */
static void configure(void)
{
        _cleanup_free_ char *a = sim_sections(lifetimes[0], N_EACH, NULL),
                            *b = sim_sections(lifetimes[1], N_EACH, NULL),
                            *c = sim_sections(lifetimes[2], N_EACH, NULL),
                            *all = text_format("%s%s%s", a, b, c);

        sim_configure(all);
}

static double cpu_seconds(void)
{
        return (double) clock() / CLOCKS_PER_SEC;
}

/* In thousandths of the lifetime that have passed at the renewal. */
static void check_lifetime(const char *lifetime, unsigned from, unsigned to)
{
        uint64_t min = UINT64_MAX, max = 0;

        for (unsigned i = 0; i < N_EACH; i++) {
                _cleanup_free_ char *name = text_format("%s-%05u", lifetime, i);
                const SimSeen *s = sim_seen(name);

                assert_true(s->n_issued > 0);
                assert_int_equal(s->lapsed, 0);
                assert_true(s->n_orders <= s->n_issued + 1); /* one may be under way */
                min = MIN(min, s->min_share);
                max = MAX(max, s->max_share);
        }
        print_message("%s: renewed after %llu to %llu thousandths\n", lifetime,
                        (unsigned long long) min, (unsigned long long) max);
        assert_true(min >= from && max <= to);
}

/* No hour has more than three times the mean of orders. */
static void check_hours(unsigned n_hours)
{
        uint64_t n = 0;
        unsigned most = 0;

        for (unsigned i = 0; i < n_hours; i++) {
                n += sim_orders_by_hour[i];
                most = MAX(most, sim_orders_by_hour[i]);
        }
        print_message("%llu orders, %.1f in an hour, at most %u\n", (unsigned long long) n,
                        (double) n / n_hours, most);
        assert_true((uint64_t) most * n_hours <= 3 * n);
}

/* At a CA with windows, which it wants to be asked for daily. The renewals of 160 hours are inside
 * their 3.2 hours also while the crowd of the first five days is not through. */
static void test_a_year(void **state)
{
        size_t before = mallinfo2().uordblks;
        double started = cpu_seconds();

        sim_begin(1);
        ca_set_windows((CaWindows){ CA_WINDOWS_AS_USUAL, .poll_seconds = 86400 });
        configure();
        sim_start();
        print_message("start: %.1f s of CPU, %zu kB with the simulation's own\n",
                        cpu_seconds() - started, (mallinfo2().uordblks - before) / 1024);
        sim_run(365 * USEC_PER_DAY);
        sim_see_end();
        print_message("a year: %.1f s of CPU, %zu kB\n", cpu_seconds() - started,
                        (mallinfo2().uordblks - before) / 1024);
        assert_true(mallinfo2().uordblks - before < 64U * 1024 * 1024);
        assert_true(sim_max_parallel <= sim_manager()->config->daemon.max_parallel_orders);
        check_lifetime("90d", 656, 677);
        check_lifetime("45d", 656, 677);
        check_lifetime("160h", 490, 510);
        check_hours(365 * 24);
        sim_end();
}

/* The same without windows, by lifetime alone. */
static void test_by_lifetime(void **state)
{
        sim_begin(1);
        configure();
        sim_start();
        sim_run(40 * USEC_PER_DAY);
        sim_see_end();
        check_lifetime("45d", 646, 667);
        check_lifetime("160h", 480, 501);
        check_hours(40 * 24);
        sim_end();
}

/* Thirty years of ten certificates that are renewed daily (reliability.md goal 26): no memory is
 * lost on the way. */
static void test_thirty_years(void **state)
{
        _cleanup_free_ char *sections = sim_sections("2d", 10, NULL);
        size_t before;

        sim_begin(1);
        sim_configure(sections);
        sim_start();
        sim_run(365 * USEC_PER_DAY);
        before = mallinfo2().uordblks;
        sim_run(29 * 365 * USEC_PER_DAY);
        print_message("%u orders for the first of them, %td bytes of drift\n",
                        sim_seen("2d-00000")->n_orders,
                        (ptrdiff_t) (mallinfo2().uordblks - before));
        assert_true(mallinfo2().uordblks <= before + 16U * 1024);
        assert_true(sim_seen("2d-00000")->n_orders >= 30 * 365);
        sim_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_year),
                cmocka_unit_test(test_by_lifetime),
                cmocka_unit_test(test_thirty_years),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
