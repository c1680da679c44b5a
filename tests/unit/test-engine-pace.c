/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a crowd of new orders is slowed down, and nothing else is. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/timestamp.h"
#include "engine/pace.h"

#define NOW (1000 * USEC_PER_SEC)

/* Asks for each of so many. Return: the place of the one whose turn it is, from 0; -1: of none. */
static int turn(Pace *p, unsigned n_waiting, uint64_t random, uint64_t now)
{
        p->n_waiting = n_waiting;
        pace_look(p, random);
        for (unsigned i = 0; i < n_waiting; i++)
                if (pace_take(p, now))
                        return (int) i;
        return -1;
}

static void test_few_are_not_slowed_down(void **state)
{
        Pace p = {};

        for (unsigned n = 100; n > 0; n--) {
                assert_int_equal(turn(&p, n, UINT64_MAX, NOW), 0);
                assert_int_equal(pace_next(&p), USEC_INFINITY);
        }
}

static void test_crowd_goes_one_by_one(void **state)
{
        Pace p = {};
        uint64_t now = NOW;

        /* until none is left, not only until they are few */
        for (unsigned n = 101; n > 0; n--) {
                assert_int_equal(turn(&p, n, 0, now), 0);
                assert_int_equal(turn(&p, n, 0, now), -1);
                assert_int_equal(pace_next(&p), now + 45 * USEC_PER_SEC);
                assert_int_equal(turn(&p, n, 0, pace_next(&p) - 1), -1);
                now = pace_next(&p);
        }
        assert_int_equal(turn(&p, 0, 0, now), -1);
        assert_int_equal(pace_next(&p), USEC_INFINITY);
        assert_int_equal(turn(&p, 100, 0, now), 0);
        assert_int_equal(turn(&p, 99, 0, now), 0);
}

static void test_by_chance(void **state)
{
        for (unsigned i = 0; i < 200; i++) {
                Pace p = {};

                assert_int_equal(turn(&p, 200, i + 200 * UINT64_C(1234567), NOW), i);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_few_are_not_slowed_down),
                cmocka_unit_test(test_crowd_goes_one_by_one),
                cmocka_unit_test(test_by_chance),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
