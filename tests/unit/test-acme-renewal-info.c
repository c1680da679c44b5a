/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Renewal information (RFC 9773): what is read of an answer, when the CA is asked again, and the
 * instant that is drawn. acme.md section 12, points 10 and 11 of its section 18. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <renew/renew.h>

#include "base/macros.h"
#include "base/timestamp.h"

#define NOW  (UINT64_C(1790000000) * USEC_PER_SEC) /* 2026-09-21T14:13:20Z */
#define MIN_ USEC_PER_MIN
#define HOUR USEC_PER_HOUR
#define DAY  USEC_PER_DAY

#define WINDOW                                                              \
        "\"suggestedWindow\":{\"start\":\"2026-10-01T02:00:00.123+02:00\"," \
        "\"end\":\"2026-10-03T00:00:00Z\"}"
#define START (UINT64_C(1790812800) * USEC_PER_SEC) /* 2026-10-01T00:00:00Z */

static int read_answer(
                unsigned status, const char *body, const char *retry_after, RenewRenewalInfo *ret)
{
        RenewHeader header = { "retry-after", retry_after };
        RenewResponse response = {
                .status = status,
                .headers = &header,
                .n_headers = retry_after ? 1 : 0,
                .body = body,
                .body_size = strlen(body),
        };

        return renew_renewal_info_read(&response, NOW, ret);
}

static void test_window(void **state)
{
        RenewRenewalInfo info;

        assert_int_equal(
                        read_answer(200,
                                        "{" WINDOW ",\"explanationURL\":\"https://ca.example/why\","
                                        "\"other\":[1]}",
                                        "21600", &info),
                        0);
        assert_in_range(info.start, START, START + USEC_PER_SEC);
        assert_int_equal(info.end - START, 2 * DAY);
        assert_string_equal(info.explanation_url, "https://ca.example/why");
        assert_int_equal(info.poll_at, NOW + 6 * HOUR);
        renew_renewal_info_done(&info);
        assert_null(info.explanation_url);
}

static void test_no_window(void **state)
{
        static const char *const bodies[] = { "", "null", "[]", "{}", "<html>",
                "{\"suggestedWindow\":null}", "{\"suggestedWindow\":{}}",
                "{\"suggestedWindow\":{\"start\":\"2026-10-01T00:00:00Z\"}}",
                "{\"suggestedWindow\":{\"start\":1,\"end\":2}}",
                "{\"suggestedWindow\":{\"start\":\"2026-10-01T00:00:00Z\",\"end\":\"soon\"}}",
                /* section 4.2: no end after its start is no window */
                "{\"suggestedWindow\":{\"start\":\"2026-10-01T00:00:00Z\","
                "\"end\":\"2026-10-01T00:00:00Z\"}}",
                "{\"suggestedWindow\":{\"start\":\"2026-10-02T00:00:00Z\","
                "\"end\":\"2026-10-01T00:00:00Z\"}}" };
        static const unsigned statuses[] = { 201, 204, 301, 400, 404, 409, 429, 500, 503 };
        RenewRenewalInfo info = { .start = 7 };

        for (size_t i = 0; i < ELEMENTSOF(bodies); i++)
                assert_int_equal(read_answer(200, bodies[i], "60", &info), RENEW_E_NO_RENEWAL_INFO);
        for (size_t i = 0; i < ELEMENTSOF(statuses); i++)
                assert_int_equal(read_answer(statuses[i], "{" WINDOW "}", "60", &info),
                                RENEW_E_NO_RENEWAL_INFO);
        assert_int_equal(info.start, 7);
}

/* A page for people, as a CA may abuse it. */
static void test_explanation(void **state)
{
        static const char *const bad[] = { "javascript:alert(1)", "", "https://a b/",
                "https://ca.example/\\u001b[31m", "5" };
        char body[512];

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                RenewRenewalInfo info;

                (void) snprintf(body, sizeof(body), "{" WINDOW ",\"explanationURL\":\"%s\"}",
                                bad[i]);
                assert_int_equal(read_answer(200, body, NULL, &info), 0);
                assert_null(info.explanation_url);
                renew_renewal_info_done(&info);
        }
}

static void test_when_to_ask_again(void **state)
{
        static const struct {
                const char *retry_after;
                RenewUsec pause;
        } table[] = {
                { NULL, 6 * HOUR },
                { "", 6 * HOUR },
                { "soon", 6 * HOUR },
                { "-5", 6 * HOUR },
                { "0", MIN_ },
                { "1", MIN_ },
                { "60", MIN_ },
                { "3600", HOUR },
                { "86400", DAY },
                { "31536000", DAY },
                { "99999999999999999999", DAY },
                { "Mon, 21 Sep 2026 15:13:20 GMT", HOUR },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                RenewRenewalInfo info;

                assert_int_equal(read_answer(200, "{" WINDOW "}", table[i].retry_after, &info), 0);
                assert_int_equal(info.poll_at - NOW, table[i].pause);
                renew_renewal_info_done(&info);
        }
}

