/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a stranger sent reaches a terminal only as text. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/limits.h"
#include "base/text.h"

static void check_escape(const char *in, size_t size, size_t max, const char *expected)
{
        _cleanup_free_ char *out = text_escape(in, size, max);

        assert_non_null(out);
        assert_string_equal(out, expected);
}

static void test_escape(void **state)
{
        static const char *const table[][2] = {
                { "plain text", "plain text" },
                { "K\xc3\xb6ln \xe2\x82\xac \xf0\x9f\x99\x82",
                                "K\xc3\xb6ln \xe2\x82\xac \xf0\x9f\x99\x82" },
                { "a\nb\r\tc", "a\\x0ab\\x0d\\x09c" }, { "\x1b[31mred", "\\x1b[31mred" },
                { "\x7f", "\\x7f" },
                { "\xc2\x9b"
                  "2J",
                                "\\xc2\\x9b2J" }, /* C1: CSI in one character */
                { "\xe2\x80\xae"
                  "abc",
                                "\\xe2\\x80\\xaeabc" }, /* right-to-left override */
                { "\xe2\x81\xa6", "\\xe2\\x81\\xa6" },  /* isolate */
                { "\xe2\x80\x8f\xd8\x9c", "\\xe2\\x80\\x8f\\xd8\\x9c" }, /* marks */
                { "\xe2\x80\xa8", "\\xe2\\x80\\xa8" },                   /* line separator */
                { "\xc0\xaf", "\\xc0\\xaf" },                            /* overlong */
                { "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },
                { "\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf" },
                { "\xed\xa0\x80", "\\xed\\xa0\\x80" },          /* surrogate */
                { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* beyond U+10FFFF */
                { "\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80" }, { "\x80", "\\x80" },
                { "\xe2\x82", "\\xe2\\x82" }, /* cut in the middle */
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                check_escape(table[i][0], strlen(table[i][0]), 512, table[i][1]);
        check_escape("a\0b", 3, 512, "a\\x00b");
        check_escape("", 0, 512, "");
}

static void test_escape_cuts(void **state)
{
        check_escape("12345", 5, 5, "12345");
        check_escape("123456", 6, 5, "12345...");
        check_escape("1234\n", 5, 5, "1234...");
        check_escape("123\xe2\x82\xac", 6, 5, "123...");
        check_escape("x", 1, 0, "...");
}

/* Whatever the bytes: what comes out has no byte below 0x20, no DEL, and stays in its bounds. */
static void test_escape_any_bytes(void **state)
{
        unsigned seed = 1;

        for (unsigned round = 0; round < 20000; round++) {
                char in[40];
                _cleanup_free_ char *out = NULL;

                for (size_t i = 0; i < sizeof(in); i++) {
                        seed = seed * 1103515245U + 12345U;
                        in[i] = (char) (seed >> 16);
                }
                out = text_escape(in, sizeof(in), 100);
                assert_true(strlen(out) <= 103);
                for (const char *p = out; *p; p++)
                        assert_true((unsigned char) *p >= 0x20 && *p != 0x7f);
        }
}

static void test_names(void **state)
{
        static const char *const good[] = { "a", "example.com", "A-b_c.9", "-x", "a..b" };
        static const char *const bad[] = { "", ".", "..", ".a", "a/b", "/", "a b", "a\n",
                "\xc3\xa4", "a*", "*.example.com" };
        char longest[LIMIT_SECTION_NAME + 2];

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                assert_true(text_is_plain_name(good[i]));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(text_is_plain_name(bad[i]));
        memset(longest, 'a', sizeof(longest));
        longest[LIMIT_SECTION_NAME] = '\0';
        assert_true(text_is_plain_name(longest));
        longest[LIMIT_SECTION_NAME] = 'a';
        longest[LIMIT_SECTION_NAME + 1] = '\0';
        assert_false(text_is_plain_name(longest));

        assert_true(text_is_base64url("AZaz09-_"));
        assert_false(text_is_base64url(""));
        assert_false(text_is_base64url("a="));
        assert_false(text_is_base64url("a+b"));
        assert_false(text_is_base64url("a.b"));
}

static void test_numbers(void **state)
{
        uint64_t n = 7;

        assert_int_equal(text_parse_u64("0", 10, &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(text_parse_u64("18446744073709551615", UINT64_MAX, &n), 0);
        assert_true(n == UINT64_MAX);
        assert_int_equal(text_parse_u64("18446744073709551616", UINT64_MAX, &n), -ERANGE);
        assert_int_equal(text_parse_u64("99999999999999999999999", UINT64_MAX, &n), -ERANGE);
        assert_int_equal(text_parse_u64("11", 10, &n), -ERANGE);
        assert_int_equal(text_parse_u64("", 10, &n), -EINVAL);
        assert_int_equal(text_parse_u64("-1", 10, &n), -EINVAL);
        assert_int_equal(text_parse_u64("+1", 10, &n), -EINVAL);
        assert_int_equal(text_parse_u64(" 1", 10, &n), -EINVAL);
        assert_int_equal(text_parse_u64("1x", 10, &n), -EINVAL);
        assert_int_equal(text_parse_u64("99999999999x", 10, &n), -EINVAL);
        assert_int_equal(text_parse_u64("11 ", 10, &n), -EINVAL);
        assert_true(n == UINT64_MAX);
}

static void test_hex_format(void **state)
{
        _cleanup_free_ char *hex = text_hex("\x00\xff\x1a", 3), *none = text_hex("", 0);
        _cleanup_free_ char *text = text_format("%s-%d", "a", 5);

        assert_string_equal(hex, "00ff1a");
        assert_string_equal(none, "");
        assert_string_equal(text, "a-5");
        assert_null(text_wipe_free(NULL));
        assert_null(text_wipe_free(strdup("secret")));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_escape),
                cmocka_unit_test(test_escape_cuts),
                cmocka_unit_test(test_escape_any_bytes),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_hex_format),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
