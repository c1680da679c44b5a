/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Instants and spans, as text and back. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/timestamp.h"

static void test_parse(void **state)
{
        static const struct {
                const char *text;
                uint64_t usec;
        } good[] = {
                { "1970-01-01T00:00:00Z", 0 },
                { "2026-11-24T08:30:05Z", 1795509005 * USEC_PER_SEC },
                { "2026-11-24t08:30:05z", 1795509005 * USEC_PER_SEC },
                { "2026-11-24 08:30:05Z", 1795509005 * USEC_PER_SEC },
                { "2026-11-24T09:30:05+01:00", 1795509005 * USEC_PER_SEC },
                { "2026-11-24T03:00:05-05:30", 1795509005 * USEC_PER_SEC },
                { "2026-11-24T08:30:05.25Z", 1795509005 * USEC_PER_SEC + 250000 },
                { "2026-11-24T08:30:05.123456789Z", 1795509005 * USEC_PER_SEC + 123456 },
                { "2016-12-31T23:59:60Z", 1483228800 * USEC_PER_SEC },
                { "2024-02-29T00:00:00Z", 1709164800 * USEC_PER_SEC },
                { "2000-02-29T00:00:00Z", 951782400 * USEC_PER_SEC },
                { "1969-12-31T23:59:59Z", 0 },
                { "0001-01-01T00:00:00Z", 0 },
                { "9999-12-31T23:59:59Z", 253402300799 * USEC_PER_SEC },
        };
        static const char *const bad[] = {
                "",
                "2026",
                "2026-11-24",
                "2026-11-24T08:30:05",
                "2026-11-24T08:30Z",
                "2026-11-24T08:30:05 Z",
                "2026-11-24T08:30:05Z ",
                "2026-11-24T08:30:05.Z",
                "2026-11-24T08:30:05+0100",
                "2026-11-24T08:30:05+24:00",
                "2026-11-24T08:30:05+01:60",
                "2026-13-01T00:00:00Z",
                "2026-00-01T00:00:00Z",
                "2026-01-00T00:00:00Z",
                "2026-01-32T00:00:00Z",
                "2026-02-29T00:00:00Z",
                "2024-02-30T00:00:00Z",
                "1900-02-29T00:00:00Z",
                "2026-04-31T00:00:00Z",
                "2026-11-24T24:00:00Z",
                "2026-11-24T00:60:00Z",
                "2026-11-24T00:00:61Z",
                "26-11-24T00:00:00Z",
                "+026-11-24T00:00:00Z",
                "10000-01-01T00:00:00Z",
                "2026-11-24T-1:00:00Z",
                "2026/11/24T00:00:00Z",
                "Tue, 24 Nov 2026 08:30:05 GMT",
        };
        uint64_t usec = 42;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (timestamp_parse(bad[i], &usec) != -EINVAL)
                        fail_msg("'%s' was read", bad[i]);
        assert_int_equal(usec, 42);
        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                if (timestamp_parse(good[i].text, &usec) != 0)
                        fail_msg("'%s' was refused", good[i].text);
                assert_int_equal(usec, good[i].usec);
        }
}

static void test_format(void **state)
{
        char text[TIMESTAMP_MAX];
        uint64_t back;

        assert_string_equal(timestamp_format(text, 0), "1970-01-01T00:00:00Z");
        assert_string_equal(timestamp_format(text, 1795509005999999), "2026-11-24T08:30:05Z");
        assert_string_equal(timestamp_format(text, USEC_INFINITY), "-");
        assert_true(strlen(timestamp_format(text, USEC_INFINITY - 1)) < TIMESTAMP_MAX);
        for (uint64_t t = 0; t < 253402300799; t += 86399 * 97) {
                assert_int_equal(timestamp_parse(timestamp_format(text, t * USEC_PER_SEC), &back),
                                0);
                assert_int_equal(back, t * USEC_PER_SEC);
        }
}

static void test_span_format(void **state)
{
        static const struct {
                uint64_t usec;
                const char *text;
        } table[] = {
                { 0, "0 ms" },
                { 999, "0 ms" },
                { 450 * USEC_PER_MSEC, "450 ms" },
                { USEC_PER_SEC, "1 s" },
                { 1500 * USEC_PER_MSEC, "1 s" },
                { 200 * USEC_PER_SEC, "3 min 20 s" },
                { USEC_PER_HOUR, "1 h" },
                { 29 * USEC_PER_DAY + 4 * USEC_PER_HOUR + 59 * USEC_PER_MIN, "29 d 4 h" },
                { USEC_INFINITY, "for ever" },
        };
        char text[TIMESTAMP_MAX];

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_string_equal(timespan_format(text, table[i].usec), table[i].text);
        assert_true(strlen(timespan_format(text, USEC_INFINITY - 1)) < TIMESTAMP_MAX);
}

static void test_span_parse(void **state)
{
        static const struct {
                const char *text;
                uint64_t usec;
        } good[] = {
                { "5", 5 * USEC_PER_SEC },
                { "0", 0 },
                { "30d", 30 * USEC_PER_DAY },
                { "30 days", 30 * USEC_PER_DAY },
                { " 2s ", 2 * USEC_PER_SEC },
                { "200ms", 200 * USEC_PER_MSEC },
                { "1h 30min", 90 * USEC_PER_MIN },
                { "1h30min", 90 * USEC_PER_MIN },
                { "2w1us", 14 * USEC_PER_DAY + 1 },
        };
        static const char *const bad[] = { "", "  ", "d", "-1", "+1s", "1.5h", "1 parsec", "1s,",
                "0x10" };
        uint64_t usec = 42;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (timespan_parse(bad[i], &usec) != -EINVAL)
                        fail_msg("'%s' was read", bad[i]);
        assert_int_equal(timespan_parse("18446744073709551615", &usec), -ERANGE);
        assert_int_equal(timespan_parse("99999999999999999999999us", &usec), -ERANGE);
        assert_int_equal(timespan_parse("18446744073709551615us", &usec), -ERANGE);
        assert_int_equal(timespan_parse("18446744073709551614us 1us 1us", &usec), -ERANGE);
        assert_int_equal(usec, 42);
        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                if (timespan_parse(good[i].text, &usec) != 0)
                        fail_msg("'%s' was refused", good[i].text);
                assert_int_equal(usec, good[i].usec);
        }
}

static void test_arithmetic(void **state)
{
        assert_true(usec_add(USEC_INFINITY, 1) == USEC_INFINITY);
        assert_true(usec_add(1, USEC_INFINITY - 1) == USEC_INFINITY);
        assert_int_equal(usec_add(1, 2), 3);
        assert_int_equal(usec_sub(1, 2), 0);
        assert_int_equal(usec_sub(3, 2), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_format),
                cmocka_unit_test(test_span_format),
                cmocka_unit_test(test_span_parse),
                cmocka_unit_test(test_arithmetic),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
