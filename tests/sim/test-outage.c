/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Long outages, with an engine that is stopped and started at random moments: what is asked of the
 * CA meanwhile, and how soon all is well afterwards (acme.md section 14, reliability.md goal 8). */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "sim.h"

#define N_CERTIFICATES 20U
#define N_RESTARTS     200U

/* An attempt that reaches its CA is done in this. */
#define ATTEMPT USEC_PER_MIN
/* Every interval is up to a quarter longer than the table says. */
#define JITTERED(span) ((span) + (span) / 4)

typedef struct Outage {
        const char *lifetime;
        uint64_t before, span;
        unsigned max_attempts;
        uint64_t step; /* the longest interval at its end */
        bool lapses;   /* it is longer than what is left of the certificate */
} Outage;

static void restart(void)
{
        sim_stop();
        sim_run(USEC_PER_SEC + sim_chance(USEC_PER_MIN));
        sim_start();
}

/* N_RESTARTS at random moments of the span. */
static void run_with_restarts(uint64_t span)
{
        uint64_t end = sim_truth() + span;

        for (unsigned i = 0; i < N_RESTARTS; i++) {
                sim_run(sim_chance(2 * (end - sim_truth()) / (N_RESTARTS + 1 - i)));
                if (sim_truth() + 2 * USEC_PER_MIN < end)
                        restart();
        }
        sim_run(end - sim_truth());
}

static void check_certificate(const char *name, const Outage *o, unsigned *ret_most)
{
        const SimSeen *s = sim_seen(name);

        assert_true(s->min_gap >= USEC_PER_MIN);
        assert_true(s->max_gap <= USEC_PER_DAY);
        assert_true(s->n_attempts <= o->max_attempts);
        assert_int_equal(s->n_issued, 1);
        if (!o->lapses)
                assert_int_equal(s->lapsed, 0);
        *ret_most = MAX(*ret_most, s->n_attempts);
}

static void outage(const Outage *o, uint64_t seed)
{
        _cleanup_free_ char *sections = sim_sections(o->lifetime, N_CERTIFICATES, NULL);
        unsigned most = 0;

        sim_begin(seed);
        sim_configure(sections);
        sim_start();
        sim_run(o->before);

        sim_forget_seen();
        sim_set_faulty(sim_network_is_down);
        run_with_restarts(o->span);
        sim_set_faulty(NULL);
        sim_run(JITTERED(o->step) + N_CERTIFICATES / 4 * ATTEMPT);

        sim_see_end();
        for (unsigned i = 0; i < N_CERTIFICATES; i++) {
                _cleanup_free_ char *name = text_format("%s-%05u", o->lifetime, i);

                check_certificate(name, o, &most);
                assert_int_equal(sim_certificate(name)->state, CERTIFICATE_RESTING);
                assert_int_equal(sim_certificate(name)->remembered.failures.count, 0);
        }
        print_message("at most %u attempts\n", most);
        sim_end();
}

static void test_ten_days(void **state)
{
        for (uint64_t seed = 1; seed <= 5; seed++)
                outage(
                                &(Outage){
                                                .lifetime = "90d",
                                                .before = 58 * USEC_PER_DAY,
                                                .span = 10 * USEC_PER_DAY,
                                                .max_attempts = 60,
                                                .step = 6 * USEC_PER_HOUR,
                                },
                                seed);
}

/* It ends after three days; from then on hourly, which are at most 168 attempts. Before, a tenth of
 * what is left, but half an hour, are 40. */
static void test_ten_days_of_a_short_one(void **state)
{
        for (uint64_t seed = 1; seed <= 5; seed++)
                outage(
                                &(Outage){
                                                .lifetime = "160h",
                                                .before = 75 * USEC_PER_HOUR,
                                                .span = 10 * USEC_PER_DAY,
                                                .max_attempts = 40 + 168,
                                                .step = USEC_PER_HOUR,
                                                .lapses = true,
                                },
                                seed);
}

/* 30 days at four a day, 40 while the end comes near, 10 days at one an hour. */
static void test_forty_days(void **state)
{
        for (uint64_t seed = 1; seed <= 5; seed++)
                outage(
                                &(Outage){
                                                .lifetime = "90d",
                                                .before = 58 * USEC_PER_DAY,
                                                .span = 42 * USEC_PER_DAY,
                                                .max_attempts = 120 + 40 + 240,
                                                .step = USEC_PER_HOUR,
                                                .lapses = true,
                                },
                                seed);
}

/* --- a million failures ----------------------------------------------------------------------- */

static bool validation_fails(const char *ca, const char *certificate, SimFault *ret)
{
        *ret = (SimFault){ .type = RENEW_PROBLEM_CONNECTION };
        return true;
}

/* Fails for longer than renewd, TLS and the calendar will be around. */
static void fail_for_ever(SimFaulty faulty, unsigned n_failures, uint64_t min_gap, uint64_t max_gap)
{
        _cleanup_free_ char *sections = sim_sections("90d", 1, NULL);
        const SimSeen *s;

        sim_begin(1);
        sim_configure(sections);
        sim_set_faulty(faulty);
        sim_start();
        sim_run(100 * USEC_PER_DAY);
        sim_forget_seen();
        s = sim_seen("90d-00000");
        while (s->n_failed < n_failures)
                sim_run(1000 * USEC_PER_DAY);
        /* and what no number of days reaches */
        sim_certificate("90d-00000")->remembered.failures.count = UINT32_MAX - 2;
        sim_run(100 * max_gap);
        assert_int_equal(sim_certificate("90d-00000")->remembered.failures.count, UINT32_MAX);
        assert_true(s->min_gap >= min_gap && s->max_gap <= max_gap);

        /* and when it is over, it is over */
        sim_set_faulty(NULL);
        sim_run(max_gap + ATTEMPT);
        assert_int_equal(s->n_issued, 1);
        sim_end();
}

static void test_million_failures(void **state)
{
        fail_for_ever(sim_network_is_down, 1000000, USEC_PER_DAY, JITTERED(USEC_PER_DAY));
}

/* One a week. */
static void test_two_thousand_years_of_bad_validation(void **state)
{
        fail_for_ever(validation_fails, 100000, 7 * USEC_PER_DAY, JITTERED(7 * USEC_PER_DAY));
}

/* --- what the CA asks for --------------------------------------------------------------------- */

static bool retry_after_two_days(const char *ca, const char *certificate, SimFault *ret)
{
        *ret = (SimFault){
                .type = RENEW_PROBLEM_RATE_LIMITED,
                .retry_after_usec = 2 * USEC_PER_DAY,
        };
        return true;
}

static void test_retry_after_is_a_minimum(void **state)
{
        _cleanup_free_ char *sections = sim_sections("90d", N_CERTIFICATES, NULL);

        sim_begin(1);
        sim_configure(sections);
        sim_set_faulty(retry_after_two_days);
        sim_start();
        run_with_restarts(30 * USEC_PER_DAY);
        for (unsigned i = 0; i < N_CERTIFICATES; i++) {
                _cleanup_free_ char *name = text_format("90d-%05u", i);

                assert_true(sim_seen(name)->min_gap >= 2 * USEC_PER_DAY);
                assert_in_range(sim_seen(name)->n_attempts, 10, 16);
        }
        sim_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ten_days),
                cmocka_unit_test(test_ten_days_of_a_short_one),
                cmocka_unit_test(test_forty_days),
                cmocka_unit_test(test_million_failures),
                cmocka_unit_test(test_two_thousand_years_of_bad_validation),
                cmocka_unit_test(test_retry_after_is_a_minimum),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
