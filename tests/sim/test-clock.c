/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clocks that are wrong, set, set back, and machines that sleep (reliability.md goal 9): at most
 * one order more for each certificate, none is lost, no storm. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "ca.h"

#define N_EACH 10U
#define DAY    ((int64_t) USEC_PER_DAY)
#define HOUR   ((int64_t) USEC_PER_HOUR)

static const char *const lifetimes[] = { "90d", "45d", "160h" };

static void each(void (*see)(const char *name, const SimSeen *seen, unsigned lifetime))
{
        for (unsigned l = 0; l < ELEMENTSOF(lifetimes); l++)
                for (unsigned i = 0; i < N_EACH; i++) {
                        _cleanup_free_ char *name = text_format("%s-%05u", lifetimes[l], i);

                        see(name, sim_seen(name), l);
                }
}

static void configure(void)
{
        _cleanup_free_ char *a = sim_sections(lifetimes[0], N_EACH, NULL),
                            *b = sim_sections(lifetimes[1], N_EACH, NULL),
                            *c = sim_sections(lifetimes[2], N_EACH, NULL),
                            *all = text_format("%s%s%s", a, b, c);

        sim_configure(all);
}

/* With and without the CA's windows. */
static CaWindows windows;

/* All are issued, an hour old, and what is seen is counted from here. */
static void begin(void)
{
        sim_begin(1);
        ca_set_windows(windows);
        configure();
        sim_start();
        sim_run(USEC_PER_HOUR);
        sim_forget_seen();
}

/* What failed by a wrong clock backs off as any other failure does, and an order that was kept is
 * taken up after that; all of it within a day and a quarter. */
static void check_at_most_one_order(const char *name, const SimSeen *seen, unsigned lifetime)
{
        const Certificate *c = sim_certificate(name);

        assert_true(seen->n_orders <= 1);
        assert_int_equal(seen->lapsed, 0);
        assert_true(c->state == CERTIFICATE_RESTING || c->state == CERTIFICATE_BACKOFF);
        if (c->state == CERTIFICATE_BACKOFF)
                assert_true(c->plan.at_usec <= sim_truth() + USEC_PER_DAY * 5 / 4);
}

static void check_no_order(const char *name, const SimSeen *seen, unsigned lifetime)
{
        assert_int_equal(seen->n_orders, 0);
        check_at_most_one_order(name, seen, lifetime);
}

/* Before any of them is due again, by a right clock. */
static void end(void (*see)(const char *name, const SimSeen *seen, unsigned lifetime))
{
        sim_see_end();
        each(see);
        sim_end();
}

/* The clock errs for a while, with restarts or without. */
static void err(int64_t error, uint64_t span, bool restarts,
                void (*see)(const char *name, const SimSeen *seen, unsigned lifetime))
{
        begin();
        sim_set_clock(error);
        for (unsigned i = 0; i < 10; i++) {
                if (restarts) {
                        sim_stop();
                        sim_start();
                }
                sim_run(span / 10);
        }
        sim_set_clock(0);
        /* All are at rest, and soon, whatever was planned by the wrong clock. */
        sim_run(USEC_PER_HOUR);
        end(see);
}

static void err_in_all_ways(int64_t error,
                void (*see)(const char *name, const SimSeen *seen, unsigned lifetime))
{
        for (unsigned i = 0; i < 2; i++) {
                windows.kind = i ? CA_WINDOWS_AS_USUAL : CA_NO_WINDOWS;
                err(error, 10 * USEC_PER_MIN, false, see);
                err(error, 10 * USEC_PER_MIN, true, see);
                err(error, 70 * USEC_PER_HOUR, false, see);
                err(error, 70 * USEC_PER_HOUR, true, see);
        }
        windows.kind = CA_NO_WINDOWS;
}

static void test_ten_years_back(void **state)
{
        err_in_all_ways(-3650 * DAY, check_no_order);
}

static void test_an_hour(void **state)
{
        err_in_all_ways(HOUR, check_no_order);
        err_in_all_ways(-HOUR, check_no_order);
}

static void test_sixty_days_ahead(void **state)
{
        err_in_all_ways(60 * DAY, check_at_most_one_order);
}

/* So far ahead that it reaches no CA, and all have ended by the look of it. An attempt that is
 * under way when the clock is set right may reach it. */
static void test_ten_years_ahead(void **state)
{
        err_in_all_ways(3650 * DAY, check_at_most_one_order);
}

/* To and fro, each hour for two days: no order but the first. */
static void test_swinging(void **state)
{
        begin();
        for (unsigned i = 0; i < 2 * 24; i++) {
                sim_set_clock(i % 2 ? 0 : 60 * DAY);
                sim_run(USEC_PER_HOUR);
        }
        sim_set_clock(0);
        sim_run(USEC_PER_HOUR);
        end(check_at_most_one_order);
}

/* --- an error that stays ---------------------------------------------------------------------- */

/* Sixty days ahead for a year: those that seem to end before they come cost an order a day, those
 * that seem to be due cost some more than they should, and those of 90 days never lapse. */
static void check_year_ahead(const char *name, const SimSeen *seen, unsigned lifetime)
{
        if (lifetime == 0)
                assert_int_equal(seen->lapsed, 0);
        assert_true(seen->n_orders <= 366);
}

static void year_ahead(void)
{
        begin();
        sim_set_clock(60 * DAY);
        sim_run(365 * USEC_PER_DAY);
        end(check_year_ahead);
}

static void test_a_year_ahead(void **state)
{
        year_ahead();
        windows.kind = CA_WINDOWS_AS_USUAL;
        year_ahead();
        windows.kind = CA_NO_WINDOWS;
}

/* --- from 1970 on ----------------------------------------------------------------------------- */

