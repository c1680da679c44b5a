/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When to renew and when to try again: the tables of renewal.h, line by line, and their extremes.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <renew/renewal.h>

#include "base/macros.h"
#include "base/timestamp.h"

#define NOW  (UINT64_C(1790000000) * USEC_PER_SEC)
#define MIN_ USEC_PER_MIN
#define HOUR USEC_PER_HOUR
#define DAY  USEC_PER_DAY

static const RenewBefore by_rule;

/* --- when to renew ---------------------------------------------------------------------------- */

static void test_due(void **state)
{
        static const struct {
                RenewUsec lifetime, left;
        } table[] = {
                { 90 * DAY, 30 * DAY },
                { 64 * DAY, 64 * DAY / 3 },
                { 45 * DAY, 15 * DAY },
                { 10 * DAY, 10 * DAY / 3 },
                { 10 * DAY - 1, (10 * DAY - 1) / 2 }, /* below ten days: a half */
                { 160 * HOUR, 80 * HOUR },
                { DAY, 12 * HOUR },
                { HOUR, 30 * MIN_ },
                { MIN_, 30 * USEC_PER_SEC },
                { 0, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                RenewUsec end = NOW + table[i].lifetime, due;

                assert_int_equal(renew_renewal_due(NOW, end, &by_rule, 0), end - table[i].left);
                /* The jitter is a fiftieth of the lifetime, earlier. */
                due = renew_renewal_due(NOW, end, &by_rule, UINT64_MAX);
                assert_in_range(end - table[i].left - due, 0, table[i].lifetime / 50);
                if (table[i].lifetime > MIN_)
                        assert_true(end - table[i].left - due > table[i].lifetime / 51);
        }
}

/* Ten thousand certificates of one day do not ask at one moment. */
static void test_spread(void **state)
{
        unsigned buckets[10] = {};
        RenewUsec end = NOW + 90 * DAY, width = 90 * DAY / 50;

        for (uint64_t i = 0; i < 10000; i++) {
                uint64_t random = i * UINT64_C(0x9e3779b97f4a7c15);
                RenewUsec due = renew_renewal_due(NOW, end, &by_rule, random);

                assert_int_equal(renew_renewal_due(NOW, end, &by_rule, random), due);
                buckets[(end - 30 * DAY - due) * 10 / (width + 1)]++;
        }
        for (size_t i = 0; i < ELEMENTSOF(buckets); i++)
                assert_in_range(buckets[i], 800, 1200);
}

static void test_wishes(void **state)
{
        static const struct {
                RenewBefore before;
                RenewUsec lifetime, left;
        } table[] = {
                { { .percent = 33 }, 90 * DAY, 90 * DAY * 33 / 100 },
                { { .percent = 1 }, 100 * DAY, DAY },
                { { .percent = 50 }, HOUR, 30 * MIN_ },
                { { .span = 7 * DAY }, 90 * DAY, 7 * DAY },
                { { .span = USEC_PER_SEC }, 90 * DAY, USEC_PER_SEC },
                /* Never before a tenth of the lifetime has passed. */
                { { .percent = 90 }, 90 * DAY, 81 * DAY },
                { { .percent = 95 }, 90 * DAY, 81 * DAY },
                { { .percent = UINT32_MAX }, 90 * DAY, 81 * DAY },
                { { .span = 30 * DAY }, 160 * HOUR, 144 * HOUR },
                { { .span = 30 * DAY }, MIN_, 54 * USEC_PER_SEC },
                { { .span = UINT64_MAX }, 90 * DAY, 81 * DAY },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                RenewUsec end = NOW + table[i].lifetime, due, earliest;

                assert_int_equal(renew_renewal_due(NOW, end, &table[i].before, 0),
                                end - table[i].left);
                due = renew_renewal_due(NOW, end, &table[i].before, UINT64_MAX);
                earliest = MAX(usec_sub(end - table[i].left, table[i].lifetime / 50),
                                NOW + table[i].lifetime / 10);
                assert_in_range(due, earliest, end - table[i].left);
        }
}

/* --- after a failure -------------------------------------------------------------------------- */

typedef struct Failing {
        RenewRetry retry;
        unsigned count;
        RenewUsec since; /* how long it has gone on */
        RenewUsec left;  /* of the certificate; 0: none, or it ended with the first failure */
        RenewUsec expected;
} Failing;

static void check_interval(const Failing *f, RenewUsec lifetime, bool exists, RenewUsec expected)
{
        const RenewFailures failures = {
                .count = f->count, .first = NOW - f->since, .last = NOW, .retry = f->retry
        };
        RenewUsec ended = f->left > 0 ? NOW + f->left : NOW - f->since;
        RenewUsec end = exists ? ended : 0, begin = exists ? end - lifetime : 0;
        RenewUsec at = renew_renewal_retry_at(&failures, begin, end, 0);

        assert_int_equal(at - NOW, expected);
        at = renew_renewal_retry_at(&failures, begin, end, UINT64_MAX);
        assert_in_range(at - NOW, expected, expected + expected / 4);
        /* A jitter that is none would be of no use. */
        assert_true(at - NOW > expected + expected / 5);
}

static void test_in_force(void **state)
{
        static const Failing table[] = {
                { RENEW_RETRY_NETWORK, 1, 0, 30 * DAY, MIN_ },
                { RENEW_RETRY_NETWORK, 2, MIN_, 30 * DAY, 10 * MIN_ },
                { RENEW_RETRY_NETWORK, 3, 12 * MIN_, 30 * DAY, 100 * MIN_ },
                { RENEW_RETRY_NETWORK, 4, 2 * HOUR, 30 * DAY, 6 * HOUR },
                { RENEW_RETRY_NETWORK, 40, 10 * DAY, 20 * DAY, 6 * HOUR },
                { RENEW_RETRY_NETWORK, 60, 27 * DAY, 50 * HOUR, 5 * HOUR },
                { RENEW_RETRY_NETWORK, 70, 29 * DAY, 10 * HOUR, HOUR },
                { RENEW_RETRY_NETWORK, 80, 29 * DAY, HOUR, 30 * MIN_ },
                { RENEW_RETRY_NETWORK, 80, 29 * DAY, 1, 30 * MIN_ },
                { RENEW_RETRY_NOW, 1, 0, 30 * DAY, MIN_ },
                { RENEW_RETRY_NOW, 4, 0, 30 * DAY, 6 * HOUR },
                { RENEW_RETRY_VALIDATION, 1, 0, 30 * DAY, MIN_ },
                { RENEW_RETRY_VALIDATION, 2, MIN_, 30 * DAY, 10 * MIN_ },
                { RENEW_RETRY_VALIDATION, 3, 12 * MIN_, 30 * DAY, 100 * MIN_ },
                { RENEW_RETRY_VALIDATION, 4, 2 * HOUR, 30 * DAY, 6 * HOUR },
                { RENEW_RETRY_VALIDATION, 7, DAY - 1, 30 * DAY, 6 * HOUR },
                { RENEW_RETRY_VALIDATION, 8, DAY, 29 * DAY, DAY },
                { RENEW_RETRY_VALIDATION, 9, 22 * DAY, 5 * DAY, 12 * HOUR },
                { RENEW_RETRY_VALIDATION, 9, 29 * DAY, 2 * HOUR, 30 * MIN_ },
                { RENEW_RETRY_DAILY, 1, 0, 30 * DAY, DAY },
                { RENEW_RETRY_DAILY, 9, 9 * DAY, HOUR, DAY },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                check_interval(&table[i], 90 * DAY, true, table[i].expected);
}

static void test_without(void **state)
{
        static const Failing table[] = {
                { RENEW_RETRY_NETWORK, 1, 0, 0, MIN_ },
                { RENEW_RETRY_NETWORK, 2, MIN_, 0, 10 * MIN_ },
                { RENEW_RETRY_NETWORK, 3, 12 * MIN_, 0, HOUR },
                { RENEW_RETRY_NETWORK, 700, 30 * DAY - 1, 0, HOUR },
                { RENEW_RETRY_NETWORK, 701, 30 * DAY, 0, DAY },
                { RENEW_RETRY_NETWORK, 999, 3000 * DAY, 0, DAY },
                { RENEW_RETRY_VALIDATION, 1, 0, 0, MIN_ },
                { RENEW_RETRY_VALIDATION, 2, MIN_, 0, 10 * MIN_ },
                { RENEW_RETRY_VALIDATION, 3, 12 * MIN_, 0, HOUR },
                { RENEW_RETRY_VALIDATION, 24, DAY - 1, 0, HOUR },
                { RENEW_RETRY_VALIDATION, 25, DAY, 0, DAY },
                { RENEW_RETRY_VALIDATION, 55, 31 * DAY - 1, 0, DAY },
                { RENEW_RETRY_VALIDATION, 56, 31 * DAY, 0, 7 * DAY },
                { RENEW_RETRY_VALIDATION, 999, 3000 * DAY, 0, 7 * DAY },
                { RENEW_RETRY_DAILY, 1, 0, 0, DAY },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                check_interval(&table[i], 0, false, table[i].expected);
                check_interval(&table[i], 90 * DAY, true, table[i].expected);
        }
}

/* The month of trying hourly begins when the certificate ends, not with the first failure. */
static void test_ended_after_a_long_streak(void **state)
{
        static const struct {
                RenewRetry retry;
                RenewUsec ended, expected;
        } table[] = {
                { RENEW_RETRY_NETWORK, 0, HOUR },
                { RENEW_RETRY_NETWORK, 30 * DAY - 1, HOUR },
                { RENEW_RETRY_NETWORK, 30 * DAY, DAY },
                { RENEW_RETRY_VALIDATION, 0, DAY },
                { RENEW_RETRY_VALIDATION, 31 * DAY - 1, DAY },
                { RENEW_RETRY_VALIDATION, 31 * DAY, 7 * DAY },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const RenewFailures failures = {
                        .count = 99, .first = NOW - 60 * DAY, .last = NOW, .retry = table[i].retry
                };
                RenewUsec end = NOW - table[i].ended;

                assert_int_equal(renew_renewal_retry_at(&failures, end - 90 * DAY, end, 0),
                                NOW + table[i].expected);
        }
}

/* Under a day everything is told in lifetimes, and is a second at least. */
static void test_tiny(void **state)
{
        static const struct {
                RenewUsec lifetime;
                Failing f;
        } table[] = {
                { 12 * HOUR, { RENEW_RETRY_NETWORK, 1, 0, 6 * HOUR, 30 * USEC_PER_SEC } },
                { 12 * HOUR, { RENEW_RETRY_NETWORK, 3, 0, 6 * HOUR, 50 * MIN_ } },
                { 12 * HOUR, { RENEW_RETRY_NETWORK, 4, 0, 6 * HOUR, 36 * MIN_ } },
                { 12 * HOUR, { RENEW_RETRY_NETWORK, 4, 0, HOUR, 15 * MIN_ } },
                { 12 * HOUR, { RENEW_RETRY_VALIDATION, 9, 12 * HOUR, 0, 12 * HOUR } },
                { HOUR, { RENEW_RETRY_NETWORK, 1, 0, 30 * MIN_, 2500 * USEC_PER_MSEC } },
                { HOUR, { RENEW_RETRY_NETWORK, 2, 0, 30 * MIN_, 25 * USEC_PER_SEC } },
                { HOUR, { RENEW_RETRY_NETWORK, 4, 0, 30 * MIN_, 3 * MIN_ } },
                { HOUR, { RENEW_RETRY_NETWORK, 4, 0, 0, 150 * USEC_PER_SEC } },
                { HOUR, { RENEW_RETRY_NETWORK, 4, 0, 29 * DAY, 6 * MIN_ } }, /* a clock set back */
                { MIN_, { RENEW_RETRY_NETWORK, 1, 0, 30 * USEC_PER_SEC, USEC_PER_SEC } },
                { MIN_, { RENEW_RETRY_NETWORK, 2, 0, 30 * USEC_PER_SEC, USEC_PER_SEC } },
                { MIN_, { RENEW_RETRY_NETWORK, 4, 0, 30 * USEC_PER_SEC, 3 * USEC_PER_SEC } },
                { MIN_, { RENEW_RETRY_DAILY, 1, 0, 30 * USEC_PER_SEC, MIN_ } },
                { 1, { RENEW_RETRY_NETWORK, 4, 0, 1, USEC_PER_SEC } },
                { 1500 * USEC_PER_MSEC, { RENEW_RETRY_NETWORK, 4, 0, USEC_PER_SEC, USEC_PER_SEC } },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                check_interval(&table[i].f, table[i].lifetime, true, table[i].f.expected);
}

static void test_held(void **state)
{
        const RenewFailures failures = {
                .count = 1, .first = NOW, .last = NOW, .retry = RENEW_RETRY_HELD
        };

        assert_int_equal(renew_renewal_retry_at(&failures, 0, 0, 7), RENEW_USEC_NEVER);
        assert_int_equal(renew_renewal_retry_at(&failures, NOW - DAY, NOW + DAY, 7),
                        RENEW_USEC_NEVER);
}

/* The CA's wish is a minimum, neither a maximum nor an appointment. */
static void test_not_before(void **state)
{
        RenewFailures failures = { .count = 1,
                .first = NOW,
                .last = NOW,
                .retry = RENEW_RETRY_NETWORK,
                .not_before = NOW + 3 * HOUR };

        assert_int_equal(renew_renewal_retry_at(&failures, NOW - 60 * DAY, NOW + 30 * DAY, 0),
                        NOW + 3 * HOUR);
        failures.not_before = NOW + 1;
        assert_int_equal(renew_renewal_retry_at(&failures, NOW - 60 * DAY, NOW + 30 * DAY, 0),
                        NOW + MIN_);
        failures.not_before = NOW - DAY;
        assert_int_equal(renew_renewal_retry_at(&failures, 0, 0, 0), NOW + MIN_);
}

/* --- extremes --------------------------------------------------------------------------------- */

/* A ten-day outage of the CA with 30 days left: enough tries, and not too many. */
static void test_outage(void **state)
{
        RenewFailures failures = { .first = NOW, .retry = RENEW_RETRY_NETWORK };
        RenewUsec now = NOW, gap = 0;

        while (now < NOW + 10 * DAY) {
                RenewUsec next;

                failures.count++;
                failures.last = now;
                next = renew_renewal_retry_at(&failures, NOW - 60 * DAY, NOW + 30 * DAY,
                                failures.count * UINT64_C(0x9e3779b97f4a7c15));
                gap = MAX(gap, next - now);
                now = next;
        }
        assert_in_range(failures.count, 35, 45);
        assert_true(gap <= 6 * HOUR + 90 * MIN_);
}

static void test_million_failures(void **state)
{
        RenewFailures failures = { .first = NOW, .last = NOW + 3000 * DAY };

        for (unsigned n = 1; n <= 1000000; n++) {
                RenewUsec at;

                failures.count = n;
                failures.retry = (RenewRetry) (n % 4);
                at = renew_renewal_retry_at(&failures, 0, 0, n * UINT64_C(0x9e3779b97f4a7c15));
                assert_in_range(at - failures.last, MIN_, 9 * DAY);
        }
        failures.count = UINT32_MAX;
        assert_in_range(renew_renewal_retry_at(&failures, 0, 0, 1) - failures.last, MIN_, 9 * DAY);
}

/* Whatever the instants: the answer lies between the failure and the end of time. */
static void test_any_instants(void **state)
{
        static const RenewUsec instants[] = { 0, 1, USEC_PER_SEC, HOUR, DAY, NOW - 1, NOW, NOW + 1,
                NOW + MIN_, NOW + 90 * DAY, UINT64_MAX / 2, UINT64_MAX - DAY, UINT64_MAX - 1,
                UINT64_MAX };
        enum {
                N = ELEMENTSOF(instants)
        };

        for (size_t i = 0; i < (size_t) N * N * N * N; i++) {
                RenewUsec begin = instants[i % N], end = instants[i / N % N];
                RenewUsec first = instants[i / N / N % N], last = instants[i / N / N / N];
                const RenewBefore before = { .span = first };
                RenewUsec due = renew_renewal_due(begin, end, &before, last), at;

                assert_true(due <= end);
                if (end >= begin)
                        assert_true(due >= begin + (end - begin) / 10);
                for (unsigned retry = RENEW_RETRY_NOW; retry <= RENEW_RETRY_HELD; retry++) {
                        const RenewFailures failures = { .count = (unsigned) (i % 7 + 1),
                                .first = first,
                                .last = last,
                                .retry = (RenewRetry) retry };

                        at = renew_renewal_retry_at(&failures, begin, end, first ^ i << 32);
                        assert_true(at >= usec_add(last, USEC_PER_SEC));
                        if (retry != RENEW_RETRY_HELD)
                                assert_true(at <= usec_add(last, 9 * DAY));
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_due),
                cmocka_unit_test(test_spread),
                cmocka_unit_test(test_wishes),
                cmocka_unit_test(test_in_force),
                cmocka_unit_test(test_without),
                cmocka_unit_test(test_ended_after_a_long_streak),
                cmocka_unit_test(test_tiny),
                cmocka_unit_test(test_held),
                cmocka_unit_test(test_not_before),
                cmocka_unit_test(test_outage),
                cmocka_unit_test(test_million_failures),
                cmocka_unit_test(test_any_instants),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
