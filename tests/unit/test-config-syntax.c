/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The line reader: what each text consists of, as a transcript of its calls. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "config/syntax.h"

#define NOTHING  "neither a [Section], nor Key=value, nor a comment (#)"
#define CLOSE    "the section's name is not closed; write it as [Section name]"
#define UNCLEAN  "a character that is not printable, or not UTF-8"
#define NUL      "a NUL byte; a configuration is text"
#define TOO_LONG "the line is too long, more than 64 kB with its continuations"

static int on_section(void *userdata, unsigned line, const char *name)
{
        return buffer_append_format(userdata, "%u[%s]\n", line, name);
}

static int on_assignment(void *userdata, unsigned line, const char *key, const char *value)
{
        return buffer_append_format(userdata, "%u<%s>=<%s>\n", line, key, value);
}

static void on_problem(void *userdata, unsigned line, const char *text)
{
        assert_int_equal(buffer_append_format(userdata, "%u!%s\n", line, text), 0);
}

static const SyntaxHandler handler = { on_section, on_assignment, on_problem };

/* The text is read from memory that ends with it, so that a sanitizer sees a step too far. */
static void check_bytes(const char *text, size_t size, const char *expected)
{
        Buffer out = BUFFER_INIT(1024 * 1024);
        _cleanup_free_ char *copy = malloc(size ? size : 1);

        assert_non_null(copy);
        memcpy(copy, text, size);
        assert_int_equal(syntax_read(copy, size, &handler, &out), 0);
        assert_string_equal(out.data ? out.data : "", expected);
        buffer_done(&out);
}

static void check(const char *text, const char *expected)
{
        check_bytes(text, strlen(text), expected);
}

static void test_lines(void **state)
{
        check("", "");
        check("\n\n  \n\t\n", "");
        check("[A]\nk=v\n", "1[A]\n2<k>=<v>\n");
        check("[A]\nk=v", "1[A]\n2<k>=<v>\n");
        check("[A]\r\nk=v\r\n\r\n", "1[A]\n2<k>=<v>\n");
        check("\xef\xbb\xbf[A]\n", "1[A]\n");
        check("  [ A  b ]  \n", "1[A  b]\n");
        check("[]\n", "1[]\n");
        check(" \t k \t=\t v w \t\n", "1<k>=<v w>\n");
        check("k=\n", "1<k>=<>\n");
        check("k= \t \n", "1<k>=<>\n");
        check("k=a=b\n", "1<k>=<a=b>\n");
        check("k=a # no comment\n", "1<k>=<a # no comment>\n");
        check("k=\"a b\" 'c' \\x20d\n", "1<k>=<\"a b\" 'c' \\x20d>\n");
        check("k=K\xc3\xb6ln\n", "1<k>=<K\xc3\xb6ln>\n");
        check("[A]\n[A]\n[B]\n", "1[A]\n2[A]\n3[B]\n");
}

static void test_comments(void **state)
{
        check("# a\n;b\n  # c\n\t;d\nk=v\n", "5<k>=<v>\n");
        check("#[A]\n;k=v\n#\\\nk=v\n", "4<k>=<v>\n");
        check("#\xff\x01 latin-1 \xe4\n", "");
}

static void test_continuation(void **state)
{
        check("k=a\\\nb\nl=c\n", "1<k>=<a b>\n3<l>=<c>\n");
        check("k=a \\\n   b \\\n   c\nl=d\n", "1<k>=<a     b     c>\n4<l>=<d>\n");
        check("k=a\\\r\nb\r\n", "1<k>=<a b>\n");
        check("k=a\\\n# comment\n; another \\\nb\n[S]\n", "1<k>=<a b>\n5[S]\n");
        check("k=a\\\n\nl=b\n", "1<k>=<a>\n3<l>=<b>\n");
        check("k=a\\", "1<k>=<a>\n");
        check("k=a\\\n", "1<k>=<a>\n");
        check("k=a\\\n#c", "1<k>=<a>\n");
        /* a backslash that is escaped, or followed by something, ends no line */
        check("k=a\\\\\nl=b\n", "1<k>=<a\\\\>\n2<l>=<b>\n");
        check("k=a\\\\\\\nb\n", "1<k>=<a\\\\ b>\n");
        check("k=a\\ \nl=b\n", "1<k>=<a\\>\n2<l>=<b>\n");
        check("\\\nk=v\n", "1<k>=<v>\n");
        check("[A\\\nb]\n", "1[A b]\n");
        check("k\\\n=v\n", "1<k>=<v>\n");
        /* the second line is a part of the first, whatever it looks like */
        check("k=\\\n[A]\n", "1<k>=<[A]>\n");
}

