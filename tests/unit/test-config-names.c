/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names as people write them, and what a CA is asked for, or why it is not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/limits.h"
#include "config/names.h"

#define LABEL_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static void check(const char *name, const char *expected)
{
        _cleanup_free_ char *out = NULL, *reason = NULL;
        int r = name_normalize(name, &out, &reason);

        if (r < 0)
                print_message("%s: %s\n", name, reason);
        assert_int_equal(r, 0);
        assert_string_equal(out, expected);
        assert_null(reason);
}

static void check_refused(const char *name, const char *part)
{
        _cleanup_free_ char *out = NULL, *reason = NULL;
        int r = name_normalize(name, &out, &reason);

        if (r == 0)
                print_message("%s: accepted as %s\n", name, out);
        assert_int_equal(r, -EINVAL);
        assert_null(out);
        if (!strstr(reason, part))
                print_message("%s: %s\n", name, reason);
        assert_non_null(strstr(reason, part));
}

static void test_plain(void **state)
{
        check("example.com", "example.com");
        check("Example.COM", "example.com");
        check("example.com.", "example.com");
        check("a.b-c.3com.x9", "a.b-c.3com.x9");
        check("localhost", "localhost");
        check("db1", "db1");
        check("xn--bcher-kva.example", "xn--bcher-kva.example");
        check("XN--Bcher-KVA.example", "xn--bcher-kva.example");
        check(LABEL_63 ".example", LABEL_63 ".example");
        check(LABEL_63 "." LABEL_63 "." LABEL_63
                       ".abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi",
                        LABEL_63 "." LABEL_63 "." LABEL_63
                                 ".abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi");
}

static void test_international(void **state)
{
        check("b\xc3\xbc"
              "cher.example",
                        "xn--bcher-kva.example");
        check("B\xc3\x9c"
              "CHER.example",
                        "xn--bcher-kva.example");
        check("bu\xcc\x88"
              "cher.example",
                        "xn--bcher-kva.example");          /* not in NFC */
        check("fa\xc3\x9f.example", "xn--fa-hia.example"); /* nontransitional: as browsers do */
        check("\xe4\xbe\x8b\xe3\x81\x88\xe3\x80\x82\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88",
                        "xn--r8jz45g.xn--zckzah");      /* with an ideographic full stop */
        check("\xef\xbd\x85xample.com", "example.com"); /* fullwidth e */
        check_refused("\xe2\x98\x83\xe2\x80\x8d.example", "is not a name (IDNA 2008)");
        check_refused("a\xcc\xb8/b.example", "URL or a path");
        check_refused("xn--a.example", "is not a name (IDNA 2008)");
        check_refused("\xef\xbc\x91\xef\xbc\x99\xef\xbc\x92.0.2.1", "no name ends in a number");
        check_refused("a\xe3\x80\x82\xe3\x80\x82"
                      "b",
                        "empty label");
}

static void test_addresses(void **state)
{
        check("192.0.2.1", "192.0.2.1");
        check("2001:DB8:0:0:0:0:0:1", "2001:db8::1");
        check("2001:db8::1:0:0:1", "2001:db8::1:0:0:1");
        check("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"); /* one zero is not shortened */
        check("::1", "::1");
        check("::ffff:192.0.2.1", "::ffff:192.0.2.1");
        check_refused("192.0.2.1.", "no name ends in a number");
        check_refused("192.0.2", "no name ends in a number");
        check_refused("192.0.2.256", "no name ends in a number");
        check_refused("192.0.2.01", "no name ends in a number");
        check_refused("192.0.2.0/24", "URL or a path");
        check_refused("[2001:db8::1]", "without brackets");
        check_refused("2001:db8::g", "neither a name nor an IPv6 address");
        check_refused("fe80::1%eth0", "neither a name nor an IPv6 address");
        check_refused("12345", "no name ends in a number");
}

static void test_mistakes(void **state)
{
        check_refused("*.example.com", "wildcard, which http-01 cannot prove");
        check_refused("*", "wildcard");
        check_refused("www.*.example.com", "wildcard");
        check_refused("https://example.com", "URL");
        check_refused("example.com/x", "URL");
        check_refused("../../etc/passwd", "URL or a path");
        check_refused("example.com:443", "without a port");
        check_refused("ops@example.com", "e-mail");
        check_refused("a.example,b.example", "separated by spaces");
        check_refused("a_b.example", "letters, digits, hyphens and dots");
        check_refused("_acme-challenge.example", "letters, digits, hyphens and dots");
        check_refused("$(reboot).example", "letters, digits, hyphens and dots");
        check_refused("`reboot`", "letters, digits, hyphens and dots");
        check_refused("%2e%2e", "letters, digits, hyphens and dots");
        check_refused("a b", "letters, digits, hyphens and dots");
        check_refused("-a.example", "hyphen");
        check_refused("a-.example", "hyphen");
        check_refused("--help", "hyphen");
        check_refused("", "empty label");
        check_refused(".", "empty label");
        check_refused("..", "empty label");
        check_refused("a..b", "empty label");
        check_refused(".example.com", "empty label");
        check_refused("example.com..", "empty label");
        check_refused(LABEL_63 "l.example", "more than 63");
        check_refused(LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63, "longer than 253");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plain),
                cmocka_unit_test(test_international),
                cmocka_unit_test(test_addresses),
                cmocka_unit_test(test_mistakes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
