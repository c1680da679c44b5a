/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Columns line up by characters, colours only where wanted, notes widen nothing. */

#include "ctl-util.h"

#include "ctl/table.h"

static char *printed(const Table *t, bool color)
{
        char *out = NULL;
        size_t size;
        FILE *file = open_memstream(&out, &size);

        assert_int_equal(table_print(t, file, color), 0);
        assert_int_equal(fclose(file), 0);
        return out;
}

static void test_columns(void **state)
{
        _cleanup_table_ Table t = TABLE_INIT(2);
        _cleanup_free_ char *plain = NULL;

        table_add(&t, TONE_HEADING, "NAME");
        table_add(&t, TONE_HEADING, "STATE");
        table_add(&t, TONE_PLAIN, "long.example");
        table_add(&t, TONE_WELL, "well");
        table_add_note(&t, TONE_FAINT, "a note that is wider than any of the columns");
        table_add(&t, TONE_PLAIN, "b\xc3\xbc.example"); /* nine characters, ten bytes */
        table_add(&t, TONE_PLAIN, NULL);
        plain = printed(&t, false);
        assert_string_equal(plain, "NAME          STATE\n"
                                   "long.example  well\n"
                                   "    a note that is wider than any of the columns\n"
                                   "b\xc3\xbc.example    -\n");
}

static void test_colors(void **state)
{
        _cleanup_table_ Table t = TABLE_INIT(3);
        _cleanup_free_ char *colored = NULL;

        table_add(&t, TONE_WELL, "a");
        table_add(&t, TONE_WORKING, "b");
        table_add(&t, TONE_ATTENTION, "c");
        colored = printed(&t, true);
        assert_string_equal(colored, "\033[32ma\033[0m  \033[33mb\033[0m  \033[1;31mc\033[0m\n");
}

static void test_empty(void **state)
{
        _cleanup_table_ Table t = TABLE_INIT(2);
        _cleanup_free_ char *nothing = printed(&t, true);

        assert_string_equal(nothing, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_columns),
                cmocka_unit_test(test_colors),
                cmocka_unit_test(test_empty),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
