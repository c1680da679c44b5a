/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers as servers write them, and as no server should. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "acme/header.h"
#include "base/limits.h"
#include "base/strv.h"
#include "base/text.h"

#define NOW (UINT64_C(1790000000) * USEC_PER_SEC) /* Mon, 21 Sep 2026 14:13:20 GMT */

static void test_find(void **state)
{
        const RenewHeader headers[] = { { "x-a", "1" }, { "LOCATION", "2" }, { "location", "3" },
                { "X-Empty", "" } };
        const RenewResponse response = { .headers = headers, .n_headers = ELEMENTSOF(headers) };
        const RenewResponse none = {};

        assert_string_equal(header_find(&response, "Location"), "2");
        assert_string_equal(header_find(&response, "X-A"), "1");
        assert_string_equal(header_find(&response, "x-empty"), "");
        assert_null(header_find(&response, "Locatio"));
        assert_null(header_find(&response, "Locations"));
        assert_null(header_find(&none, "Location"));
}

/* --- Retry-After ------------------------------------------------------------------------------ */

#define YEAR (365 * USEC_PER_DAY)

static void test_retry_after(void **state)
{
        static const struct {
                const char *value, *date;
                RenewUsec expected; /* from NOW on; 0: as good as absent */
        } table[] = {
                { "1", NULL, USEC_PER_SEC },
                { "120", NULL, 120 * USEC_PER_SEC },
                { "00120", NULL, 120 * USEC_PER_SEC },
                { "86400", NULL, USEC_PER_DAY },
                { "31536000", NULL, YEAR },
                { "31536001", NULL, YEAR },
                { "99999999999999999999999999", NULL, YEAR },
                { "Mon, 21 Sep 2026 14:14:20 GMT", NULL, USEC_PER_MIN },
                /* By the server's own clock, whatever ours says. */
                { "Thu, 01 Jan 2026 00:01:00 GMT", "Thu, 01 Jan 2026 00:00:00 GMT", USEC_PER_MIN },
                { "Thu, 01 Jan 2026 00:01:00 GMT", "yesterday", 0 },
                { "Fri, 31 Dec 9999 23:59:59 GMT", NULL, YEAR },
                { "Fri, 31 Dec 9999 23:59:59 UTC", NULL, YEAR },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const RenewHeader headers[] = { { "retry-after", table[i].value },
                        { "date", table[i].date } };
                const RenewResponse response = { .headers = headers,
                        .n_headers = table[i].date ? 2 : 1 };

                assert_int_equal(header_retry_after(&response, NOW), NOW + table[i].expected);
        }
}

static void test_retry_after_garbage(void **state)
{
        static const char *const table[] = { "", " ", "-5", "+5", "1.5", "5s", "0x10", "1e3",
                "99999999999x", "99999999999 seconds", "soon", "Mon", "Mon, 21 Sep 2026",
                "Mon, 21 Sep 2026 14:14:20", "Mon, 21 Sep 2026 14:14:20 PST",
                "Mon, 21 Sep 2026 14:14:20 GMT.", "Mon, 99 Sep 2026 14:14:20 GMT",
                "Mon, 21 Foo 2026 14:14:20 GMT", "Mon, 21 Sep 2026 25:14:20 GMT",
                "Thu, 01 Jan 1969 00:00:00 GMT", "2026-09-21T14:14:20Z", "\xff\xfe" };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const RenewHeader header = { "Retry-After", table[i] };
                const RenewResponse response = { .headers = &header, .n_headers = 1 };

                assert_int_equal(header_retry_after(&response, NOW), 0);
        }
        assert_int_equal(header_retry_after(&(RenewResponse){}, NOW), 0);
}

/* Zero and what has passed: now, which is not the same as not said. */
static void test_retry_after_now(void **state)
{
        static const char *const table[] = { "0", "Mon, 21 Sep 2026 14:13:20 GMT",
                "Mon, 21 Sep 2020 14:13:20 GMT" };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const RenewHeader header = { "Retry-After", table[i] };
                const RenewResponse response = { .headers = &header, .n_headers = 1 };

                assert_int_equal(header_retry_after(&response, NOW), NOW);
                assert_int_equal(header_retry_after(&response, UINT64_MAX - 1), UINT64_MAX - 1);
        }
}

/* --- Link ------------------------------------------------------------------------------------- */

#define BASE "https://ca.example/acme/cert/1?x=1"

