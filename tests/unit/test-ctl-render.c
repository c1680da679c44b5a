/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What list and show make of renewd's answers: whole ones, sparse ones and hostile ones. */

#include "ctl-util.h"

#include "ctl/list.h"
#include "ctl/show.h"

#define WELL                                                                                    \
        "{'name':'a.example','configured':true,'state':'resting','ca':'letsencrypt',"           \
        "'names':['a.example','www.a.example'],'key':'ecdsa-p256','issued':" FRESH              \
        ",'next_attempt':'2026-12-24T02:00:00Z','next_attempt_reason':'lifetime','order':null," \
        "'failures':0,'last_problem':null,'deployment':{'state':'done','failures':0,"           \
        "'next_attempt':null,'detail':'nginx.service reloaded','problem':null},'blocked':null}"

#define RETRYING                                                                                  \
        "{'name':'b.example','configured':true,'state':'backoff','ca':'x','names':['b.example']," \
        "'key':'rsa-2048','issued':null,'next_attempt':'2026-11-24T00:12:00Z',"                   \
        "'next_attempt_reason':'retry','order':null,'failures':3,'last_problem':{"                \
        "'type':'transport','detail':'could not connect','where':'newOrder',"                     \
        "'when':'2026-11-23T23:57:00Z','retry':'network'},"                                       \
        "'deployment':{'state':'none'},'blocked':null}"

#define HELD                                                                                       \
        "{'name':'c.example','configured':true,'state':'held','names':['c.example'],"              \
        "'key':'rsa-2048','issued':" OVER ",'next_attempt':null,'next_attempt_reason':'held',"     \
        "'failures':1,'last_problem':{'type':'caa','detail':'CAA forbids it','where':'challenge'," \
        "'when':'2026-11-23T00:00:00Z','retry':'held'},'deployment':{'state':'failed',"            \
        "'failures':2,'next_attempt':'2026-11-24T01:00:00Z','detail':null,'problem':'nginx is "    \
        "ill'}}"

#define IDLE "{'name':'old.example','configured':false,'state':'unconfigured','issued':" OVER "}"

static void test_list(void **state)
{
        _cleanup_free_ char *out = rendered(list_render,
                        "{'version':1,'daemon':{'listening':true,'listen_problem':null},"
                        "'certificates':[" RETRYING "," WELL "]}",
                        false);

        assert_string_equal(out,
                        "NAME       STATUS    LIFETIME LEFT      RENEWS       DEPLOYED  CA\n"
                        "a.example  well      [#######...] 60 d  in 30 d 2 h  yes       "
                        "letsencrypt\n"
                        "b.example  retrying  -                  in 12 min    -         x\n"
                        "    newOrder: could not connect\n"
                        "\n"
                        "2 certificates: 1 well, 1 in progress\n");
}

static void test_list_summary(void **state)
{
        _cleanup_free_ char *out = rendered(list_render,
                        "{'daemon':{'listening':false,'listen_problem':'port 80 is taken'},"
                        "'certificates':[" WELL "," HELD "," HELD "," IDLE "]}",
                        false);

        assert_contains(out, "\n4 certificates: 1 well, 2 need attention, 1 not configured\n"
                             "port 80 is taken\n");
        assert_contains(out, "[..........] none");
        assert_contains(out, "    deployment: nginx is ill\n");
}

static void test_list_colors(void **state)
{
        _cleanup_free_ char *out = rendered(
                        list_render, "{'certificates':[" WELL "," RETRYING "," HELD "]}", true);

        assert_contains(out, "\033[32mwell\033[0m");
        assert_contains(out, "\033[33mretrying\033[0m");
        assert_contains(out, "\033[1;31mexpired\033[0m");
        assert_contains(out, "\033[1;31m1 needs attention\033[0m");
}

static void test_list_of_little(void **state)
{
        static const char *const answers[] = { "{}", "{'certificates':null}",
                "{'certificates':[]}" };

        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                _cleanup_free_ char *out = rendered(list_render, answers[i], false);

                assert_string_equal(out, "0 certificates\n");
        }
        {
                _cleanup_free_ char *out = rendered(
                                list_render, "{'certificates':[null,7,{},'x']}", false);

                assert_contains(out, "4 certificates");
        }
}

static void test_show(void **state)
{
        _cleanup_free_ char *out = rendered(show_render, WELL, false);

        assert_string_equal(out, "a.example\n"
                                 "Status        well (resting)\n"
                                 "Names         a.example www.a.example\n"
                                 "CA            letsencrypt\n"
                                 "Key           ecdsa-p256\n"
                                 "In force      [#######...] 66 %, 60 d left\n"
                                 "  from        2026-10-25T00:00:00Z (30 d ago)\n"
                                 "  until       2027-01-23T00:00:00Z (in 60 d)\n"
                                 "  issuer      CN=Test CA\n"
                                 "  serial      0a1b\n"
                                 "  SHA-256     ff00\n"
                                 "  files       /var/lib/renewd/live/a.example\n"
                                 "Next attempt  2026-12-24T02:00:00Z (in 30 d 2 h): in time "
                                 "before its end\n"
                                 "Deployment    done\n"
                                 "  did         nginx.service reloaded\n");
}

