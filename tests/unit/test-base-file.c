/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files written durably: the old content or the new one, never a part, and nothing left lying
 * about. */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/strv.h"
#include "scratch.h"

static Scratch scratch;

static int setup(void **state)
{
        scratch_open(&scratch);
        return 0;
}

static int teardown(void **state)
{
        scratch_close(&scratch);
        return 0;
}

static void assert_content(const char *path, const char *expected)
{
        _cleanup_free_ char *data = NULL;
        size_t size;

        assert_int_equal(file_read_at(scratch.fd, path, 1 << 20, &data, &size), 0);
        assert_int_equal(size, strlen(expected));
        assert_string_equal(data, expected);
}

static size_t count_entries(int dir_fd)
{
        _cleanup_strv_ char **names = NULL;

        assert_int_equal(directory_list(dir_fd, &names), 0);
        return strv_length(names);
}

static void test_write_read(void **state)
{
        _cleanup_free_ char *data = NULL;
        size_t size = 99;

        assert_int_equal(file_write_at(scratch.fd, "a", "first", 5, 0644), 0);
        assert_content("a", "first");
        assert_int_equal(file_write_at(scratch.fd, "a", "second time", 11, 0600), 0);
        assert_content("a", "second time");
        assert_int_equal(scratch_mode(scratch.fd, "a"), 0600);
        assert_int_equal(file_write_at(scratch.fd, "empty", "", 0, 0600), 0);
        assert_int_equal(file_read_at(scratch.fd, "empty", 0, &data, &size), 0);
        assert_int_equal(size, 0);
        assert_string_equal(data, "");
        assert_int_equal(count_entries(scratch.fd), 2);
}

/* A name that leaves no room for more. */
static void test_longest_name(void **state)
{
        char name[NAME_MAX + 1];

        memset(name, 'n', NAME_MAX);
        name[NAME_MAX] = '\0';
        assert_int_equal(file_write_at(scratch.fd, name, "a", 1, 0600), 0);
        assert_content(name, "a");
        assert_int_equal(file_symlink_at(scratch.fd, "target", name), 0);
        assert_int_equal(count_entries(scratch.fd), 1);
        assert_int_equal(file_remove_at(scratch.fd, name), 0);
        assert_int_equal(count_entries(scratch.fd), 0);
}

static void test_read_refuses(void **state)
{
        char *data = NULL;

        assert_int_equal(file_read_at(scratch.fd, "none", 10, &data, NULL), -ENOENT);
        assert_int_equal(file_write_at(scratch.fd, "a", "12345", 5, 0600), 0);
        assert_int_equal(file_read_at(scratch.fd, "a", 4, &data, NULL), -E2BIG);
        assert_int_equal(file_read_at(scratch.fd, ".", 10, &data, NULL), -EINVAL);
        assert_int_equal(mkfifoat(scratch.fd, "fifo", 0600), 0);
        assert_int_equal(file_read_at(scratch.fd, "fifo", 10, &data, NULL), -EINVAL);
        assert_int_equal(symlinkat("a", scratch.fd, "link"), 0);
        assert_int_equal(file_read_at(scratch.fd, "link", 10, &data, NULL), -ELOOP);
        assert_null(data);
}

static void test_modes_whatever_the_umask(void **state)
{
        static const mode_t masks[] = { 0000, 0022, 0077, 0777 };

        for (size_t i = 0; i < ELEMENTSOF(masks); i++) {
                mode_t old = umask(masks[i]);
                int fd = directory_open_at(scratch.fd, "d", 0711);

                assert_true(fd >= 0);
                assert_int_equal(file_write_at(fd, "public", "x", 1, 0644), 0);
                assert_int_equal(file_write_at(fd, "secret", "x", 1, 0600), 0);
                assert_int_equal(directory_make_at(fd, "deep/down", 0750), 0);
                (void) umask(old);
                assert_int_equal(scratch_mode(scratch.fd, "d"), 0711);
                assert_int_equal(scratch_mode(fd, "public"), 0644);
                assert_int_equal(scratch_mode(fd, "secret"), 0600);
                assert_int_equal(scratch_mode(fd, "deep"), 0750);
                assert_int_equal(scratch_mode(fd, "deep/down"), 0750);
                (void) close_fd(fd);
                assert_int_equal(directory_remove_at(scratch.fd, "d"), 0);
        }
}