static void check_links(const RenewHeader *headers, size_t n_headers, const char *base,
                bool plain_http, const char *const *expected)
{
        const RenewResponse response = { .headers = headers, .n_headers = n_headers };
        _cleanup_strv_ char **links = NULL;
        size_t n = 0;

        assert_int_equal(header_links(&response, "alternate", base, plain_http, &links), 0);
        while (expected[n]) {
                assert_true(n < strv_length(links));
                assert_string_equal(links[n], expected[n]);
                n++;
        }
        assert_int_equal(strv_length(links), n);
}

#define ONE "https://ca.example/1"
#define TWO "https://ca.example/2"

static void test_links(void **state)
{
        static const struct {
                const char *value;
                const char *expected[3];
        } table[] = {
                { "<" ONE ">;rel=\"alternate\"", { ONE } },
                { "<" ONE ">;rel=alternate", { ONE } },
                { "<" ONE "> ; rel=\"alternate\"", { ONE } },
                { "<" ONE "> ;\trel = \"alternate\"", { ONE } },
                { "<" ONE ">;REL=\"Alternate\"", { ONE } },
                { "<" ONE ">;rel=\"up alternate\"", { ONE } },
                { "<" ONE ">;rel=\"alternate up\"", { ONE } },
                { "<" ONE ">;title=\"x\";rel=\"alternate\";type=\"y\"", { ONE } },
                { "<" ONE ">; title=\"a, b; c <d>\"; rel=\"alternate\"", { ONE } },
                { "<" ONE ">; title=\"a \\\" b\"; rel=\"alternate\"", { ONE } },
                { "<" ONE ">;crossorigin;rel=alternate", { ONE } },
                { "<" ONE ">;;rel=alternate;", { ONE } },
                /* Comma-joined. */
                { "<" ONE ">;rel=\"alternate\",<" TWO ">;rel=\"alternate\"", { ONE, TWO } },
                { "<" ONE ">;rel=\"alternate\" , <" TWO ">;rel=alternate", { ONE, TWO } },
                { "<" ONE ">;rel=alternate,<" TWO ">;rel=alternate", { ONE, TWO } },
                { "<" ONE ">;rel=\"index\", <" TWO ">;rel=\"alternate\"", { TWO } },
                { ", ,<" ONE ">;rel=alternate,, ", { ONE } },
                { "<" ONE ">;title=\"x, y\";rel=up,<" TWO ">;rel=alternate", { TWO } },
                /* Other relations. */
                { "<" ONE ">;rel=\"up\"", { NULL } },
                { "<" ONE ">;rel=\"alternates\"", { NULL } },
                { "<" ONE ">;rel=\"xalternate\"", { NULL } },
                { "<" ONE ">;xrel=\"alternate\"", { NULL } },
                { "<" ONE ">;rev=\"alternate\"", { NULL } },
                { "<" ONE ">;rel*=UTF-8''alternate", { NULL } },
                { "<" ONE ">;rel=\"up\";rel=\"alternate\"", { NULL } }, /* the first one counts */
                { "<" ONE ">;title=\"a;rel=alternate\"", { NULL } },
                { "<" ONE ">;title=\"\\\";rel=alternate;\"", { NULL } },
                /* Hostile. */
                { "", { NULL } },
                { "<", { NULL } },
                { "<>", { NULL } },
                { "<" ONE, { NULL } },
                { ONE ";rel=alternate", { NULL } },
                { "<" ONE ">", { NULL } },
                { "<" ONE ">;", { NULL } },
                { "<" ONE ">;rel", { NULL } },
                { "<" ONE ">;rel=", { NULL } },
                { "<" ONE ">;rel=\"", { NULL } },
                { "<" ONE ">;rel=\"alternate", { ONE } }, /* cut off behind the word */
                { "<" ONE ">;rel=\"\\", { NULL } },
                { "<" ONE ">;rel=\"\\\"", { NULL } },
                { "<" ONE ">;title=\"unclosed;rel=alternate, <" TWO ">;rel=alternate", { NULL } },
                { "<" ONE ">rel=alternate", { NULL } },
                { "<" ONE "> x;rel=alternate, <" TWO ">;rel=alternate", { ONE, TWO } },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const RenewHeader header = { "link", table[i].value };

                check_links(&header, 1, BASE, false, table[i].expected);
        }
}

static void test_repeated(void **state)
{
        const RenewHeader headers[] = { { "Link", "<" ONE ">;rel=\"alternate\"" },
                { "X", "<" ONE ">;rel=\"alternate\"" },
                { "LINK", "<https://ca.example/i>;rel=\"index\"" },
                { "link", "<" TWO ">;rel=\"alternate\"" } };

        check_links(headers, ELEMENTSOF(headers), BASE, false, (const char *[]){ ONE, TWO, NULL });
        check_links(headers, 0, BASE, false, (const char *[]){ NULL });
}

