/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys from the worker: each kind comes, the loop turns meanwhile, and what is given up leaves no
 * trace. */

#include "net-util.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

#include "engine/key-job.h"

typedef struct Fixture {
        sd_event *event;
        KeyJob *job;
        unsigned n_done;
        int error;
        RenewKey *key;
        bool free_within;
} Fixture;

static void on_done(int error, RenewKey *key_take, void *userdata)
{
        Fixture *f = userdata;

        f->n_done++;
        f->error = error;
        f->key = key_take;
        if (f->free_within)
                f->job = key_job_free(f->job);
}

static int setup(void **state)
{
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        assert_int_equal(sd_event_new(&f->event), 0);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        Fixture *f = *state;

        key_job_free(f->job);
        renew_key_unref(f->key);
        sd_event_unref(f->event);
        free(f);
        return 0;
}

static size_t count_entries(const char *path)
{
        DIR *d = opendir(path);
        size_t n = 0;

        assert_non_null(d);
        while (readdir(d))
                n++;
        (void) closedir(d);
        return n;
}

static void test_each_kind(void **state)
{
        Fixture *f = *state;

        for (unsigned type = RENEW_KEY_ECDSA_P256; type <= RENEW_KEY_RSA_2048; type++) {
                f->n_done = 0;
                assert_int_equal(key_job_start(f->event, (RenewKeyType) type, on_done, f, &f->job),
                                0);
                assert_int_equal(f->n_done, 0);
                loop_until(f->event, f->n_done > 0);
                assert_int_equal(f->error, 0);
                assert_int_equal(renew_key_type(f->key), type);
                f->key = renew_key_unref(f->key);
                /* once, however long the loop turns on */
                loop_for(f->event, 20 * USEC_PER_MSEC);
                assert_int_equal(f->n_done, 1);
                f->job = key_job_free(f->job);
        }
}

static void test_free_from_within(void **state)
{
        Fixture *f = *state;

        f->free_within = true;
        assert_int_equal(key_job_start(f->event, RENEW_KEY_ECDSA_P256, on_done, f, &f->job), 0);
        loop_until(f->event, f->n_done > 0);
        assert_null(f->job);
        assert_non_null(f->key);
}

/* Given up at once, and given up when the key lies ready but was not yet taken. */
static void test_give_up(void **state)
{
        Fixture *f = *state;
        size_t n_fds = count_entries("/proc/self/fd");
        uint64_t end;

        for (unsigned i = 0; i < 50; i++) {
                assert_int_equal(key_job_start(f->event, RENEW_KEY_ECDSA_P256, on_done, f, &f->job),
                                0);
                if (i % 2 == 1) /* the thread is most probably done by then */
                        (void) usleep(2000);
                f->job = key_job_free(f->job);
        }
        loop_for(f->event, 20 * USEC_PER_MSEC);
        assert_int_equal(f->n_done, 0);
        /* the threads end by themselves, and with each the last descriptor */
        end = clock_monotonic_usec() + PATIENCE;
        while (count_entries("/proc/self/fd") > n_fds) {
                assert_true(clock_monotonic_usec() < end);
                (void) usleep(1000);
        }
}

/* Signals are the loop's business: none may end up in a worker, and a closed pipe kills nobody. */
static void test_signals_stay(void **state)
{
        Fixture *f = *state;
        sigset_t before, after;

        assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
        assert_ptr_equal(signal(SIGPIPE, SIG_DFL), SIG_DFL);
        assert_int_equal(key_job_start(f->event, RENEW_KEY_RSA_2048, on_done, f, &f->job), 0);
        assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
        for (int signal_number = 1; signal_number < 32; signal_number++)
                assert_int_equal(sigismember(&before, signal_number),
                                sigismember(&after, signal_number));
        f->job = key_job_free(f->job);
        (void) usleep(100000);
}

/* Without descriptors it says so, and takes nothing. */
static void test_no_descriptors(void **state)
{
        Fixture *f = *state;
        struct rlimit old, none;

        assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
        none = (struct rlimit){ .rlim_cur = 3, .rlim_max = old.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        assert_int_equal(key_job_start(f->event, RENEW_KEY_ECDSA_P256, on_done, f, &f->job),
                        -EMFILE);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        assert_null(f->job);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_each_kind, setup, teardown),
                cmocka_unit_test_setup_teardown(test_free_from_within, setup, teardown),
                cmocka_unit_test_setup_teardown(test_give_up, setup, teardown),
                cmocka_unit_test_setup_teardown(test_signals_stay, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_descriptors, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
