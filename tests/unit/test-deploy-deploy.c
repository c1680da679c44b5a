/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* renewd's side of deployment against a renewd-deploy that the test plays, on a real socket. */

#include "net-util.h"

#include <jansson.h>

#include "base/limits.h"
#include "base/text.h"
#include "deploy/deploy.h"
#include "net/http-server.h"
#include "scratch.h"

#define SETTLE (100 * USEC_PER_MSEC)

typedef struct Seen {
        char *certificate;
        bool ok;
        char *problem;
        char *detail;
} Seen;

typedef struct Fixture {
        Scratch scratch;
        char *path;
        sd_event *event;
        HttpServer *server;
        Deploy *deploy;

        /* renewd-deploy */
        bool keep; /* answer later */
        HttpExchange *kept;
        unsigned status;
        const char *answer; /* NULL: all is well */
        char *requests[16];
        size_t n_requests;

        /* results */
        Seen seen[300];
        size_t n_seen;
        const char *ask_again; /* from within the handler */
} Fixture;

static void answer(Fixture *f, HttpExchange *x, const char *request)
{
        json_t *root = json_loads(request, 0, NULL), *results = json_array(), *name, *out;
        _cleanup_free_ char *text = NULL;
        size_t i;

        assert_non_null(root);
        json_array_foreach (json_object_get(root, "certificates"), i, name) {
                const char *s = json_string_value(name);

                assert_int_equal(json_array_append_new(results,
                                                 json_pack("{s:s, s:b, s:s, s:n}", "certificate", s,
                                                                 "ok", 1, "detail", "done",
                                                                 "problem")),
                                0);
        }
        out = json_pack("{s:i, s:o}", "version", 1, "results", results);
        text = json_dumps(out, 0);
        json_decref(out);
        json_decref(root);
        if (f->answer)
                assert_int_equal(http_exchange_reply(x, f->status, NULL, f->answer,
                                                 strlen(f->answer), NULL),
                                0);
        else
                assert_int_equal(http_exchange_reply(x, 200, NULL, text, strlen(text), NULL), 0);
}

static void on_gone(HttpExchange *x, void *userdata)
{
        Fixture *f = userdata;

        f->kept = NULL;
}

static void on_request(HttpExchange *x, void *userdata)
{
        Fixture *f = userdata;
        size_t size;
        const char *body = http_exchange_body(x, &size);

        assert_string_equal(http_exchange_method(x), "POST");
        assert_string_equal(http_exchange_path(x), "/v1/deploy");
        assert_true(f->n_requests < ELEMENTSOF(f->requests));
        f->requests[f->n_requests++] = strdup(body);
        if (f->keep) {
                f->kept = x;
                http_exchange_suspend(x, on_gone, f);
                return;
        }
        answer(f, x, body);
}

static void on_result(const DeployResult *result, void *userdata)
{
        Fixture *f = userdata;

        assert_true(f->n_seen < ELEMENTSOF(f->seen));
        assert_non_null(result->detail);
        assert_true(result->ok == !result->problem);
        f->seen[f->n_seen++] = (Seen){
                .certificate = strdup(result->certificate),
                .ok = result->ok,
                .problem = result->problem ? strdup(result->problem) : NULL,
                .detail = strdup(result->detail),
        };
        if (f->ask_again) {
                const char *name = f->ask_again;

                f->ask_again = NULL;
                assert_int_equal(deploy_request(f->deploy, name), 0);
        }
}

static void serve(Fixture *f)
{
        static const HttpServerOptions options = {
                .description = "fake",
                .max_connections = 10,
                .max_body = 100000,
                .deadline_usec = PATIENCE,
        };

        assert_int_equal(http_server_new(f->event, listen_unix(f->path, 0600), &options, on_request,
                                         f, &f->server),
                        0);
}

static int setup(void **state)
{
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        scratch_open(&f->scratch);
        f->path = text_format("%s/deploy.sock", f->scratch.path);
        assert_int_equal(sd_event_new(&f->event), 0);
        assert_int_equal(deploy_new(f->event, f->path, SETTLE, on_result, f, &f->deploy), 0);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        Fixture *f = *state;

        deploy_free(f->deploy);
        http_server_free(f->server);
        sd_event_unref(f->event);
        for (size_t i = 0; i < f->n_requests; i++)
                free(f->requests[i]);
        for (size_t i = 0; i < f->n_seen; i++) {
                free(f->seen[i].certificate);
                free(f->seen[i].problem);
                free(f->seen[i].detail);
        }
        free(f->path);
        scratch_close(&f->scratch);
        free(f);
        return 0;
}

