/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What renewd may say to renewd-deploy, and what nobody may. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/strv.h"
#include "deployd/request.h"

static void expect(const char *body, size_t size, const char *joined)
{
        _cleanup_strv_ char **names = NULL;
        _cleanup_free_ char *text = NULL;
        const char *reason = NULL;

        assert_int_equal(request_parse(body, size, &names, &reason), 0);
        assert_null(reason);
        text = strv_join(names, " ");
        assert_string_equal(text, joined);
}

static void refuse_bytes(const char *body, size_t size, const char *part)
{
        char **names = NULL;
        const char *reason = NULL;

        assert_int_equal(request_parse(body, size, &names, &reason), -EINVAL);
        assert_null(names);
        assert_non_null(strstr(reason, part));
}

static void refuse(const char *body, const char *part)
{
        refuse_bytes(body, strlen(body), part);
}

static void test_good(void **state)
{
        static const char *const bodies[][2] = {
                { "{\"certificates\":[\"a\"]}", "a" },
                { " { \"certificates\" : [ \"b.test\", \"a_b-C.9\" ] }\n", "b.test a_b-C.9" },
                { "{\"certificates\":[\"a\",\"b\",\"a\"]}", "a b" },
                { "{\"certificates\":[\"\\u0061\"]}", "a" },
        };

        for (size_t i = 0; i < ELEMENTSOF(bodies); i++)
                expect(bodies[i][0], strlen(bodies[i][0]), bodies[i][1]);
}

static void test_form(void **state)
{
        static const char twice[] = "{\"certificates\":[\"a\"],\"certificates\":[\"b\"]}";
        static const char nul[] = "{\"certificates\":[\"a\"]}\0";

        refuse("", "no JSON object");
        refuse("null", "no JSON object");
        refuse("[\"a\"]", "no JSON object");
        refuse("{\"certificates\":[\"a\"]} x", "no JSON object");
        refuse("{\"certificates\":[\"a\"]", "no JSON object");
        refuse(twice, "no JSON object");
        refuse_bytes(nul, sizeof(nul), "no JSON object");
        refuse("{}", "not of the form");
        refuse("{\"certificates\":\"a\"}", "not of the form");
        refuse("{\"certificates\":{\"a\":1}}", "not of the form");
        refuse("{\"certificates\":[\"a\"],\"run\":[\"/bin/sh\"]}", "not of the form");
        refuse("{\"certificates\":[]}", "names no certificate");
}

static void test_names(void **state)
{
        static const char *const bad[] = { "\"\"", "\".\"", "\"..\"", "\".a\"", "\"a/b\"",
                "\"../a\"", "\"a b\"", "\"a\\n\"", "\"a\\u0000b\"", "\"\xc3\xa4\"", "7", "null",
                "[\"a\"]", "true" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                Buffer b = BUFFER_INIT(1000);

                assert_int_equal(buffer_append_format(
                                                 &b, "{\"certificates\":[\"good\",%s]}", bad[i]),
                                0);
                if (strstr(bad[i], "u0000"))
                        refuse(b.data, "no JSON object");
                else
                        refuse(b.data, "not the name");
                buffer_done(&b);
        }
}

static void fill(Buffer *b, size_t n, size_t name_length)
{
        assert_int_equal(buffer_append_string(b, "{\"certificates\":["), 0);
        for (size_t i = 0; i < n; i++) {
                char name[LIMIT_SECTION_NAME + 2];

                memset(name, 'x', name_length);
                name[name_length] = '\0';
                assert_int_equal(buffer_append_format(b, "%s\"%.*s%03zu\"", i > 0 ? ", " : "",
                                                 (int) name_length - 3, name, i),
                                0);
        }
        assert_int_equal(buffer_append_string(b, "]}"), 0);
}

static void test_ceilings(void **state)
{
        static const struct {
                size_t n, name_length;
                const char *reason; /* NULL: good */
        } cases[] = {
                { LIMIT_DEPLOY_BATCH, LIMIT_SECTION_NAME, NULL },
                { LIMIT_DEPLOY_BATCH + 1, 10, "too many" },
                { 1, LIMIT_SECTION_NAME + 1, "not the name" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_strv_ char **names = NULL;
                Buffer b = BUFFER_INIT(1000000);
                const char *reason = NULL;

                fill(&b, cases[i].n, cases[i].name_length);
                if (cases[i].reason)
                        refuse(b.data, cases[i].reason);
                else {
                        /* The largest that is allowed has room in the server. */
                        assert_true(b.size <= REQUEST_MAX_BODY);
                        assert_int_equal(request_parse(b.data, b.size, &names, &reason), 0);
                        assert_int_equal(strv_length(names), cases[i].n);
                }
                buffer_done(&b);
        }
}

static void test_deep(void **state)
{
        Buffer b = BUFFER_INIT(1000000);

        for (size_t i = 0; i < 20000; i++)
                assert_int_equal(buffer_append_string(&b, "["), 0);
        refuse(b.data, "no JSON object");
        buffer_done(&b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_form),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_ceilings),
                cmocka_unit_test(test_deep),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
