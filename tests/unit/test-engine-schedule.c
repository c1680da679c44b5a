/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan from facts: each reason, and that failures never make it earlier or never. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/timestamp.h"
#include "engine/schedule.h"

#define DAY USEC_PER_DAY
#define NOW (1000 * DAY)

/* A 90-day certificate, issued ten days ago. */
static const ScheduleFacts in_force = {
        .issued = true,
        .as_configured = true,
        .not_before = NOW - 10 * DAY,
        .not_after = NOW + 80 * DAY,
};

static void test_lifetime(void **state)
{
        Schedule s = schedule_plan(&in_force, NOW);

        assert_int_equal(s.reason, SCHEDULE_LIFETIME);
        /* a third left, less up to a fiftieth */
        assert_true(s.at_usec <= NOW + 50 * DAY);
        assert_true(s.at_usec >= NOW + 50 * DAY - 90 * DAY / 50);
}

static void test_reasons(void **state)
{
        ScheduleFacts f = in_force;

        f.order_in_flight = true;
        assert_int_equal(schedule_plan(&f, NOW).reason, SCHEDULE_RESUMED);
        f.as_configured = false;
        assert_int_equal(schedule_plan(&f, NOW).reason, SCHEDULE_CHANGED);
        f.issued = false;
        assert_int_equal(schedule_plan(&f, NOW).reason, SCHEDULE_MISSING);
        assert_int_equal(schedule_plan(&f, NOW).at_usec, NOW);
        f.asked = true;
        assert_int_equal(schedule_plan(&f, NOW).reason, SCHEDULE_ASKED);
}

static void test_failure_waits(void **state)
{
        ScheduleFacts f = in_force;
        Schedule s;

        f.as_configured = false;
        f.failures = (RenewFailures){ 1, NOW, NOW, RENEW_RETRY_NETWORK, 0 };
        s = schedule_plan(&f, NOW);
        assert_int_equal(s.reason, SCHEDULE_RETRY);
        assert_true(s.at_usec >= NOW + USEC_PER_MIN && s.at_usec <= NOW + USEC_PER_MIN * 5 / 4);
        /* and when that time has come it is due */
        assert_true(schedule_plan(&f, s.at_usec).at_usec <= s.at_usec);
}

static void test_failure_never_hurries(void **state)
{
        ScheduleFacts f = in_force;

        f.failures = (RenewFailures){ 1, NOW, NOW, RENEW_RETRY_NETWORK, 0 };
        assert_int_equal(schedule_plan(&f, NOW).reason, SCHEDULE_LIFETIME);
}

static void test_held_and_asked(void **state)
{
        ScheduleFacts f = in_force;

        f.as_configured = false;
        f.failures = (RenewFailures){ 3, NOW, NOW, RENEW_RETRY_HELD, 0 };
        assert_int_equal(schedule_plan(&f, NOW).reason, SCHEDULE_HELD);
        assert_int_equal(schedule_plan(&f, NOW).at_usec, USEC_INFINITY);
        f.asked = true;
        assert_int_equal(schedule_plan(&f, NOW).at_usec, NOW);
}

/* What the operator asked for in vain keeps nobody from the renewal that is due. */
static void test_held_before_its_time(void **state)
{
        ScheduleFacts f = in_force;
        uint64_t due = schedule_plan(&f, NOW).at_usec;

        f.failures = (RenewFailures){ 1, NOW, NOW, RENEW_RETRY_HELD, 0 };
        assert_int_equal(schedule_plan(&f, NOW).reason, SCHEDULE_LIFETIME);
        assert_int_equal(schedule_plan(&f, NOW).at_usec, due);
        f.failures.last = due;
        assert_int_equal(schedule_plan(&f, due).reason, SCHEDULE_HELD);
}

/* By the CA's window, but no later than the lifetime permits, and earlier where that is wished. */
static void test_window(void **state)
{
        ScheduleFacts f = in_force;
        uint64_t due = schedule_plan(&f, NOW).at_usec;
        uint64_t latest = renew_renewal_latest(f.not_before, f.not_after);

        f.window_at = due - DAY;
        assert_int_equal(schedule_plan(&f, NOW).at_usec, due - DAY);
        assert_int_equal(schedule_plan(&f, NOW).reason, SCHEDULE_WINDOW);
        f.window_at = due + DAY;
        assert_int_equal(schedule_plan(&f, NOW).at_usec, due + DAY);
        f.window_at = f.not_after - 1;
        assert_int_equal(schedule_plan(&f, NOW).at_usec, latest);
        assert_int_equal(schedule_plan(&f, NOW).reason, SCHEDULE_LIFETIME);

        f.before.span = f.not_after - due + 5 * DAY;
        f.window_at = due;
        assert_true(schedule_plan(&f, NOW).at_usec <= due - 5 * DAY);
        f.window_at = due - 20 * DAY;
        assert_int_equal(schedule_plan(&f, NOW).at_usec, due - 20 * DAY);
}