static void test_when_to_ask_again_after_a_failure(void **state)
{
        const RenewResponse gone = { .status = 404 }, trouble = { .status = 503 };
        RenewHeader day = { "Retry-After", "100000" }, hour = { "Retry-After", "3600" };
        const RenewResponse busy = { .status = 503, .headers = &hour, .n_headers = 1 };
        const RenewResponse very = { .status = 429, .headers = &day, .n_headers = 1 };

        assert_int_equal(renew_renewal_info_retry_at(NULL, 1, NOW), NOW + 6 * HOUR);
        assert_int_equal(renew_renewal_info_retry_at(&gone, 1, NOW), NOW + 6 * HOUR);
        for (unsigned n = 1; n <= 6; n++)
                assert_int_equal(renew_renewal_info_retry_at(&trouble, n, NOW),
                                NOW + (MIN_ << (n - 1)));
        assert_int_equal(renew_renewal_info_retry_at(&trouble, 7, NOW), NOW + 6 * HOUR);
        assert_int_equal(renew_renewal_info_retry_at(&trouble, UINT32_MAX, NOW), NOW + 6 * HOUR);
        assert_int_equal(renew_renewal_info_retry_at(&trouble, 0, NOW), NOW + MIN_);
        assert_int_equal(renew_renewal_info_retry_at(&busy, 1, NOW), NOW + HOUR);
        assert_int_equal(renew_renewal_info_retry_at(&very, 1, NOW), NOW + DAY);
}

/* --- the instant ------------------------------------------------------------------------------ */

static void test_latest(void **state)
{
        assert_int_equal(renew_renewal_latest(NOW, NOW + 90 * DAY), NOW + 75 * DAY);
        assert_int_equal(renew_renewal_latest(NOW, NOW + 160 * HOUR), NOW + 120 * HOUR);
        assert_int_equal(renew_renewal_latest(NOW, NOW), NOW);
        assert_int_equal(renew_renewal_latest(NOW + 1, NOW), NOW);
}

/* A window of 3.2 hours, as a certificate of 160 hours has it: each tenth of it is drawn as often. */
static void test_drawn_evenly(void **state)
{
        const RenewRenewalInfo info = { .start = NOW + DAY, .end = NOW + DAY + 32 * HOUR / 10 };
        unsigned tenths[10] = {};

        for (uint64_t i = 0; i < 10000; i++) {
                uint64_t random = i * UINT64_C(0x9e3779b97f4a7c15);
                RenewUsec at = renew_renewal_pick(&info, 160 * HOUR, NOW, random);

                assert_true(at >= info.start && at < info.end);
                tenths[(at - info.start) * 10 / (info.end - info.start)]++;
        }
        for (size_t i = 0; i < ELEMENTSOF(tenths); i++)
                assert_in_range(tenths[i], 900, 1100);
}

static void test_past(void **state)
{
        const RenewRenewalInfo over = { .start = NOW - 2 * HOUR, .end = NOW - HOUR };
        const RenewRenewalInfo closing = { .start = NOW - 2 * HOUR, .end = NOW + 10 * MIN_ };
        RenewUsec at;

        /* now, spread by half an hour; of short lifetimes by a fiftieth */
        assert_int_equal(renew_renewal_pick(&over, 90 * DAY, NOW, 0), NOW);
        at = renew_renewal_pick(&over, 90 * DAY, NOW, UINT32_MAX);
        assert_in_range(at, NOW + 29 * MIN_, NOW + 30 * MIN_);
        at = renew_renewal_pick(&over, HOUR, NOW, UINT32_MAX);
        assert_in_range(at, NOW + MIN_, NOW + HOUR / 50);
        /* inside while that is possible */
        at = renew_renewal_pick(&closing, 90 * DAY, NOW, UINT32_MAX);
        assert_in_range(at, NOW + 4 * MIN_, NOW + 5 * MIN_);
}

static void test_extremes(void **state)
{
        const RenewRenewalInfo widest = { .start = 0, .end = UINT64_MAX };

        assert_true(renew_renewal_pick(&widest, UINT64_MAX, NOW, UINT64_MAX) > NOW);
        assert_true(renew_renewal_pick(&widest, 0, UINT64_MAX, UINT64_MAX) == UINT64_MAX);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_window),
                cmocka_unit_test(test_no_window),
                cmocka_unit_test(test_explanation),
                cmocka_unit_test(test_when_to_ask_again),
                cmocka_unit_test(test_when_to_ask_again_after_a_failure),
                cmocka_unit_test(test_latest),
                cmocka_unit_test(test_drawn_evenly),
                cmocka_unit_test(test_past),
                cmocka_unit_test(test_extremes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
