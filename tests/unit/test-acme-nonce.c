/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pool of nonces: ten at most, the youngest first, none over an hour old. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "acme/nonce.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/timestamp.h"

#define NOW (UINT64_C(1790000000) * USEC_PER_SEC)

static void put(NoncePool *pool, unsigned n, RenewUsec now)
{
        nonce_pool_put(pool, text_format("nonce-%u", n), now);
}

/* 0: none is to be had. */
static void check_take(NoncePool *pool, unsigned n, RenewUsec now)
{
        _cleanup_free_ char *nonce = nonce_pool_take(pool, now);
        _cleanup_free_ char *expected = text_format("nonce-%u", n);

        if (n == 0)
                assert_null(nonce);
        else {
                assert_non_null(nonce);
                assert_string_equal(nonce, expected);
        }
}

static void test_last_in_first_out(void **state)
{
        NoncePool pool = {};

        check_take(&pool, 0, NOW);
        put(&pool, 1, NOW);
        put(&pool, 2, NOW);
        check_take(&pool, 2, NOW);
        put(&pool, 3, NOW);
        check_take(&pool, 3, NOW);
        check_take(&pool, 1, NOW);
        check_take(&pool, 0, NOW);
        nonce_pool_put(&pool, NULL, NOW);
        check_take(&pool, 0, NOW);
        nonce_pool_done(&pool);
}

static void test_ten(void **state)
{
        NoncePool pool = {};

        for (unsigned i = 1; i <= 1000; i++)
                put(&pool, i, NOW);
        assert_int_equal(pool.n, 10);
        for (unsigned i = 1000; i > 990; i--)
                check_take(&pool, i, NOW);
        check_take(&pool, 0, NOW);
        nonce_pool_done(&pool);
}

static void test_age(void **state)
{
        NoncePool pool = {};

        put(&pool, 1, NOW);
        check_take(&pool, 1, NOW + USEC_PER_HOUR);
        put(&pool, 2, NOW);
        check_take(&pool, 0, NOW + USEC_PER_HOUR + 1);
        assert_int_equal(pool.n, 0); /* and it is not kept */
        /* Beneath a young one lie old ones. */
        put(&pool, 3, NOW);
        put(&pool, 4, NOW + 2 * USEC_PER_HOUR);
        check_take(&pool, 4, NOW + 2 * USEC_PER_HOUR);
        check_take(&pool, 0, NOW + 2 * USEC_PER_HOUR);
        nonce_pool_done(&pool);
}

/* The clock was set back: nobody knows how old they are. */
static void test_clock(void **state)
{
        NoncePool pool = {};

        put(&pool, 1, NOW);
        check_take(&pool, 0, NOW - 1);
        put(&pool, 2, RENEW_USEC_NEVER);
        check_take(&pool, 2, RENEW_USEC_NEVER);
        nonce_pool_done(&pool);
}

static void test_done(void **state)
{
        NoncePool pool = {};

        put(&pool, 1, NOW);
        put(&pool, 2, NOW);
        nonce_pool_done(&pool);
        assert_int_equal(pool.n, 0);
        check_take(&pool, 0, NOW);
        nonce_pool_done(&pool);
}

/* Section 6.5.1: what is not base64url is no nonce. */
static void test_response(void **state)
{
        static const struct {
                const char *value;
                bool good;
        } table[] = {
                { "oFvnlFP1wIhRlYS2jTaXbA", true },
                { "A-z_09", true },
                { "x", true },
                { "", false },
                { "oFvnlFP1wIhRlYS2jTaXbA==", false },
                { "a+b", false },
                { "a/b", false },
                { "a b", false },
                { "a\"b", false },
                { "a,b", false },
                { "a\r\nX: y", false },
                { "\xc3\xb6", false },
        };
        char longest[LIMIT_NONCE + 2];
        RenewHeader header = { "replay-nonce", longest };
        const RenewResponse response = { .headers = &header, .n_headers = 1 };
        char *nonce;

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                header.value = table[i].value;
                assert_int_equal(nonce_from_response(&response, &nonce), 0);
                if (table[i].good)
                        assert_string_equal(nonce, table[i].value);
                else
                        assert_null(nonce);
                free(nonce);
        }
        memset(longest, 'x', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        header.value = longest;
        assert_int_equal(nonce_from_response(&response, &nonce), 0);
        assert_null(nonce);
        longest[LIMIT_NONCE] = '\0';
        assert_int_equal(nonce_from_response(&response, &nonce), 0);
        assert_string_equal(nonce, longest);
        free(nonce);
        assert_int_equal(nonce_from_response(&(RenewResponse){}, &nonce), 0);
        assert_null(nonce);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_last_in_first_out),
                cmocka_unit_test(test_ten),
                cmocka_unit_test(test_age),
                cmocka_unit_test(test_clock),
                cmocka_unit_test(test_done),
                cmocka_unit_test(test_response),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
