/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What restarts, reloads, a dead CA and one certificate's trouble do to all the others: nothing. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "sim.h"

#define N 10U

static const char *const lifetimes[] = { "90d", "45d", "160h", "1d" };

#define OTHER "letsencrypt-staging"
static const char other_ca[] = "[CA " OTHER "]\nAgreeToTerms=yes\n";

static void configure(const char *more)
{
        _cleanup_free_ char *text = strdup(more);

        for (unsigned l = 0; l < ELEMENTSOF(lifetimes); l++) {
                _cleanup_free_ char *sections = sim_sections(lifetimes[l], N, NULL), *before = text;

                text = text_format("%s%s", before, sections);
        }
        sim_configure(text);
}

/* Renewals of all that configure() knows, since sim_forget_seen(); none failed, none lapsed. */
static unsigned count_well(void)
{
        unsigned n = 0;

        sim_see_end();
        for (unsigned l = 0; l < ELEMENTSOF(lifetimes); l++)
                for (unsigned i = 0; i < N; i++) {
                        _cleanup_free_ char *name = text_format("%s-%05u", lifetimes[l], i);
                        const SimSeen *s = sim_seen(name);

                        assert_int_equal(s->lapsed, 0);
                        assert_int_equal(s->n_failed, 0);
                        assert_true(s->n_orders <= s->n_issued + 1);
                        n += s->n_issued;
                }
        return n;
}

/* --- restarts --------------------------------------------------------------------------------- */

static unsigned renewals_of_twenty_days(bool restarts)
{
        uint64_t end;
        unsigned n;

        sim_begin(1);
        configure("");
        sim_start();
        end = sim_truth() + 20 * USEC_PER_DAY;
        while (sim_truth() < end) {
                sim_run(sim_chance(10 * USEC_PER_MIN));
                if (!restarts)
                        continue;
                sim_stop();
                sim_run(sim_chance(5 * USEC_PER_SEC));
                sim_start();
        }
        n = count_well();
        sim_end();
        return n;
}

/* Six thousand restarts cost no order, and no certificate. */
static void test_restarts_cost_nothing(void **state)
{
        unsigned calm = renewals_of_twenty_days(false);
        unsigned restarted = renewals_of_twenty_days(true);

        print_message("%u renewals in 20 days, %u with restarts\n", calm, restarted);
        /* 160h and 1d are renewed 6 and 42 times each; chance moves some of them. */
        assert_in_range(restarted, calm - calm / 50, calm + calm / 50);
}

/* --- reloads ---------------------------------------------------------------------------------- */

static bool one_fails(const char *ca, const char *certificate, SimFault *ret)
{
        *ret = (SimFault){ .type = RENEW_PROBLEM_CONNECTION, .after_order = true };
        return streq(certificate, "45d-x");
}

static const char failing[] = "[Certificate 45d-x]\nNames=x.example.org\nCA=letsencrypt\n";
static const char failing_changed[] = "[Certificate 45d-x]\nNames=x.example.org y.example.org\n"
                                      "CA=letsencrypt\n";

static void test_reload_keeps_backoff(void **state)
{
        const SimSeen *s;
        unsigned n;

        sim_begin(1);
        sim_set_faulty(one_fails);
        configure(failing);
        sim_start();
        for (unsigned i = 0; i < 3 * 24 * 60; i++) {
                sim_run(USEC_PER_MIN);
                sim_reload();
        }
        s = sim_seen("45d-x");
        print_message("%u attempts in three days\n", s->n_attempts);
        /* 1 and 10 minutes, hourly for a day, daily */
        assert_in_range(s->n_attempts, 20, 30);
        assert_true(s->min_gap >= USEC_PER_MIN);
        (void) count_well();

        /* what it depends on has changed: at once */
        n = s->n_attempts;
        configure(failing_changed);
        sim_run(USEC_PER_MIN / 2);
        assert_int_equal(s->n_attempts, n + 1);
        /* and again backs off, from the first step on */
        sim_run(2 * USEC_PER_MIN);
        assert_int_equal(s->n_attempts, n + 2);
        assert_int_equal(sim_certificate("45d-x")->remembered.failures.count, 2);
        sim_end();
}

static bool one_is_rejected(const char *ca, const char *certificate, SimFault *ret)
{
        *ret = (SimFault){ .type = RENEW_PROBLEM_REJECTED_IDENTIFIER };
        return streq(certificate, "45d-x");
}

