/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Run=: what a command finds, what it may do, and what is said of it. */

#include "net-util.h"

#include <signal.h>

#include "base/strv.h"
#include "base/text.h"
#include "deployd/hook.h"
#include "scratch.h"

/* Serial number 00a1b2c3, until 2027-02-22T06:23:48Z. */
static const char pem[] = "-----BEGIN CERTIFICATE-----\n"
                          "MIIBezCCASCgAwIBAgIEAKGywzAKBggqhkjOPQQDAjARMQ8wDQYDVQQDDAZhLnRl\n"
                          "c3QwHhcNMjYxMTI0MDYyMzQ4WhcNMjcwMjIyMDYyMzQ4WjARMQ8wDQYDVQQDDAZh\n"
                          "LnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATUxRuarkclIoilciM3Kw1u\n"
                          "oQRs/Q2bd+fT0YfFAXQz6yyO18HzDOsrBvYcNZhC8t1WTwrqDJriMdBXhD/ovbWc\n"
                          "o2YwZDAdBgNVHQ4EFgQUZeR09a4TTXHCeH7JrBXyG/yoeTswHwYDVR0jBBgwFoAU\n"
                          "ZeR09a4TTXHCeH7JrBXyG/yoeTswDwYDVR0TAQH/BAUwAwEB/zARBgNVHREECjAI\n"
                          "ggZhLnRlc3QwCgYIKoZIzj0EAwIDSQAwRgIhANZr8MiPDrDiyp6vd+lEU+RtAu7F\n"
                          "bWWIz04Vp1n+J9ssAiEAplg1XXcAiP6MatzN68Pnf8xO0VcnANNZL2WHDFRWWsE=\n"
                          "-----END CERTIFICATE-----\n";

typedef struct Fixture {
        Scratch scratch;
        sd_event *event;
        char *script;
        RenewChain *chain;
        char *names[3];
        char *run[4];
        ConfigCertificate certificate;
        HookOptions options;
        Hook *hook;

        unsigned n_done;
        bool ok;
        char *sentence;
} Fixture;

static int setup(void **state)
{
        Fixture *f = calloc(1, sizeof(*f));
        static char certificate_name[] = "shop", a[] = "a.test", b[] = "www.a.test";
        char *reason = NULL;

        assert_non_null(f);
        scratch_open(&f->scratch);
        assert_int_equal(sd_event_new(&f->event), 0);
        assert_int_equal(renew_chain_from_pem(pem, strlen(pem), &f->chain, &reason), 0);
        f->script = text_format("%s/hook", f->scratch.path);
        f->names[0] = a;
        f->names[1] = b;
        f->run[0] = f->script;
        f->certificate = (ConfigCertificate){
                .name = certificate_name, .names = f->names, .run = f->run
        };
        f->options = (HookOptions){
                .certificate = &f->certificate,
                .state_directory = "/var/lib/renewd",
                .chain = f->chain,
                .timeout_usec = PATIENCE,
        };
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        Fixture *f = *state;

        hook_free(f->hook);
        loop_for(f->event, 20 * USEC_PER_MSEC); /* a killed child is reaped by the loop */
        renew_chain_free(f->chain);
        sd_event_unref(f->event);
        free(f->script);
        free(f->sentence);
        scratch_close(&f->scratch);
        free(f);
        return 0;
}

static void write_script(Fixture *f, const char *text)
{
        _cleanup_free_ char *script = text_format("#!/bin/sh\ncd %s\n%s\n", f->scratch.path, text);

        assert_int_equal(file_create_at(f->scratch.fd, "hook", script, strlen(script), 0700), 0);
}

static void on_done(bool ok, const char *sentence, void *userdata)
{
        Fixture *f = userdata;

        f->n_done++;
        f->ok = ok;
        f->sentence = strdup(sentence);
        f->hook = hook_free(f->hook);
}

static void start(Fixture *f, const char *script)
{
        write_script(f, script);
        assert_int_equal(hook_start(f->event, &f->options, on_done, f, &f->hook), 0);
        assert_int_equal(f->n_done, 0);
}

static void run(Fixture *f, const char *script)
{
        start(f, script);
        loop_until(f->event, f->n_done > 0);
        assert_int_equal(f->n_done, 1);
}

static char *read_scratch(Fixture *f, const char *file)
{
        char *text = NULL;
        size_t size;

        assert_int_equal(file_read_at(f->scratch.fd, file, 100000, &text, &size), 0);
        return text;
}

/* That the sentence begins with the command and ends so. */
static void expect(Fixture *f, bool ok, const char *rest)
{
        _cleanup_free_ char *wanted = text_format("%s%s", f->script, rest);

        assert_string_equal(f->sentence, wanted);
        assert_int_equal(f->ok, ok);
}

