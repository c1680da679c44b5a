/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The same world with real attempts: issuance.c and librenew against a CA in this process. What
 * attempts.c makes believe must hold here too. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "ca.h"

static const char *const names[] = { "90d-00000", "45d-00000", "160h-00000" };

/* Of the simulation with attempts.c only. */
void sim_set_faulty(SimFaulty faulty)
{
}

static void begin(void)
{
        sim_begin(1);
        sim_configure("[Certificate 90d-00000]\nNames=90d-00000.example.org\nCA=letsencrypt\n"
                      "[Certificate 45d-00000]\nNames=45d-00000.example.org\nCA=letsencrypt\n"
                      "[Certificate 160h-00000]\nNames=160h-00000.example.org\nCA=letsencrypt\n");
        sim_start();
}

static void end(void)
{
        sim_stop();
        assert_int_equal(sim_n_presented(), 0);
        sim_end();
}

static void restart(void)
{
        sim_stop();
        sim_run(sim_chance(5 * USEC_PER_SEC));
        sim_start();
}

/* None lapsed, and no order was made in vain. */
static void check_well(unsigned orders_in_vain)
{
        sim_see_end();
        for (unsigned i = 0; i < ELEMENTSOF(names); i++) {
                const SimSeen *s = sim_seen(names[i]);

                assert_int_equal(s->lapsed, 0);
                assert_true(s->n_orders <= s->n_issued + orders_in_vain);
                assert_int_equal(sim_certificate(names[i])->state, CERTIFICATE_RESTING);
        }
}

static void test_a_year(void **state)
{
        begin();
        sim_run(365 * USEC_PER_DAY);
        check_well(0);
        assert_in_range(sim_seen("90d-00000")->n_issued, 6, 7);
        assert_in_range(sim_seen("45d-00000")->n_issued, 12, 13);
        assert_in_range(sim_seen("160h-00000")->n_issued, 109, 116);
        assert_in_range(sim_seen("160h-00000")->min_share, 480, 501);
        end();
}

static void test_nonces(void **state)
{
        begin();
        ca_set_weather(CA_FORGETS_NONCES);
        sim_run(30 * USEC_PER_DAY);
        ca_set_weather(CA_WELL);
        sim_run(2 * USEC_PER_DAY);
        check_well(0);
        end();
}

/* The engine is stopped every few seconds until all are issued: each order goes on where it was. */
static void test_restarts_in_the_midst(void **state)
{
        begin();
        for (unsigned i = 0; i < 300; i++) {
                sim_run(sim_chance(3 * USEC_PER_SEC));
                restart();
        }
        sim_run(USEC_PER_MIN);
        for (unsigned i = 0; i < ELEMENTSOF(names); i++) {
                assert_int_equal(sim_seen(names[i])->n_issued, 1);
                /* a crash between newOrder and its answer leaves an order that nobody knows of */
                assert_in_range(sim_seen(names[i])->n_orders, 1, 5);
        }
        end();
}

static void test_ten_days_dead(void **state)
{
        begin();
        sim_run(58 * USEC_PER_DAY);
        ca_set_weather(CA_DEAD);
        for (unsigned i = 0; i < 50; i++) {
                sim_run(sim_chance(10 * USEC_PER_DAY / 25));
                restart();
        }
        ca_set_weather(CA_WELL);
        sim_run(8 * USEC_PER_HOUR);
        for (unsigned i = 0; i < ELEMENTSOF(names); i++)
                assert_int_equal(sim_certificate(names[i])->state, CERTIFICATE_RESTING);
        assert_int_equal(sim_seen("90d-00000")->lapsed, 0);
        end();
}

static void test_busy(void **state)
{
        begin();
        sim_run(20 * USEC_PER_DAY);
        ca_set_weather(CA_BUSY);
        sim_run(30 * USEC_PER_HOUR);
        for (unsigned i = 0; i < 2 * 24 * 60; i++) {
                const Certificate *c = sim_certificate("160h-00000");

                sim_run(USEC_PER_MIN);
                if (c->remembered.failures.count > 0)
                        assert_true(c->plan.at_usec >= c->remembered.failures.last +
                                                                       2 * USEC_PER_HOUR -
                                                                       USEC_PER_MIN);
        }
        ca_set_weather(CA_WELL);
        sim_run(8 * USEC_PER_HOUR);
        check_well(0);
        end();
}

/* Sixty days ahead for a day: what the CA issues seems to have ended, or to be due. Its order is
 * kept, and its certificate fetched when the clock is right. */
static void test_clock_ahead(void **state)
{
        begin();
        sim_run(USEC_PER_DAY);
        sim_forget_seen();
        sim_set_clock(60 * (int64_t) USEC_PER_DAY);
        sim_run(USEC_PER_DAY);
        assert_int_equal(sim_seen("160h-00000")->n_orders, 1);
        assert_int_equal(sim_seen("160h-00000")->n_issued, 0);
        sim_set_clock(0);
        sim_run(31 * USEC_PER_HOUR);
        for (unsigned i = 0; i < ELEMENTSOF(names); i++) {
                assert_int_equal(sim_seen(names[i])->n_orders, 1);
                assert_int_equal(sim_seen(names[i])->n_issued, 1);
        }
        check_well(0);
        end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_year),
                cmocka_unit_test(test_nonces),
                cmocka_unit_test(test_restarts_in_the_midst),
                cmocka_unit_test(test_ten_days_dead),
                cmocka_unit_test(test_busy),
                cmocka_unit_test(test_clock_ahead),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
