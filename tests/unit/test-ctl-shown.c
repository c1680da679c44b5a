/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What strangers may write comes out printable; instants, spans and bars at their edges. */

#include "ctl-util.h"

#include "base/text.h"
#include "ctl/shown.h"

static void test_escape(void **state)
{
        json_t *json = json_of(
                        "{'a':'\\u001b[2Jx','b':[{'c':'\\u009b1m'},'\\u202e','fine \\u00fc'],"
                        "'d':null,'e':1}");
        const json_t *b = json_object_get(json, "b");

        assert_int_equal(shown_escape(json), 0);
        assert_string_equal(shown_text(json, "a"), "\\x1b[2Jx");
        assert_string_equal(shown_text(json_array_get(b, 0), "c"), "\\xc2\\x9b1m");
        assert_string_equal(json_string_value(json_array_get(b, 1)), "\\xe2\\x80\\xae");
        assert_string_equal(json_string_value(json_array_get(b, 2)), "fine \xc3\xbc");
        assert_true(json_is_null(json_object_get(json, "d")));
        json_decref(json);
        assert_int_equal(shown_escape(NULL), 0);
}

/* A line of a megabyte is not a sentence. */
static void test_escape_cuts(void **state)
{
        _cleanup_free_ char *big = malloc(1000001);
        json_t *json;

        memset(big, 'x', 1000000);
        big[1000000] = '\0';
        json = json_string(big);
        assert_int_equal(shown_escape(json), 0);
        assert_true(json_string_length(json) < 10000);
        json_decref(json);
}

static void test_nothing_there(void **state)
{
        json_t *json = json_of("{'text':null,'number':7,'bad':'2026-13-01T00:00:00Z'}");
        _cleanup_free_ char *list = shown_list(NULL), *when = shown_when(0, NOW);

        assert_null(shown_text(json, "text"));
        assert_null(shown_text(json, "number"));
        assert_null(shown_text(json, "missing"));
        assert_null(shown_text(NULL, "text"));
        assert_string_equal(shown_text_or(json, "text", "-"), "-");
        assert_int_equal(shown_instant(json, "bad"), 0);
        assert_int_equal(shown_instant(json, "missing"), 0);
        assert_string_equal(list, "");
        assert_string_equal(when, "-");
        assert_false(shown_lifetime(json, NOW).known);
        assert_false(shown_lifetime(NULL, NOW).known);
        json_decref(json);
}

static void test_when(void **state)
{
        _cleanup_free_ char *later = shown_when(NOW + 61 * USEC_PER_DAY + 4 * USEC_PER_HOUR, NOW);
        _cleanup_free_ char *before = shown_when(NOW - 3 * USEC_PER_MIN, NOW);

        assert_string_equal(later, "2027-01-24T04:00:00Z (in 61 d 4 h)");
        assert_string_equal(before, "2026-11-23T23:57:00Z (3 min ago)");
}

static Lifetime lifetime(const char *from, const char *until)
{
        json_t *json = json_pack("{s:s, s:s}", "not_before", from, "not_after", until);
        Lifetime l = shown_lifetime(json, NOW);

        json_decref(json);
        return l;
}

static void test_lifetime(void **state)
{
        Lifetime l = lifetime("2026-10-25T00:00:00Z", "2027-01-23T00:00:00Z");

        assert_true(l.known);
        assert_int_equal(l.percent, 66);
        assert_string_equal(l.bar, "[#######...]");
        assert_int_equal(l.left_usec, 60 * USEC_PER_DAY);

        /* a second left of a century is a mark, the end is none */
        l = lifetime("1970-01-02T00:00:00Z", "2026-11-24T00:00:01Z");
        assert_int_equal(l.percent, 0);
        assert_string_equal(l.bar, "[#.........]");
        l = lifetime("2026-10-25T00:00:00Z", "2026-11-24T00:00:00Z");
        assert_true(l.known);
        assert_int_equal(l.left_usec, 0);
        assert_string_equal(l.bar, "[..........]");

        /* our clock is behind the CA's */
        l = lifetime("2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z");
        assert_int_equal(l.percent, 100);
        assert_string_equal(l.bar, "[##########]");
}

static void test_lifetime_of_nonsense(void **state)
{
        assert_false(lifetime("2026-11-26T00:00:00Z", "2026-11-25T00:00:00Z").known);
        assert_false(lifetime("2026-11-26T00:00:00Z", "2026-11-26T00:00:00.5Z").known);
        assert_true(lifetime("1970-01-01T00:00:01Z", "9999-12-31T23:59:59Z").known);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_escape),
                cmocka_unit_test(test_escape_cuts),
                cmocka_unit_test(test_nothing_there),
                cmocka_unit_test(test_when),
                cmocka_unit_test(test_lifetime),
                cmocka_unit_test(test_lifetime_of_nonsense),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