static void test_clock_set_back(void **state)
{
        ScheduleFacts f = in_force;
        uint64_t year_later = NOW + 365 * DAY;

        /* a failure noted while the clock was a year ahead */
        f.as_configured = false;
        f.failures = (RenewFailures){ 1, year_later, year_later, RENEW_RETRY_NETWORK, 0 };
        assert_true(schedule_plan(&f, NOW).at_usec <= NOW + 2 * USEC_PER_MIN);
}

/* Clock ahead of the CA's: it is not ordered again at once, however little seems to be left. */
static void test_due_when_it_came(void **state)
{
        static const struct {
                uint64_t received, expected;
        } table[] = {
                { NOW + 65 * DAY, NOW + 77 * DAY + DAY / 2 }, /* 25 days left: half */
                { NOW + 90 * DAY - DAY / 4, NOW + 90 * DAY }, /* six hours left: six hours */
        };
        ScheduleFacts f = in_force;

        f.not_before = NOW;
        f.not_after = NOW + 90 * DAY;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Schedule s;

                f.received = table[i].received;
                s = schedule_plan(&f, f.received);
                assert_int_equal(s.reason, SCHEDULE_LIFETIME);
                assert_int_equal(s.at_usec, table[i].expected);
                /* and as ever when the clock is set back */
                assert_in_range(schedule_plan(&f, NOW).at_usec, NOW + 58 * DAY, NOW + 60 * DAY);
        }
        f.received = NOW + DAY;
        assert_in_range(schedule_plan(&f, NOW + DAY).at_usec, NOW + 58 * DAY, NOW + 60 * DAY);
}

/* A window that is past as soon as it is asked for makes four orders a day and not one in half an
 * hour; a certificate of less than 60 hours waits for a tenth of its life. */
static void test_window_past_from_the_start(void **state)
{
        ScheduleFacts f = in_force;

        f.received = NOW - USEC_PER_HOUR;
        f.window_at = NOW + USEC_PER_MIN;
        assert_int_equal(schedule_plan(&f, NOW).at_usec, NOW + 5 * USEC_PER_HOUR);
        assert_int_equal(schedule_plan(&f, NOW).reason, SCHEDULE_WINDOW);
        f.not_before = f.received;
        f.not_after = f.received + USEC_PER_DAY;
        assert_int_equal(schedule_plan(&f, NOW).at_usec, f.received + USEC_PER_DAY / 10);
        f.received = NOW - 7 * USEC_PER_HOUR;
        f.not_after = NOW + 80 * DAY;
        assert_int_equal(schedule_plan(&f, NOW).at_usec, f.window_at);
}

static void test_reasons_have_words(void **state)
{
        for (unsigned r = SCHEDULE_MISSING; r <= SCHEDULE_HELD; r++)
                assert_true(strlen(schedule_reason_to_string((ScheduleReason) r)) > 5);
}

/* They are in the API: a promise. */
static void test_tokens(void **state)
{
        static const char *const tokens[] = { "missing", "asked", "changed", "resumed", "lifetime",
                "window", "retry", "held" };

        for (unsigned r = 0; r < ELEMENTSOF(tokens); r++)
                assert_string_equal(schedule_reason_to_token((ScheduleReason) r), tokens[r]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lifetime),
                cmocka_unit_test(test_reasons),
                cmocka_unit_test(test_failure_waits),
                cmocka_unit_test(test_failure_never_hurries),
                cmocka_unit_test(test_held_and_asked),
                cmocka_unit_test(test_held_before_its_time),
                cmocka_unit_test(test_window),
                cmocka_unit_test(test_clock_set_back),
                cmocka_unit_test(test_due_when_it_came),
                cmocka_unit_test(test_window_past_from_the_start),
                cmocka_unit_test(test_reasons_have_words),
                cmocka_unit_test(test_tokens),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