/* Held through reloads, restarts and a year, until it changes. */
static void test_held_until_changed(void **state)
{
        const SimSeen *s;

        sim_begin(1);
        sim_set_faulty(one_is_rejected);
        configure(failing);
        sim_start();
        for (unsigned i = 0; i < 365; i++) {
                sim_run(USEC_PER_DAY);
                sim_reload();
                sim_stop();
                sim_start();
        }
        s = sim_seen("45d-x");
        assert_int_equal(s->n_attempts, 1);
        assert_int_equal(sim_certificate("45d-x")->state, CERTIFICATE_HELD);
        configure(failing_changed);
        sim_run(USEC_PER_MIN);
        assert_int_equal(s->n_attempts, 2);
        assert_int_equal(certificate_renew_now(sim_certificate("45d-x")), 0);
        sim_run(USEC_PER_MIN);
        assert_int_equal(s->n_attempts, 3);
        sim_end();
}

/* --- one in trouble --------------------------------------------------------------------------- */

static bool others_fail(const char *ca, const char *certificate, SimFault *ret)
{
        *ret = (SimFault){
                .type = sim_chance(2) ? RENEW_PROBLEM_CONNECTION : RENEW_PROBLEM_RATE_LIMITED,
                .retry_after_usec = sim_chance(2) ? 0 : sim_chance(3 * USEC_PER_HOUR),
                .after_order = sim_chance(2),
        };
        return strstr(certificate, "-bad-");
}

/* More of them are in trouble than are well, at the same CA. */
static void test_trouble_stays_where_it_is(void **state)
{
        _cleanup_free_ char *bad = sim_sections("90d-bad", 5 * N, NULL);

        sim_begin(1);
        sim_set_faulty(others_fail);
        configure(bad);
        sim_start();
        sim_run(200 * USEC_PER_DAY);
        (void) count_well();
        for (unsigned i = 0; i < 5 * N; i++) {
                _cleanup_free_ char *name = text_format("90d-bad-%05u", i);

                assert_int_equal(sim_seen(name)->n_issued, 0);
                assert_true(sim_seen(name)->n_attempts >= 50);
                assert_true(sim_seen(name)->min_gap >= USEC_PER_MIN);
        }
        assert_in_range(sim_max_parallel, 1, 4);
        sim_end();
}

static bool other_is_dead(const char *ca, const char *certificate, SimFault *ret)
{
        return streq(ca, OTHER) && sim_network_is_down(ca, certificate, ret);
}

static void test_one_dead_ca(void **state)
{
        _cleanup_free_ char *dead = sim_sections("90d-dead", 500, OTHER),
                            *more = text_format("%s%s", other_ca, dead);
        unsigned n;

        sim_begin(1);
        sim_set_faulty(other_is_dead);
        configure(more);
        sim_start();
        /* Those of the CA that is well do not wait behind the crowd at the dead one. */
        sim_run(5 * USEC_PER_MIN);
        assert_int_equal(count_well(), ELEMENTSOF(lifetimes) * N);
        sim_run(100 * USEC_PER_DAY);
        n = count_well();

        /* When it is back, all that were never issued are issued within a step and the crowd's
         * time. */
        sim_set_faulty(NULL);
        sim_run(USEC_PER_DAY * 5 / 4 + 500 * 45 * USEC_PER_SEC + USEC_PER_MIN);
        assert_true(count_well() >= n);
        for (unsigned i = 0; i < 500; i++) {
                _cleanup_free_ char *name = text_format("90d-dead-%05u", i);

                assert_int_equal(sim_seen(name)->n_issued, 1);
        }
        sim_end();
}

/* A hundred that are due at once: four at a time, and soon done, since a hundred are no crowd. */
static void test_parallel(void **state)
{
        static const unsigned wishes[] = { 1, 4, 10 };

        for (unsigned i = 0; i < ELEMENTSOF(wishes); i++) {
                _cleanup_free_ char *sections = sim_sections("90d", 100, NULL),
                                    *text = text_format("[Daemon]\nMaxParallelOrders=%u\n%s",
                                                    wishes[i], sections);

                sim_begin(1);
                sim_configure(text);
                sim_start();
                sim_run(100 * 23 * USEC_PER_SEC / wishes[i] + 23 * USEC_PER_SEC);
                assert_int_equal(sim_max_parallel, wishes[i]);
                for (unsigned k = 0; k < 100; k++) {
                        _cleanup_free_ char *name = text_format("90d-%05u", k);

                        assert_int_equal(sim_seen(name)->n_issued, 1);
                }
                sim_end();
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_restarts_cost_nothing),
                cmocka_unit_test(test_reload_keeps_backoff),
                cmocka_unit_test(test_held_until_changed),
                cmocka_unit_test(test_trouble_stays_where_it_is),
                cmocka_unit_test(test_one_dead_ca),
                cmocka_unit_test(test_parallel),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