static void request(Fixture *f, const char *name)
{
        assert_int_equal(deploy_request(f->deploy, name), 0);
}

static void test_one_request_for_all(void **state)
{
        Fixture *f = *state;

        serve(f);
        request(f, "a");
        request(f, "b");
        request(f, "a");
        loop_for(f->event, SETTLE / 2);
        assert_int_equal(f->n_requests, 0);
        request(f, "c");
        loop_until(f->event, f->n_seen == 3);
        loop_for(f->event, 2 * SETTLE);
        assert_int_equal(f->n_requests, 1);
        assert_int_equal(f->n_seen, 3);
        assert_string_equal(f->requests[0], "{\"certificates\":[\"a\",\"b\",\"c\"]}");
        assert_string_equal(f->seen[1].certificate, "b");
        assert_string_equal(f->seen[1].detail, "done");
        assert_true(f->seen[1].ok);
}

static void test_trickle_does_not_delay(void **state)
{
        Fixture *f = *state;
        unsigned n = 0;

        serve(f);
        for (uint64_t end = clock_monotonic_usec() + 4 * SETTLE; clock_monotonic_usec() < end;) {
                _cleanup_free_ char *name = text_format("c%u", n++ % 50);

                request(f, name);
                loop_for(f->event, SETTLE / 10);
        }
        assert_true(f->n_requests >= 2);
        assert_true(f->n_requests <= 4);
}

static void test_one_in_flight(void **state)
{
        Fixture *f = *state;

        serve(f);
        f->keep = true;
        request(f, "a");
        loop_until(f->event, f->kept);
        request(f, "b");
        request(f, "c");
        loop_for(f->event, 3 * SETTLE);
        assert_int_equal(f->n_requests, 1);
        f->keep = false;
        answer(f, f->kept, f->requests[0]);
        loop_until(f->event, f->n_seen == 3);
        assert_int_equal(f->n_requests, 2);
        assert_string_equal(f->requests[1], "{\"certificates\":[\"b\",\"c\"]}");
}

/* The answer that is on its way speaks of the generation before. */
static void test_asked_again_in_flight(void **state)
{
        Fixture *f = *state;

        serve(f);
        f->keep = true;
        request(f, "a");
        request(f, "b");
        loop_until(f->event, f->kept);
        request(f, "a");
        f->keep = false;
        answer(f, f->kept, f->requests[0]);
        loop_until(f->event, f->n_seen == 1);
        assert_string_equal(f->seen[0].certificate, "b");
        loop_until(f->event, f->n_seen == 2);
        assert_string_equal(f->seen[1].certificate, "a");
        assert_string_equal(f->requests[1], "{\"certificates\":[\"a\"]}");
}

static void test_forget(void **state)
{
        Fixture *f = *state;

        serve(f);
        f->keep = true;
        request(f, "a");
        request(f, "b");
        request(f, "unsent");
        deploy_forget(f->deploy, "unsent");
        deploy_forget(f->deploy, "never asked");
        loop_until(f->event, f->kept);
        assert_string_equal(f->requests[0], "{\"certificates\":[\"a\",\"b\"]}");
        deploy_forget(f->deploy, "a");
        answer(f, f->kept, f->requests[0]);
        loop_until(f->event, f->n_seen == 1);
        loop_for(f->event, 2 * SETTLE);
        assert_int_equal(f->n_seen, 1);
        assert_string_equal(f->seen[0].certificate, "b");
}

static void test_broken_configuration(void **state)
{
        Fixture *f = *state;

        serve(f);
        f->status = 409;
        f->answer = "{\"error\":\"/etc/renewd/renewd.conf:7: unknown key 'Nmaes'\"}";
        request(f, "a");
        request(f, "b");
        loop_until(f->event, f->n_seen == 2);
        assert_false(f->seen[0].ok);
        assert_string_equal(f->seen[0].problem, "/etc/renewd/renewd.conf:7: unknown key 'Nmaes'");
        assert_string_equal(f->seen[1].problem, f->seen[0].problem);
}

static void expect_one_failure(Fixture *f, unsigned status, const char *text, const char *problem)
{
        size_t before = f->n_seen;

        f->status = status;
        f->answer = text;
        request(f, "a");
        loop_until(f->event, f->n_seen > before);
        assert_int_equal(f->n_seen, before + 1);
        assert_string_equal(f->seen[before].certificate, "a");
        assert_false(f->seen[before].ok);
        assert_contains(f->seen[before].problem, problem);
}