static void test_relative(void **state)
{
        static const struct {
                const char *base, *reference, *expected;
        } table[] = {
                { BASE, "/acme/cert/2", "https://ca.example/acme/cert/2" },
                { BASE, "2", "https://ca.example/acme/cert/2" },
                { BASE, "2?a=/b", "https://ca.example/acme/cert/2?a=/b" },
                { BASE, "//other.example/2", "https://other.example/2" },
                { BASE, "http://other.example/2", "http://other.example/2" },
                { BASE, "/go?to=https://other.example/",
                                "https://ca.example/go?to=https://other."
                                "example/" },
                { "https://ca.example", "2", "https://ca.example/2" },
                { "https://ca.example", "/2", "https://ca.example/2" },
                { "https://ca.example?x=/y", "2", "https://ca.example/2" },
                { "https://ca.example:14000/a/b/", "2", "https://ca.example:14000/a/b/2" },
                { "https://ca.example/a#/b", "2", "https://ca.example/2" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_free_ char *value = text_format("<%s>;rel=alternate", table[i].reference);
                const RenewHeader header = { "Link", value };

                check_links(&header, 1, table[i].base, true,
                                (const char *[]){ table[i].expected, NULL });
        }
}

/* What cannot be asked for is not told of. */
static void test_unusable(void **state)
{
        const RenewHeader headers[] = { { "Link", "<http://ca.example/1>;rel=alternate" },
                { "Link", "<file:///etc/passwd>;rel=alternate" },
                { "Link", "< c/2>;rel=alternate, <c\x1b>;rel=alternate, <data:x>;rel=alternate" },
                { "Link", "<" TWO ">;rel=alternate" } };

        check_links(headers, ELEMENTSOF(headers), BASE, false, (const char *[]){ TWO, NULL });
        check_links(headers, ELEMENTSOF(headers), BASE, true,
                        (const char *[]){ "http://ca.example/1", TWO, NULL });
}

static void test_many_links(void **state)
{
        RenewHeader headers[200];
        const RenewResponse response = { .headers = headers, .n_headers = ELEMENTSOF(headers) };
        _cleanup_strv_ char **links = NULL;

        for (size_t i = 0; i < ELEMENTSOF(headers); i++)
                headers[i] = (RenewHeader){ "Link",
                        "<" ONE ">;rel=alternate,<" TWO ">;rel=alternate" };
        assert_int_equal(header_links(&response, "alternate", BASE, false, &links), 0);
        assert_int_equal(strv_length(links), LIMIT_LINKS);
}

/* --- URLs ------------------------------------------------------------------------------------- */

static void test_usable(void **state)
{
        static const struct {
                const char *url;
                bool usable, usable_in_tests;
        } table[] = {
                { "https://ca.example/", true, true },
                { "https://ca.example", true, true },
                { "https://[2001:db8::1]:14000/dir?a=b%20c", true, true },
                { "http://127.0.0.1:4000/dir", false, true },
                { "http://", false, false },
                { "https://", false, false },
                { "https:///path", false, false },
                { "HTTPS://ca.example/", false, false }, /* no CA writes it so */
                { "ftp://ca.example/", false, false },
                { "file:///etc/passwd", false, false },
                { "//ca.example/", false, false },
                { "/acme", false, false },
                { "", false, false },
                { "https://ca.example/ x", false, false },
                { "https://ca.example/\r\nX: y", false, false },
                { "https://ca.example/\x7f", false, false },
                { "https://ca.example/\xc3\xb6", false, false },
                { "https://ca.example/\xe9", false, false },
        };
        _cleanup_free_ char *longest = malloc(LIMIT_URL + 2);

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                assert_int_equal(url_is_usable(table[i].url, false), table[i].usable);
                assert_int_equal(url_is_usable(table[i].url, true), table[i].usable_in_tests);
        }
        memset(longest, 'x', LIMIT_URL + 1);
        memcpy(longest, "https://", strlen("https://"));
        longest[LIMIT_URL + 1] = '\0';
        assert_false(url_is_usable(longest, false));
        longest[LIMIT_URL] = '\0';
        assert_true(url_is_usable(longest, false));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_retry_after),
                cmocka_unit_test(test_retry_after_garbage),
                cmocka_unit_test(test_retry_after_now),
                cmocka_unit_test(test_links),
                cmocka_unit_test(test_repeated),
                cmocka_unit_test(test_relative),
                cmocka_unit_test(test_unusable),
                cmocka_unit_test(test_many_links),
                cmocka_unit_test(test_usable),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