static void test_links_are_replaced_not_followed(void **state)
{
        assert_int_equal(file_write_at(scratch.fd, "victim", "untouched", 9, 0600), 0);
        assert_int_equal(symlinkat("victim", scratch.fd, "a"), 0);
        assert_int_equal(symlinkat("victim", scratch.fd, ".a.tmp"), 0);
        assert_int_equal(file_write_at(scratch.fd, "a", "new", 3, 0600), 0);
        assert_content("a", "new");
        assert_content("victim", "untouched");

        assert_int_equal(symlinkat("victim", scratch.fd, "b"), 0);
        assert_int_equal(file_create_at(scratch.fd, "b", "new", 3, 0600), -EEXIST);
        assert_content("victim", "untouched");
        assert_true(scratch_exists(scratch.fd, "b"));

        assert_int_equal(mkdirat(scratch.fd, "elsewhere", 0700), 0);
        assert_int_equal(symlinkat("elsewhere", scratch.fd, "d"), 0);
        assert_int_equal(directory_open_at(scratch.fd, "d", 0700), -ENOTDIR);
        assert_int_equal(directory_remove_at(scratch.fd, "d"), -ENOTDIR);
        assert_true(scratch_exists(scratch.fd, "elsewhere"));
}

static void test_create_only_once(void **state)
{
        assert_int_equal(file_create_at(scratch.fd, "a", "one", 3, 0600), 0);
        assert_int_equal(file_create_at(scratch.fd, "a", "two", 3, 0600), -EEXIST);
        assert_content("a", "one");
}

static void test_symlink_switch(void **state)
{
        char target[16] = "";

        assert_int_equal(file_symlink_at(scratch.fd, "one", "live"), 0);
        assert_int_equal(symlinkat("stale", scratch.fd, ".live.tmp"), 0);
        assert_int_equal(file_symlink_at(scratch.fd, "two", "live"), 0);
        assert_int_equal(readlinkat(scratch.fd, "live", target, sizeof(target) - 1), 3);
        assert_string_equal(target, "two");
        assert_int_equal(mkdirat(scratch.fd, "dir", 0700), 0);
        assert_int_equal(file_symlink_at(scratch.fd, "two", "dir"), -EISDIR);
        assert_int_equal(count_entries(scratch.fd), 2);
}

static void test_remove(void **state)
{
        assert_int_equal(file_write_at(scratch.fd, "a", "x", 1, 0600), 0);
        assert_int_equal(file_remove_at(scratch.fd, "a"), 0);
        assert_int_equal(file_remove_at(scratch.fd, "a"), 0);
        assert_int_equal(file_remove_at(scratch.fd, "no/such/a"), 0);
        /* what a crash in the middle of a write left is a part of it */
        assert_int_equal(file_create_at(scratch.fd, ".a.tmp", "half", 4, 0600), 0);
        assert_int_equal(file_remove_at(scratch.fd, "a"), 0);
        assert_false(scratch_exists(scratch.fd, ".a.tmp"));
        assert_int_equal(count_entries(scratch.fd), 0);

        assert_int_equal(directory_make_at(scratch.fd, "d/e/f", 0700), 0);
        assert_int_equal(file_write_at(scratch.fd, "d/e/g", "x", 1, 0600), 0);
        assert_int_equal(file_write_at(scratch.fd, "kept", "x", 1, 0600), 0);
        assert_int_equal(symlinkat("../../kept", scratch.fd, "d/e/link"), 0);
        assert_int_equal(symlinkat("..", scratch.fd, "d/up"), 0);
        assert_int_equal(directory_remove_at(scratch.fd, "d"), 0);
        assert_int_equal(directory_remove_at(scratch.fd, "d"), 0);
        assert_content("kept", "x");
        assert_int_equal(count_entries(scratch.fd), 1);
}