static void check_one_order(const char *name, const SimSeen *seen, unsigned lifetime)
{
        assert_int_equal(seen->n_orders, 1);
        assert_int_equal(seen->n_issued, 1);
        check_at_most_one_order(name, seen, lifetime);
}

/* A new machine without a battery; its clock is set after this. */
static void start_in_1970(uint64_t until_set)
{
        sim_begin(1);
        configure();
        sim_set_clock(-(int64_t) sim_truth());
        sim_start();
        sim_run(until_set);
        sim_set_clock(0);
        sim_run(USEC_PER_HOUR);
        end(check_one_order);
}

static void test_new_machine_in_1970(void **state)
{
        start_in_1970(5 * USEC_PER_SEC);
        start_in_1970(10 * USEC_PER_MIN);
        start_in_1970(3 * USEC_PER_DAY);
}

static bool is_down(const char *ca, const char *certificate, SimFault *ret)
{
        return sim_network_is_down(ca, certificate, ret);
}

static void check_tried_hourly(const char *name, const SimSeen *seen, unsigned lifetime)
{
        assert_true(seen->max_gap <= USEC_PER_HOUR * 5 / 4);
}

/* That clock must not make the streak of failures 56 years old, and patience daily. */
static void test_streak_across_1970(void **state)
{
        sim_begin(1);
        configure();
        sim_set_clock(-(int64_t) sim_truth());
        sim_set_faulty(is_down);
        sim_start();
        sim_run(10 * USEC_PER_MIN);
        sim_set_clock(0);
        sim_run(10 * USEC_PER_DAY);
        each(check_tried_hourly);
        sim_end();
}

/* A machine whose certificates are in force boots in 1970, on three mornings. */
static void test_old_machine_in_1970(void **state)
{
        begin();
        for (unsigned i = 0; i < 3; i++) {
                sim_stop();
                sim_run(12 * USEC_PER_HOUR);
                sim_set_clock(-(int64_t) sim_truth());
                sim_start();
                sim_run(12 * USEC_PER_MIN);
                sim_set_clock(0);
                sim_run(10 * USEC_PER_HOUR);
        }
        end(check_no_order);
}

/* --- backoff ---------------------------------------------------------------------------------- */

/* What failed by a clock that was ahead is tried again as soon as anything else, though the
 * configuration is loaded each minute and the engine is started every quarter of an hour: the time
 * that is waited for does not move on with each plan. */
static void test_backoff_follows_clock(void **state)
{
        sim_begin(1);
        configure();
        sim_set_faulty(is_down);
        sim_set_clock(60 * DAY);
        sim_start();
        sim_run(USEC_PER_DAY);
        sim_set_clock(0);
        sim_set_faulty(NULL);
        for (unsigned i = 0; i < 80; i++) {
                sim_reload();
                sim_run(USEC_PER_MIN);
                if (i % 15 == 0) {
                        sim_stop();
                        sim_start();
                }
        }
        each(check_one_order);
        sim_end();
}

static void check_asked(const char *name, const SimSeen *seen, unsigned lifetime)
{
        const StoreRenewalInfo *info = &sim_certificate(name)->remembered.renewal_info;

        assert_true(info->start > 0 && info->start < sim_truth() + 61 * USEC_PER_DAY);
        assert_true(info->poll_usec > sim_truth());
        assert_true(info->poll_usec <= sim_truth() + 6 * USEC_PER_HOUR);
        check_at_most_one_order(name, seen, lifetime);
}

/* The same for what the CA is asked: when it is to be asked next is not left to another clock. */
static void test_questions_follow_clock(void **state)
{
        windows.kind = CA_WINDOWS_AS_USUAL;
        begin();
        sim_set_clock(60 * DAY);
        sim_run(USEC_PER_DAY);
        sim_set_clock(0);
        sim_run(6 * USEC_PER_HOUR + USEC_PER_MIN);
        end(check_asked);
        windows.kind = CA_NO_WINDOWS;
}

/* --- sleep ------------------------------------------------------------------------------------ */

static void check_issued_once(const char *name, const SimSeen *seen, unsigned lifetime)
{
        check_at_most_one_order(name, seen, lifetime);
        assert_int_equal(seen->n_issued, 1);
}

/* Asleep when all of them came due; awake again before any of them ended. */
static void test_asleep_when_due(void **state)
{
        sim_begin(1);
        for (unsigned l = 0; l < ELEMENTSOF(lifetimes); l++) {
                static const uint64_t ages[] = { 65, 32, 4 }; /* days */
                _cleanup_free_ char *sections = sim_sections(lifetimes[l], N_EACH, NULL);

                sim_configure(sections);
                sim_start();
                sim_run(USEC_PER_DAY);
                sim_forget_seen();
                sim_suspend(ages[l] * USEC_PER_DAY);
                sim_run(10 * USEC_PER_MIN);
                sim_see_end();
                for (unsigned i = 0; i < N_EACH; i++) {
                        _cleanup_free_ char *name = text_format("%s-%05u", lifetimes[l], i);

                        check_issued_once(name, sim_seen(name), l);
                }
                sim_stop();
                sim_disk_wipe();
        }
        sim_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ten_years_back),
                cmocka_unit_test(test_an_hour),
                cmocka_unit_test(test_sixty_days_ahead),
                cmocka_unit_test(test_ten_years_ahead),
                cmocka_unit_test(test_swinging),
                cmocka_unit_test(test_a_year_ahead),
                cmocka_unit_test(test_new_machine_in_1970),
                cmocka_unit_test(test_streak_across_1970),
                cmocka_unit_test(test_old_machine_in_1970),
                cmocka_unit_test(test_backoff_follows_clock),
                cmocka_unit_test(test_questions_follow_clock),
                cmocka_unit_test(test_asleep_when_due),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
