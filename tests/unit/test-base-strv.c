/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of strings; NULL is the empty one everywhere. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/strv.h"

static void test_empty(void **state)
{
        _cleanup_free_ char *joined = strv_join(NULL, ",");
        char **copy = (char **) state;

        assert_int_equal(strv_length(NULL), 0);
        assert_false(strv_contains(NULL, ""));
        assert_int_equal(strv_copy(NULL, &copy), 0);
        assert_null(copy);
        assert_string_equal(joined, "");
        assert_true(strv_equal(NULL, NULL));
        assert_true(strv_equal_set(NULL, NULL));
        assert_null(strv_free(NULL));
        STRV_FOREACH (s, NULL)
                fail();
}

static void test_split(void **state)
{
        static const struct {
                const char *text, *joined;
                size_t n;
        } table[] = {
                { "", "", 0 },
                { " \t ", "", 0 },
                { "a", "a", 1 },
                { " a\tb  c ", "a|b|c", 3 },
                { "a=b c", "a=b|c", 2 },
                { "\xc3\xa4 \n", "\xc3\xa4|\n", 2 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_strv_ char **l = NULL;
                _cleanup_free_ char *joined = NULL;

                assert_int_equal(strv_split(table[i].text, &l), 0);
                assert_int_equal(strv_length(l), table[i].n);
                joined = strv_join(l, "|");
                assert_string_equal(joined, table[i].joined);
        }
}

static void test_add_copy(void **state)
{
        _cleanup_strv_ char **l = NULL, **copy = NULL;

        assert_int_equal(strv_add(&l, "one"), 0);
        assert_int_equal(strv_add(&l, ""), 0);
        assert_int_equal(strv_add(&l, "three"), 0);
        assert_int_equal(strv_length(l), 3);
        assert_true(strv_contains(l, ""));
        assert_false(strv_contains(l, "thre"));
        assert_int_equal(strv_copy(l, &copy), 0);
        assert_ptr_not_equal(copy[0], l[0]);
        assert_true(strv_equal(l, copy));
        assert_int_equal(strv_add(&copy, "four"), 0);
        assert_false(strv_equal(l, copy));
}

static void test_equal(void **state)
{
        static char one[] = "1", two[] = "2", three[] = "3";
        char *a[] = { one, two, NULL }, *b[] = { two, one, NULL }, *c[] = { one, three, NULL },
             *d[] = { one, NULL };

        assert_true(strv_equal(a, a));
        assert_false(strv_equal(a, b));
        assert_true(strv_equal_set(a, b));
        assert_false(strv_equal_set(a, c));
        assert_false(strv_equal_set(a, d));
        assert_false(strv_equal(a, d));
        assert_false(strv_equal(d, NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_split),
                cmocka_unit_test(test_add_copy),
                cmocka_unit_test(test_equal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
