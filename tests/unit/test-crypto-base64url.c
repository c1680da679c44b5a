/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One text for one value: the alphabet, the lengths, and what is refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/text.h"
#include "crypto/base64url.h"

static void check_both_ways(const void *data, size_t size, const char *text)
{
        _cleanup_free_ char *encoded = NULL;
        _cleanup_free_ void *decoded = NULL;
        size_t n;

        assert_int_equal(base64url_encode(data, size, &encoded), 0);
        assert_string_equal(encoded, text);
        assert_int_equal(base64url_decode(text, &decoded, &n), 0);
        assert_int_equal(n, size);
        assert_memory_equal(decoded, data, size);
        assert_int_equal(((char *) decoded)[n], '\0'); /* so that text can be used as such */
}

/* RFC 4648 section 10, without its padding; RFC 7515 appendix C. */
static void test_vectors(void **state)
{
        static const char *const table[][2] = {
                { "", "" },
                { "f", "Zg" },
                { "fo", "Zm8" },
                { "foo", "Zm9v" },
                { "foob", "Zm9vYg" },
                { "fooba", "Zm9vYmE" },
                { "foobar", "Zm9vYmFy" },
        };
        static const unsigned char appendix[] = { 3, 236, 255, 224, 193 };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                check_both_ways(table[i][0], strlen(table[i][0]), table[i][1]);
        check_both_ways(appendix, sizeof(appendix), "A-z_4ME");
}

static void test_every_length(void **state)
{
        static const char alphabet[] =
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        unsigned char data[400];
        unsigned seed = 1;

        for (size_t size = 0; size <= sizeof(data); size++) {
                char text[sizeof(data) * 4 / 3 + 4] = "";
                size_t n = 0;

                for (size_t i = 0; i < size; i++) {
                        seed = seed * 1103515245U + 12345U;
                        data[i] = (unsigned char) (seed >> 16);
                }
                /* Written once more, six bits at a time. */
                for (size_t bit = 0; bit < size * 8; bit += 6) {
                        unsigned six = 0;

                        for (size_t k = bit; k < bit + 6; k++)
                                six = six << 1 | (k < size * 8 && data[k / 8] >> (7 - k % 8) & 1);
                        text[n++] = alphabet[six];
                }
                check_both_ways(data, size, text);
        }
}

static void test_refused(void **state)
{
        static const char *const table[] = {
                "Zg==",
                "Zg=",
                "Zm8=",
                "=",
                "==", /* padding */
                "Z",
                "Zm9vY",
                "A",
                "AAAAA",
                "A-4MA", /* no such length */
                "Zh",
                "Zm9",
                "A-z_4MF", /* stray bits behind the last octet */
                "Zm9v Yg",
                " Zg",
                "Zg ",
                "Zm9v\n",
                "Zm9v\r\nYg",
                "\tZg",
                "A+z_",
                "A-z/", /* the other alphabet */
                "Zm9v.",
                "Zm9v,",
                "Zm\x01v",
                "Zm\xc3\xb6",
                "Zm9v=Yg",
                "-----BEGIN X-----\nZm9v\n-----END X-----\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                void *data = NULL;
                size_t size = 77;

                assert_int_equal(base64url_decode(table[i], &data, &size), -EINVAL);
                assert_null(data); /* outputs are left alone */
                assert_int_equal(size, 77);
        }
}

/* Keys that people paste come in all four spellings. */
static void test_lenient(void **state)
{
        static const char *const same[] = { "A-z_4ME", "A-z_4ME=", "A+z/4ME",
                "A+z/4ME=", "A+z_4ME=", "A-z_4ME==" };
        static const unsigned char expected[] = { 3, 236, 255, 224, 193 };
        static const char *const refused[] = { "A-z_4ME===", "A-z_4MF", "A-z_ 4ME", "=", "==", "Z",
                "A-z_4ME\n", "A=z_4ME" };

        for (size_t i = 0; i < ELEMENTSOF(same); i++) {
                _cleanup_free_ void *data = NULL;
                size_t size;

                assert_int_equal(base64_decode_lenient(same[i], &data, &size), 0);
                assert_int_equal(size, sizeof(expected));
                assert_memory_equal(data, expected, size);
        }
        for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
                _cleanup_free_ void *data = NULL;
                size_t size;
                int r = base64_decode_lenient(refused[i], &data, &size);

                /* Nothing but padding is the empty key, which account.c refuses. */
                if (r == 0)
                        assert_int_equal(size, 0);
                else
                        assert_int_equal(r, -EINVAL);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_vectors),
                cmocka_unit_test(test_every_length),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_lenient),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
