/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Renewal at the CA's suggestion (RFC 9773), and what a CA can and cannot do with it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "ca.h"

#define N_EACH 100U

static const char *const lifetimes[] = { "90d", "45d", "160h" };

static void begin(CaWindows windows)
{
        _cleanup_free_ char *a = sim_sections(lifetimes[0], N_EACH, NULL),
                            *b = sim_sections(lifetimes[1], N_EACH, NULL),
                            *c = sim_sections(lifetimes[2], N_EACH, NULL),
                            *all = text_format("%s%s%s", a, b, c);

        sim_begin(1);
        ca_set_windows(windows);
        sim_configure(all);
        sim_start();
}

static uint64_t mean;

/* None lapsed; all were renewed after this part of their lives, in thousandths. They are in force
 * up to half a minute after the instant that was drawn. */
static void check_shares(const char *lifetime, uint64_t from, uint64_t to)
{
        uint64_t min = UINT64_MAX, max = 0, sum = 0, n = 0;

        for (unsigned i = 0; i < N_EACH; i++) {
                _cleanup_free_ char *name = text_format("%s-%05u", lifetime, i);
                const SimSeen *s = sim_seen(name);

                assert_int_equal(s->lapsed, 0);
                assert_int_equal(s->n_failed, 0);
                assert_true(s->n_issued >= 2);
                min = MIN(min, s->min_share);
                max = MAX(max, s->max_share);
                sum += s->sum_share;
                n += s->n_issued - 1;
        }
        print_message("%s: renewed after %llu to %llu thousandths, %.1f in the mean\n", lifetime,
                        (unsigned long long) min, (unsigned long long) max, (double) sum / n);
        assert_true(min >= from && max <= to);
        mean = sum / n;
}

/* A fiftieth of a lifetime wide: 3.2 hours of 160. */
static void test_inside(void **state)
{
        begin((CaWindows){ CA_WINDOWS_AS_USUAL });
        sim_run(100 * USEC_PER_DAY);
        sim_see_end();
        check_shares("90d", 656, 677);
        assert_in_range(mean, 664, 668); /* drawn once: drawn at each question it would be early */
        check_shares("45d", 656, 677);
        check_shares("160h", 490, 510);
        /* each six hours, and once more for each certificate that was issued */
        print_message("%u polls\n", ca_n_polls());
        assert_in_range(ca_n_polls(), 3 * N_EACH * 390, 3 * N_EACH * 450);
        sim_end();
}

/* The same with an engine that is stopped and started all the time: what was drawn is kept. */
static void test_restarts(void **state)
{
        begin((CaWindows){ CA_WINDOWS_AS_USUAL });
        for (unsigned i = 0; i < 100 * 24; i++) {
                sim_run(USEC_PER_MIN + sim_chance(2 * USEC_PER_HOUR - 2 * USEC_PER_MIN));
                sim_stop();
                sim_start();
        }
        sim_see_end();
        check_shares("90d", 656, 677);
        assert_in_range(mean, 664, 668); /* drawn once: drawn at each question it would be early */
        check_shares("45d", 656, 677);
        check_shares("160h", 490, 510);
        assert_true(ca_n_polls() <= 3 * N_EACH * 450);
        sim_end();
}

/* Wherever it is at each question, it is taken once, and never after its last place. */
static void test_moving(void **state)
{
        begin((CaWindows){ CA_WINDOWS_MOVE });
        sim_run(100 * USEC_PER_DAY);
        sim_see_end();
        check_shares("90d", 656, 777);
        check_shares("45d", 656, 777);
        check_shares("160h", 490, 610);
        sim_end();
}

/* A window that opens when the certificate has ended is none. */
static void test_too_late(void **state)
{
        begin((CaWindows){ CA_WINDOWS_TOO_LATE });
        sim_run(100 * USEC_PER_DAY);
        sim_see_end();
        check_shares("90d", 646, 667);
        check_shares("45d", 646, 667);
        check_shares("160h", 480, 501);
        sim_end();
}

/* The floor: a sixth, or a quarter, of the lifetime. */
static void test_late(void **state)
{
        begin((CaWindows){ CA_WINDOWS_LATE });
        sim_run(100 * USEC_PER_DAY);
        sim_see_end();
        check_shares("90d", 833, 834);
        check_shares("45d", 833, 834);
        check_shares("160h", 750, 751);
        sim_end();
}

/* --- suddenly past: what was issued is to be revoked ------------------------------------------ */

static unsigned count_orders(unsigned n_hours)
{
        unsigned n = 0;

        for (unsigned i = 0; i < n_hours; i++)
                n += sim_orders_by_hour[i];
        return n;
}

static void test_past(void **state)
{
        begin((CaWindows){ CA_WINDOWS_AS_USUAL });
        sim_run(2 * USEC_PER_DAY);
        sim_forget_seen();
        sim_forget_orders();
        ca_set_windows((CaWindows){ CA_WINDOWS_PAST });
        sim_run(7 * USEC_PER_HOUR);
        /* All know within six hours, and have half an hour to begin. */
        for (unsigned l = 0; l < ELEMENTSOF(lifetimes); l++)
                for (unsigned i = 0; i < N_EACH; i++) {
                        _cleanup_free_ char *name = text_format("%s-%05u", lifetimes[l], i);

                        assert_true(sim_seen(name)->n_issued >= 1);
                }

        /* A CA that goes on so for a week gets four orders a day from each, and no more. */
        sim_run(7 * USEC_PER_DAY);
        print_message("%u orders in a week\n", count_orders(7 * 25));
        assert_true(count_orders(7 * 25) <= 3 * N_EACH * (4 * 8 + 1));

        /* When it is over it is over. */
        ca_set_windows((CaWindows){ CA_WINDOWS_AS_USUAL });
        sim_run(7 * USEC_PER_HOUR);
        sim_forget_orders();
        sim_run(2 * USEC_PER_DAY);
        assert_int_equal(count_orders(48), 0);
        sim_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_inside),
                cmocka_unit_test(test_restarts),
                cmocka_unit_test(test_moving),
                cmocka_unit_test(test_too_late),
                cmocka_unit_test(test_late),
                cmocka_unit_test(test_past),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