static void test_show_findings(void **state)
{
        _cleanup_free_ char *out = rendered(show_render,
                        "{'name':'a.example','state':'backoff','preflight':[{'name':'a.example',"
                        "'check':'port','detail':'no\\u001banswer'},{'name':null,'check':'disk',"
                        "'detail':'no room'},{},7]}",
                        false);

        assert_contains(out, "\nPreflight  a.example: no\\x1banswer\n"
                             "           no room\n"
                             "           -\n"
                             "           -\n");
}

static void test_show_trouble(void **state)
{
        _cleanup_free_ char *retrying = rendered(show_render, RETRYING, false);
        _cleanup_free_ char *held = rendered(show_render, HELD, false);

        assert_contains(retrying, "Status        retrying (backoff)\n");
        assert_contains(retrying, "In force      nothing was ever issued\n");
        assert_contains(retrying, "2026-11-24T00:12:00Z (in 12 min): the last attempt failed\n");
        assert_contains(retrying, "Last problem  could not connect\n"
                                  "  where       newOrder\n"
                                  "  type        transport\n"
                                  "  when        2026-11-23T23:57:00Z (3 min ago)\n"
                                  "  retry       network\n"
                                  "  failures    3 in a row\n");
        assert_contains(held, "expired (held), needs attention\n");
        assert_contains(held, "it has expired\n");
        assert_contains(held, "held until its configuration changes");
        assert_contains(held, "nginx is ill\n");
        assert_contains(held, "2026-11-24T01:00:00Z (in 1 h)\n");
        /* it was issued for other names than are configured now */
        assert_contains(held, "names         a.example www.a.example\n");
}

static void test_show_order(void **state)
{
        _cleanup_free_ char *out = rendered(show_render,
                        "{'name':'a','state':'issuing','issued':null,'order':{"
                        "'url':'https://ca.example/order/"
                        "1','state':'validating','reason':'missing'}}",
                        false);

        assert_contains(out, "Order     validating: it was never issued\n"
                             "  URL     https://ca.example/order/1\n");
        assert_lacks(out, "Next attempt");
}

static void test_show_of_little(void **state)
{
        _cleanup_free_ char *empty = rendered(show_render, "{}", false);
        _cleanup_free_ char *odd = rendered(show_render,
                        "{'name':7,'issued':{},'order':{},'last_problem':{},'deployment':[],"
                        "'next_attempt_reason':'x','names':'y'}",
                        false);

        assert_contains(empty, "unknown");
        assert_contains(odd, "Last problem");
}

/* Nothing that a CA, or whatever answers instead of renewd, says can steer the terminal. */
static void test_hostile(void **state)
{
        static const char hostile[] =
                        "'\\u001b]0;gotcha\\u0007','\\u009b31m','\\u202eevil','a\\nb\\rc'";
        static const char *const keys[] = { "name", "state", "ca", "key", "next_attempt",
                "next_attempt_reason", "blocked", "detail", "where", "type", "when", "retry", "url",
                "reason", "problem", "serial", "issuer", "fingerprint", "directory", "not_after" };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                char certificate[4096], answer[8192];
                _cleanup_free_ char *list = NULL, *show = NULL;

                (void) snprintf(certificate, sizeof(certificate),
                                "{'%s':'\\u001b[2J\\u009b\\u0007\\nX',"
                                "'issued':{'%s':'\\u001b[2J\\nX','names':[%s]},"
                                "'order':{'%s':'\\u001b[2J\\nX'},"
                                "'last_problem':{'detail':'\\u001b[2J','%s':'\\u001b[2J\\nX'},"
                                "'deployment':{'%s':'\\u001b[2J\\nX'},'names':[%s]}",
                                keys[i], keys[i], hostile, keys[i], keys[i], keys[i], hostile);
                (void) snprintf(answer, sizeof(answer),
                                "{'certificates':[%s],'daemon':{'listen_problem':'\\u001b[2J'}}",
                                certificate);
                list = rendered(list_render, answer, false);
                show = rendered(show_render, certificate, false);
                assert_lacks(list, "\033");
                assert_lacks(show, "\033");
                assert_lacks(list, "\xc2\x9b");
                assert_lacks(show, "\xe2\x80\xae");
                assert_lacks(show, "\nX");
                assert_lacks(show, "\r");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_list),
                cmocka_unit_test(test_list_summary),
                cmocka_unit_test(test_list_colors),
                cmocka_unit_test(test_list_of_little),
                cmocka_unit_test(test_show),
                cmocka_unit_test(test_show_findings),
                cmocka_unit_test(test_show_trouble),
                cmocka_unit_test(test_show_order),
                cmocka_unit_test(test_show_of_little),
                cmocka_unit_test(test_hostile),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