static void test_environment(void **state)
{
        static const char *const wanted[] = {
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "LANG=C.UTF-8",
                "RENEWD_EVENT=deployed",
                "RENEWD_CERTIFICATE=shop",
                "RENEWD_NAMES=a.test www.a.test",
                "RENEWD_DIRECTORY=/var/lib/renewd/live/shop",
                "RENEWD_SERIAL=00a1b2c3",
                "RENEWD_NOT_AFTER=2027-02-22T06:23:48Z",
        };
        Fixture *f = *state;
        _cleanup_strv_ char **environment = NULL;

        assert_int_equal(hook_environment(&f->options, &environment), 0);
        assert_int_equal(strv_length(environment), ELEMENTSOF(wanted));
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
                assert_true(strv_contains(environment, wanted[i]));
}

static void test_arguments(void **state)
{
        static char argument[] = "$HOME; *", empty[] = "two";
        _cleanup_free_ char *seen = NULL;
        Fixture *f = *state;

        f->run[1] = argument;
        f->run[2] = empty;
        run(f, "for a; do echo \"[$a]\"; done > seen; echo \"$RENEWD_NAMES\" >> seen; pwd >> seen\n"
               "cat >> seen; ls /proc/self/fd >/dev/null");
        expect(f, true, " done");
        seen = read_scratch(f, "seen");
        assert_contains(seen, "[$HOME; *]\n[two]\na.test www.a.test\n");
}

static void test_failures(void **state)
{
        Fixture *f = *state;

        run(f, "echo first; echo; echo 'the last one' >&2; echo; exit 3");
        expect(f, false, ": exited with status 3: the last one");
}

static void test_silent_failure(void **state)
{
        Fixture *f = *state;

        run(f, "exit 1");
        expect(f, false, ": exited with status 1");
}

static void test_signal(void **state)
{
        Fixture *f = *state;

        run(f, "echo dying; kill -USR1 $$");
        expect(f, false, ": was ended by signal 10 (User defined signal 1): dying");
}

static void test_hostile_output(void **state)
{
        Fixture *f = *state;

        run(f, "printf 'a\\033[31mred\\n'; exit 1");
        expect(f, false, ": exited with status 1: a\\x1b[31mred");
}

static bool group_is_gone(Fixture *f)
{
        _cleanup_free_ char *text = NULL;
        size_t size;

        if (file_read_at(f->scratch.fd, "pid", 100, &text, &size) < 0)
                return false;
        return kill((pid_t) strtol(text, NULL, 10), 0) < 0 && errno == ESRCH;
}

static void test_time_limit(void **state)
{
        Fixture *f = *state;

        f->options.timeout_usec = 300 * USEC_PER_MSEC;
        run(f, "sh -c 'echo $$ > pid.tmp; mv pid.tmp pid; trap \"\" TERM; while :; do sleep 1; "
               "done' &\n"
               "echo working; while :; do sleep 1; done");
        expect(f, false, ": was not done within 300 ms and was ended: working");
        loop_until(f->event, group_is_gone(f));
}

/* What it leaves in the background would go on with files of yesterday. */
static void test_background(void **state)
{
        Fixture *f = *state;

        run(f, "sh -c 'echo $$ > pid.tmp; mv pid.tmp pid; while :; do sleep 1; done' &\n"
               "while ! test -e pid; do sleep 0.01; done");
        expect(f, true, " done");
        loop_until(f->event, group_is_gone(f));
}

static void test_freed(void **state)
{
        Fixture *f = *state;

        start(f, "echo $$ > pid.tmp; mv pid.tmp pid; while :; do sleep 1; done");
        loop_until(f->event, scratch_exists(f->scratch.fd, "pid"));
        f->hook = hook_free(f->hook);
        loop_until(f->event, group_is_gone(f));
        assert_int_equal(f->n_done, 0);
}

static void test_not_executable(void **state)
{
        Fixture *f = *state;

        assert_int_equal(hook_start(f->event, &f->options, on_done, f, &f->hook), -ENOENT);
        assert_int_equal(file_create_at(f->scratch.fd, "hook", "x", 1, 0600), 0);
        assert_int_equal(hook_start(f->event, &f->options, on_done, f, &f->hook), -EACCES);
        assert_null(f->hook);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_environment, setup, teardown),
                cmocka_unit_test_setup_teardown(test_arguments, setup, teardown),
                cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
                cmocka_unit_test_setup_teardown(test_silent_failure, setup, teardown),
                cmocka_unit_test_setup_teardown(test_signal, setup, teardown),
                cmocka_unit_test_setup_teardown(test_hostile_output, setup, teardown),
                cmocka_unit_test_setup_teardown(test_time_limit, setup, teardown),
                cmocka_unit_test_setup_teardown(test_background, setup, teardown),
                cmocka_unit_test_setup_teardown(test_freed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_not_executable, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
