/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A buffer grows to its ceiling and not a byte further, whatever is appended. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/buffer.h"

static void test_grows(void **state)
{
        Buffer b = BUFFER_INIT(100000);

        for (unsigned i = 0; i < 20000; i++)
                assert_int_equal(buffer_append(&b, "abcde", 5), 0);
        assert_int_equal(b.size, 100000);
        assert_int_equal(b.data[b.size], '\0');
        for (size_t i = 0; i < b.size; i++)
                assert_int_equal(b.data[i], "abcde"[i % 5]);
        assert_int_equal(buffer_append(&b, "x", 1), -E2BIG);
        assert_int_equal(b.size, 100000);
        buffer_done(&b);
        assert_null(b.data);
        assert_int_equal(b.limit, 100000);
}

static void test_ceiling_is_exact(void **state)
{
        for (size_t limit = 0; limit < 200; limit++) {
                Buffer b = BUFFER_INIT(limit);
                size_t n = 0;

                while (buffer_append(&b, "x", 1) == 0)
                        n++;
                assert_int_equal(n, limit);
                assert_int_equal(buffer_append(&b, "", 0), 0);
                buffer_wipe(&b);
        }
}

static void test_refused_append_changes_nothing(void **state)
{
        Buffer b = BUFFER_INIT(10);

        assert_int_equal(buffer_append_string(&b, "12345"), 0);
        assert_int_equal(buffer_append_string(&b, "123456"), -E2BIG);
        assert_int_equal(buffer_append_format(&b, "%06d", 7), -E2BIG);
        assert_int_equal(buffer_append(&b, "x", SIZE_MAX), -E2BIG);
        assert_string_equal(b.data, "12345");
        assert_int_equal(buffer_append_format(&b, "%05d", 7), 0);
        assert_string_equal(b.data, "1234500007");
        buffer_done(&b);
}

static void test_take(void **state)
{
        Buffer b = BUFFER_INIT(10);
        char *s = buffer_take(&b);

        assert_string_equal(s, "");
        free(s);
        assert_int_equal(buffer_append(&b, "a\0b", 3), 0);
        s = buffer_take(&b);
        assert_memory_equal(s, "a\0b", 4);
        assert_null(b.data);
        free(s);
        assert_int_equal(buffer_append_string(&b, "again"), 0);
        buffer_done(&b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_grows),
                cmocka_unit_test(test_ceiling_is_exact),
                cmocka_unit_test(test_refused_append_changes_nothing),
                cmocka_unit_test(test_take),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