static void test_make(void **state)
{
        _cleanup_free_ char *path = text_format("%s//x/y/", scratch.path);

        assert_int_equal(directory_make_at(AT_FDCWD, path, 0700), 0);
        assert_int_equal(directory_make_at(AT_FDCWD, path, 0755), 0);
        assert_int_equal(scratch_mode(scratch.fd, "x/y"), 0700);
        assert_int_equal(file_write_at(scratch.fd, "file", "", 0, 0600), 0);
        assert_int_equal(directory_make_at(scratch.fd, "file", 0700), -ENOTDIR);
        assert_int_equal(directory_make_at(scratch.fd, "file/x", 0700), -ENOTDIR);
}

static void test_list_is_sorted(void **state)
{
        _cleanup_strv_ char **names = NULL;
        static char a[] = ".hidden", b[] = "B", c[] = "a", d[] = "b";
        char *expected[] = { a, b, c, d, NULL };

        for (size_t i = 4; i > 0; i--)
                assert_int_equal(mkdirat(scratch.fd, expected[i - 1], 0700), 0);
        assert_int_equal(directory_list(scratch.fd, &names), 0);
        assert_true(strv_equal(names, expected));
}

/* A disk that fills up at each possible byte: the old content stays and nothing else does. */
static void test_full_disk(void **state)
{
        static char big[32768];
        unsigned failed = 0;

        if (!scratch_may_mount())
                skip();
        memset(big, 'b', sizeof(big));
        for (size_t room = 8192; room <= 65536; room += 4096) {
                int r;

                scratch_mount(&scratch, room, 0);
                assert_int_equal(file_write_at(scratch.fd, "a", "old", 3, 0600), 0);
                r = file_write_at(scratch.fd, "a", big, sizeof(big), 0600);
                assert_true(r == 0 || r == -ENOSPC);
                failed += r == -ENOSPC;
                if (r < 0)
                        assert_content("a", "old");
                assert_int_equal(count_entries(scratch.fd), 1);
                r = file_create_at(scratch.fd, "new", big, sizeof(big), 0600);
                assert_true(r == 0 || r == -ENOSPC);
                assert_int_equal(count_entries(scratch.fd), r == 0 ? 2 : 1);
                assert_int_equal(unlinkat(scratch.fd, "a", 0), 0);
                (void) unlinkat(scratch.fd, "new", 0);
        }
        assert_true(failed >= 3 && failed < 15);
}

static void test_read_only_disk(void **state)
{
        if (!scratch_may_mount())
                skip();
        scratch_mount(&scratch, 65536, 0);
        assert_int_equal(file_write_at(scratch.fd, "a", "old", 3, 0600), 0);
        assert_int_equal(mkdirat(scratch.fd, "d", 0700), 0);
        scratch_mount(&scratch, 65536, MS_RDONLY);
        assert_int_equal(file_write_at(scratch.fd, "a", "new", 3, 0600), -EROFS);
        assert_int_equal(file_create_at(scratch.fd, "b", "new", 3, 0600), -EROFS);
        assert_int_equal(file_symlink_at(scratch.fd, "a", "l"), -EROFS);
        assert_int_equal(file_remove_at(scratch.fd, "a"), -EROFS);
        assert_int_equal(directory_make_at(scratch.fd, "e", 0700), -EROFS);
        assert_int_equal(directory_make_at(scratch.fd, "d", 0700), 0);
        assert_content("a", "old");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_write_read),
                TEST(test_longest_name),
                TEST(test_read_refuses),
                TEST(test_modes_whatever_the_umask),
                TEST(test_links_are_replaced_not_followed),
                TEST(test_create_only_once),
                TEST(test_symlink_switch),
                TEST(test_remove),
                TEST(test_make),
                TEST(test_list_is_sorted),
                TEST(test_full_disk),
                TEST(test_read_only_disk),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