static void test_problems(void **state)
{
        check("k\n[A]\n", "1!" NOTHING "\n2[A]\n");
        check("=v\n", "1!" NOTHING "\n");
        check("\n =v\n", "2!" NOTHING "\n");
        check("[A\nk=v\n", "1!" CLOSE "\n2<k>=<v>\n");
        check("[\n", "1!" CLOSE "\n");
        check("[A] x\n", "1!" CLOSE "\n");
        check("k=\x01\nl=v\n", "1!" UNCLEAN "\n2<l>=<v>\n");
        check("k=\x1b[31m\n", "1!" UNCLEAN "\n");
        check("k=a\rb\n", "1!" UNCLEAN "\n");
        check("k=a\x7f\n", "1!" UNCLEAN "\n");
        check("k=\xe4\n", "1!" UNCLEAN "\n");
        check("k=\xc3", "1!" UNCLEAN "\n");
        check("k=\xc0\xaf\n", "1!" UNCLEAN "\n");
        check("k=\xed\xa0\x80\n", "1!" UNCLEAN "\n");
        check("k=a\xe2\x80\xae"
              "b\n",
                        "1!" UNCLEAN "\n"); /* right-to-left override */
        check("k=a\\\n\x01\\\nb\nl=v\n", "1!" UNCLEAN "\n4<l>=<v>\n");
        check_bytes("k=a\0b\nl=v\n", 10, "1!" NUL "\n2<l>=<v>\n");
        check_bytes("k=a\0", 4, "1!" NUL "\n");
        check_bytes("#\0\nl=v\n", 7, "1!" NUL "\n2<l>=<v>\n");
        check_bytes("\0", 1, "1!" NUL "\n");
}

/* The ceiling holds for the line with all that continues it, and the next line is read again. */
static void test_ceilings(void **state)
{
        size_t size = LIMIT_CONFIG_LINE;
        _cleanup_free_ char *text = malloc(2 * size), *expected = NULL;
        Buffer b = BUFFER_INIT(4 * size);

        assert_non_null(text);
        memset(text, 'x', size);
        memcpy(text, "k=", 2);
        memcpy(text + size, "\nl=v\n", 5);
        assert_int_equal(buffer_append_format(
                                         &b, "1<k>=<%.*s>\n2<l>=<v>\n", (int) size - 2, text + 2),
                        0);
        expected = buffer_take(&b);
        check_bytes(text, size + 5, expected);
        memcpy(text + size, "x\nl=v\n", 6);
        check_bytes(text, size + 6, "1!" TOO_LONG "\n2<l>=<v>\n");
        memcpy(text + size / 2, "\\\n", 2);
        memcpy(text + size, "xxx\nl=v\n", 8);
        check_bytes(text, size + 8, "1!" TOO_LONG "\n3<l>=<v>\n");
}

static int on_section_fails(void *userdata, unsigned line, const char *name)
{
        (*(unsigned *) userdata)++;
        return -ENOMEM;
}

static void test_handler_ends_it(void **state)
{
        static const SyntaxHandler fails = { on_section_fails, on_assignment, on_problem };
        unsigned n = 0;

        assert_int_equal(syntax_read("[A]\n[B]\n", 8, &fails, &n), -ENOMEM);
        assert_int_equal(n, 1);
        assert_int_equal(syntax_read("[A]\\", 4, &fails, &n), -ENOMEM);
        assert_int_equal(n, 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_comments),
                cmocka_unit_test(test_continuation),
                cmocka_unit_test(test_problems),
                cmocka_unit_test(test_ceilings),
                cmocka_unit_test(test_handler_ends_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
