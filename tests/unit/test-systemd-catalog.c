/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * systemd/renewd.catalog explains every message id of <renew/journal.h>, once, and no other, and no
 * entry lacks its subject. Arguments: the header and the catalog.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"

#define ID_LENGTH 32

static char *header_text, *catalog_text;

static bool is_id(const char *s, char end)
{
        return strspn(s, "0123456789abcdef") == ID_LENGTH && s[ID_LENGTH] == end;
}

/* What follows each occurrence of the mark, where it is an id. */
static char **ids_after(const char *text, const char *mark, char end)
{
        char **ids = NULL;

        for (const char *p = text; (p = strstr(p, mark));) {
                p += strlen(mark);
                if (is_id(p, end)) {
                        _cleanup_free_ char *id = strndup(p, ID_LENGTH);

                        assert_int_equal(strv_add(&ids, id), 0);
                }
        }
        return ids;
}

static void test_same_ids(void **state)
{
        _cleanup_strv_ char **of_header = ids_after(header_text, " \"", '"');
        _cleanup_strv_ char **of_catalog = ids_after(catalog_text, "\n-- ", '\n');

        assert_true(strv_length(of_header) >= 10);
        STRV_FOREACH (id, of_header)
                if (!strv_contains(of_catalog, *id))
                        fail_msg("%s is not in the catalog", *id);
        STRV_FOREACH (id, of_catalog)
                if (!strv_contains(of_header, *id))
                        fail_msg("%s is not in the header", *id);
        assert_int_equal(strv_length(of_header), strv_length(of_catalog));
}

static void test_entries_are_whole(void **state)
{
        for (const char *p = catalog_text; (p = strstr(p, "\n-- "));) {
                const char *next;

                p += strlen("\n-- ");
                if (!is_id(p, '\n'))
                        fail_msg("an entry begins with no id: %.40s", p);
                assert_int_equal(strncmp(p + ID_LENGTH, "\nSubject: ", 10), 0);
                next = strstr(p, "\n\n");
                assert_non_null(next); /* the text behind the header */
                assert_int_not_equal(next[2], '\0');
                assert_true(strncmp(next + 2, "-- ", 3) != 0);
        }
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_same_ids),
                cmocka_unit_test(test_entries_are_whole),
        };
        size_t size;
        int r;

        if (argc != 3 || file_read_at(AT_FDCWD, argv[1], 1024 * 1024, &header_text, &size) < 0 ||
                        file_read_at(AT_FDCWD, argv[2], 1024 * 1024, &catalog_text, &size) < 0)
                return EXIT_FAILURE;
        r = cmocka_run_group_tests(tests, NULL, NULL);
        free(header_text);
        free(catalog_text);
        return r;
}