static void test_odd_answers(void **state)
{
        Fixture *f = *state;

        serve(f);
        deploy_set_settle(f->deploy, 0);
        expect_one_failure(f, 200, "", "does not understand (status 200)");
        expect_one_failure(f, 200, "[]", "does not understand");
        expect_one_failure(f, 200, "{\"results\":7}", "does not understand");
        expect_one_failure(f, 500, "oops", "status 500");
        expect_one_failure(f, 403, "{\"error\":\"not \\u001byou\"}", "not \\x1byou");
        expect_one_failure(f, 200, "{\"results\":[]}", "said nothing");
        expect_one_failure(f, 200,
                        "{\"results\":[7,{},{\"certificate\":7},{\"certificate\":\"z\",\"ok\":true}"
                        "]}",
                        "said nothing");
        expect_one_failure(f, 200, "{\"results\":[{\"certificate\":\"a\"}]}", "did not say");
        expect_one_failure(f, 200,
                        "{\"results\":[{\"certificate\":\"a\",\"ok\":false,\"problem\":\"x\"},"
                        "{\"certificate\":\"a\",\"ok\":true}]}",
                        "x");
}

static void test_no_socket(void **state)
{
        Fixture *f = *state;
        int fd;

        deploy_set_settle(f->deploy, 0);
        expect_one_failure(f, 0, NULL, "deploy.sock: No such file or directory");
        fd = listen_unix(f->path, 0600);
        assert_true(fd >= 0);
        (void) close_fd(fd);
        expect_one_failure(f, 0, NULL, "deploy.sock: Connection refused");
        assert_int_equal(unlink(f->path), 0);
        /* And well again. */
        serve(f);
        request(f, "a");
        loop_until(f->event, f->n_seen == 3);
        assert_true(f->seen[2].ok);
}

static void test_died_in_the_middle(void **state)
{
        Fixture *f = *state;

        serve(f);
        f->keep = true;
        request(f, "a");
        loop_until(f->event, f->kept);
        f->server = http_server_free(f->server);
        loop_until(f->event, f->n_seen == 1);
        assert_contains(f->seen[0].problem, "closed the connection without an answer");
}

static void test_asked_from_the_handler(void **state)
{
        Fixture *f = *state;

        serve(f);
        f->ask_again = "a";
        request(f, "a");
        loop_until(f->event, f->n_seen == 2);
        assert_int_equal(f->n_requests, 2);
}

static void test_more_than_a_batch(void **state)
{
        Fixture *f = *state;

        serve(f);
        for (unsigned i = 0; i < 2 * LIMIT_DEPLOY_BATCH + 1; i++) {
                _cleanup_free_ char *name = text_format("c%u", i);

                request(f, name);
        }
        loop_until(f->event, f->n_seen == 2 * LIMIT_DEPLOY_BATCH + 1);
        assert_int_equal(f->n_requests, 3);
        assert_string_equal(f->requests[2], "{\"certificates\":[\"c200\"]}");
}

static void test_freed_in_flight(void **state)
{
        Fixture *f = *state;

        serve(f);
        f->keep = true;
        request(f, "a");
        loop_until(f->event, f->kept);
        request(f, "b");
        f->deploy = deploy_free(f->deploy);
        loop_until(f->event, !f->kept); /* the connection is gone, too */
        assert_int_equal(f->n_seen, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_one_request_for_all, setup, teardown),
                cmocka_unit_test_setup_teardown(test_trickle_does_not_delay, setup, teardown),
                cmocka_unit_test_setup_teardown(test_one_in_flight, setup, teardown),
                cmocka_unit_test_setup_teardown(test_asked_again_in_flight, setup, teardown),
                cmocka_unit_test_setup_teardown(test_forget, setup, teardown),
                cmocka_unit_test_setup_teardown(test_broken_configuration, setup, teardown),
                cmocka_unit_test_setup_teardown(test_odd_answers, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_socket, setup, teardown),
                cmocka_unit_test_setup_teardown(test_died_in_the_middle, setup, teardown),
                cmocka_unit_test_setup_teardown(test_asked_from_the_handler, setup, teardown),
                cmocka_unit_test_setup_teardown(test_more_than_a_batch, setup, teardown),
                cmocka_unit_test_setup_teardown(test_freed_in_flight, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
