/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a session makes known of its CA's directory. */

#include "crypto-util.h"

#include <renew/session.h>

#include "base/buffer.h"
#include "base/limits.h"

#define DIRECTORY "https://ca.example/dir"

static RenewSession *session_with_meta(const char *meta)
{
        RenewSessionOptions options = { .directory_url = DIRECTORY, .user_agent = "test" };
        const RenewHeader type = { "Content-Type", "application/json" };
        _cleanup_free_ char *body = text_format("{\"newNonce\":\"https://ca.example/n\","
                                                "\"newAccount\":\"https://ca.example/a\","
                                                "\"newOrder\":\"https://ca.example/o\"%s%s}",
                        meta ? ",\"meta\":" : "", meta ? meta : "");
        RenewResponse response = { .status = 200, .headers = &type, .n_headers = 1 };
        RenewKey *key = test_key(RENEW_KEY_ECDSA_P256);
        RenewSession *s;
        RenewStep step;

        assert_non_null(body);
        response.body = body;
        response.body_size = strlen(body);
        assert_int_equal(renew_session_new(&options, key, &s), 0);
        renew_key_unref(key);
        assert_null(renew_session_caa_identities(s)[0]); /* not known yet */
        assert_int_equal(renew_session_step(s, TEST_NOW, &step), 0);
        assert_int_equal(step.action, RENEW_ACTION_SEND);
        assert_string_equal(step.request->url, DIRECTORY);
        assert_int_equal(renew_session_feed_response(s, TEST_NOW, &response), 0);
        assert_null(renew_session_problem(s));
        return s;
}

static void check_identities(const char *meta, const char *const *expected)
{
        RenewSession *s = session_with_meta(meta);
        const char *const *names = renew_session_caa_identities(s);

        for (; *expected; expected++, names++) {
                assert_non_null(*names);
                assert_string_equal(*names, *expected);
        }
        assert_null(*names);
        renew_session_unref(s);
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static void test_caa_identities(void **state)
{
        check_identities(NULL, LIST());
        check_identities("{}", LIST());
        check_identities("[]", LIST());
        check_identities("{\"caaIdentities\":[]}", LIST());
        check_identities("{\"caaIdentities\":\"ca.example\"}", LIST());
        check_identities("{\"caaIdentities\":[\"ca.example\"]}", LIST("ca.example"));
        check_identities("{\"caaIdentities\":[\"ca.example\",\"CA-too.example\",\"ca.example\"]}",
                        LIST("ca.example", "CA-too.example"));
}

/* What is no domain name is left out, and there is an end to them. */
static void test_odd_caa_identities(void **state)
{
        _cleanup_free_ char *label = calloc(1, 255), *meta = NULL;
        Buffer many = BUFFER_INIT(4096);
        RenewSession *s;
        size_t n = 0;

        check_identities("{\"caaIdentities\":[7,null,\"\",\"a "
                         "b\",\"\\u001b[2J\",\"a\\\"b\",\"b;c\",{},"
                         "\"good.example\"]}",
                        LIST("good.example"));
        assert_non_null(label);
        memset(label, 'a', 254);
        meta = text_format("{\"caaIdentities\":[\"%s\"]}", label);
        check_identities(meta, LIST());

        assert_int_equal(buffer_append(&many, "{\"caaIdentities\":[\"x\"", 21), 0);
        for (unsigned i = 0; i < 100; i++) {
                _cleanup_free_ char *item = text_format(",\"ca%u.example\"", i);

                assert_int_equal(buffer_append(&many, item, strlen(item)), 0);
        }
        assert_int_equal(buffer_append(&many, "]}", 3), 0);
        s = session_with_meta(many.data);
        for (const char *const *i = renew_session_caa_identities(s); *i; i++)
                n++;
        assert_int_equal(n, LIMIT_CAA_IDENTITIES);
        renew_session_unref(s);
        buffer_done(&many);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_caa_identities),
                cmocka_unit_test(test_odd_caa_identities),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
