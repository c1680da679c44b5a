/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state directory as a whole: one writer, any number of readers, no way out of it. */

#include "store-util.h"

#include <signal.h>

static void test_layout(void **state)
{
        Fixture *f = *state;

        assert_int_equal(scratch_mode(f->scratch.fd, "accounts"), 0700);
        assert_int_equal(scratch_mode(f->scratch.fd, "certificates"), 0711);
        assert_int_equal(scratch_mode(f->scratch.fd, "live"), 0711);
        assert_string_equal(store_path(f->store), f->scratch.path);
}

/* The directory is made with its parents, and the umask says nothing about it. */
static void test_created(void **state)
{
        static const mode_t masks[] = { 0, 022, 077, 0777 };
        Fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(masks); i++) {
                _cleanup_free_ char *below = text_format("new/%zu/state", i);
                _cleanup_free_ char *path = text_format("%s/%s", f->scratch.path, below);
                mode_t before;
                Store *s;
                int r;

                before = umask(masks[i]);
                r = store_open(path, &s);
                (void) umask(before);
                assert_int_equal(r, 0);
                store_close(s);
                assert_int_equal(scratch_mode(f->scratch.fd, below), 0711);
        }
}

static int try_open(const Fixture *f)
{
        Store *s;

        switch (store_open(f->scratch.path, &s)) {
        case 0:
                store_close(s);
                return 0;
        case -EBUSY:
                return 1;
        default:
                return 2;
        }
}

static void test_lock(void **state)
{
        Fixture *f = *state;
        Store *s, *reader;

        assert_int_equal(in_child(try_open, f), 1);
        assert_int_equal(store_open(f->scratch.path, &s), -EBUSY);
        reader = open_reader(f);
        f->store = store_close(f->store);
        /* a reader locks nothing */
        assert_int_equal(in_child(try_open, f), 0);
        store_close(reader);
        assert_int_equal(store_open(f->scratch.path, &f->store), 0);
}

/* The lock dies with its process, however that ends, and is no business of its children. */
static void test_lock_dies(void **state)
{
        Fixture *f = *state;
        int pipe_fds[2], status;
        char byte;
        pid_t pid;

        f->store = store_close(f->store);
        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                Store *s;

                if (store_open(f->scratch.path, &s) < 0 || write(pipe_fds[1], "", 1) != 1)
                        _exit(1);
                for (;;)
                        (void) pause();
        }
        assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
        assert_int_equal(in_child(try_open, f), 1);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(in_child(try_open, f), 0);
        assert_int_equal(store_open(f->scratch.path, &f->store), 0);
        (void) close_fd(pipe_fds[0]);
        (void) close_fd(pipe_fds[1]);
}

static void test_reader_writes_nothing(void **state)
{
        Fixture *f = *state;
        Store *s = open_reader(f);
        _cleanup_free_ char *id = issue(f, "a", NOW), *other = NULL, *seen = NULL;
        RenewKey *key;
        RenewChain *chain = make_chain(f, &key);
        StoreState st = { 0 };
        StoreOrder o = { .key = key };

        assert_int_equal(store_state_save(s, "a", &st), -EROFS);
        assert_int_equal(store_order_begin(s, "a", &o), -EROFS);
        assert_int_equal(store_order_begin(f->store, "a", &o), 0);
        assert_int_equal(store_order_save(s, "a", &o), -EROFS);
        assert_int_equal(store_order_remove(s, "a"), -EROFS);
        assert_int_equal(store_generation_write(s, "a", chain, key, NOW, &other), -EROFS);
        assert_int_equal(store_generation_switch(s, "a", id), -EROFS);
        assert_int_equal(store_account_create(s, "ca", "https://ca/", key), -EROFS);
        assert_int_equal(store_account_create(f->store, "ca", "https://ca/", key), 0);
        assert_int_equal(store_account_save(s, "ca", key, "x"), -EROFS);
        seen = in_force(s, "a");
        assert_string_equal(seen, id);
        store_close(s);
        renew_chain_free(chain);
        renew_key_unref(key);
}

static void test_reader_needs_it(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *missing = text_format("%s/missing", f->scratch.path);
        _cleanup_strv_ char **names = NULL;
        Store *s;

        assert_int_equal(store_open_readonly(missing, &s), -ENOENT);
        assert_false(scratch_exists(f->scratch.fd, "missing"));
        assert_int_equal(store_open_readonly("/dev/null", &s), -ENOTDIR);
        assert_int_equal(store_open("/dev/null", &s), -ENOTDIR);
        /* empty: nothing was ever written there */
        assert_int_equal(mkdirat(f->scratch.fd, "empty", 0755), 0);
        free(missing);
        missing = text_format("%s/empty", f->scratch.path);
        assert_int_equal(store_open_readonly(missing, &s), 0);
        assert_int_equal(store_certificates(s, &names), 0);
        assert_null(names);
        assert_int_equal(count(f, "empty"), 0);
        store_close(s);
}

static void test_names(void **state)
{
        static const char *const bad[] = { "", ".", "..", "../a", "a/b", ".a", "a b", "a\n", "é",
                "/etc", "a/", "*.example.com" };
        Fixture *f = *state;
        RenewKey *key;
        RenewChain *chain = make_chain(f, &key);
        StoreOrder o = { .key = key };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                StoreState st = { 0 };
                StoreGeneration g;
                StoreAccount a;
                char *s = NULL;

                assert_int_equal(store_state_load(f->store, bad[i], &st), -EINVAL);
                assert_int_equal(store_state_save(f->store, bad[i], &st), -EINVAL);
                assert_int_equal(store_order_begin(f->store, bad[i], &o), -EINVAL);
                assert_int_equal(store_order_load(f->store, bad[i], &o), -EINVAL);
                assert_int_equal(store_order_remove(f->store, bad[i]), -EINVAL);
                assert_int_equal(store_generation_load(f->store, bad[i], &g, &s), -EINVAL);
                assert_int_equal(store_generation_write(f->store, bad[i], chain, key, NOW, &s),
                                -EINVAL);
                assert_int_equal(store_generation_switch(
                                                 f->store, bad[i], "20261124T000000Z-00000000"),
                                -EINVAL);
                assert_int_equal(store_account_create(f->store, bad[i], "https://ca/", key),
                                -EINVAL);
                assert_int_equal(store_account_load(f->store, bad[i], "https://ca/", &a, &s),
                                -EINVAL);
                assert_null(s);
        }
        assert_int_equal(count(f, "certificates"), 0);
        assert_int_equal(count(f, "accounts"), 0);
        assert_int_equal(count(f, "."), 3);
        renew_chain_free(chain);
        renew_key_unref(key);
}

/* Names that are listed: directories with plain names and nothing else, in order. */
static void test_certificates(void **state)
{
        Fixture *f = *state;
        _cleanup_strv_ char **names = NULL;
        _cleanup_free_ char *joined = NULL;

        assert_int_equal(store_certificates(f->store, &names), 0);
        assert_null(names);
        for (unsigned i = 0; i < 3; i++) {
                _cleanup_free_ char *path = text_format("certificates/%c.example", "cab"[i]);

                assert_int_equal(mkdirat(f->scratch.fd, path, 0711), 0);
        }
        assert_int_equal(mkdirat(f->scratch.fd, "certificates/.hidden", 0711), 0);
        assert_int_equal(mkdirat(f->scratch.fd, "certificates/sp ace", 0711), 0);
        write_text_file(f, "certificates/file", "x");
        assert_int_equal(symlinkat("a.example", f->scratch.fd, "certificates/link"), 0);
        assert_int_equal(store_certificates(f->store, &names), 0);
        joined = strv_join(names, " ");
        assert_string_equal(joined, "a.example b.example c.example");
}

/* Whoever owns the directory must not lead a reader with more rights elsewhere. */
static void test_links_are_not_followed(void **state)
{
        static const char *const places[] = { "certificates", "certificates/a", "accounts",
                "accounts/ca", "live" };
        Fixture *f = *state;
        _cleanup_free_ char *id = issue(f, "a", NOW);
        StoreState st = { .ca = (char *) (uintptr_t) "ca" };
        RenewKey *key;

        assert_int_equal(renew_key_new(RENEW_KEY_ECDSA_P256, &key), 0);
        assert_int_equal(store_state_save(f->store, "a", &st), 0);
        assert_int_equal(store_account_create(f->store, "ca", "https://ca/", key), 0);
        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                _cleanup_free_ char *elsewhere = text_format("%s/moved", f->scratch.path);
                char *warning = NULL;
                StoreGeneration g = { 0 };
                StoreAccount a = { 0 };
                Store *reader;

                /* the same content by way of a link */
                assert_int_equal(renameat(f->scratch.fd, places[i], f->scratch.fd, "moved"), 0);
                assert_int_equal(symlinkat(elsewhere, f->scratch.fd, places[i]), 0);
                reader = open_reader(f);
                st = (StoreState){ 0 };
                if (has_prefix(places[i], "certificates")) {
                        assert_int_equal(store_state_load(reader, "a", &st), -ENOTDIR);
                        assert_int_equal(store_state_save(f->store, "a", &st), -ENOTDIR);
                        assert_int_equal(
                                        store_generation_load(reader, "a", &g, &warning), -ENOTDIR);
                } else if (has_prefix(places[i], "accounts")) {
                        assert_int_equal(store_account_load(
                                                         reader, "ca", "https://ca/", &a, &warning),
                                        -ENOTDIR);
                        assert_int_equal(store_account_save(f->store, "ca", key, "x"), -ENOTDIR);
                } else {
                        assert_int_equal(
                                        store_generation_load(reader, "a", &g, &warning), -ENOTDIR);
                        assert_int_equal(store_generation_switch(f->store, "a", id), -ENOTDIR);
                }
                assert_null(warning);
                store_close(reader);
                assert_int_equal(unlinkat(f->scratch.fd, places[i], 0), 0);
                assert_int_equal(renameat(f->scratch.fd, "moved", f->scratch.fd, places[i]), 0);
        }
        renew_key_unref(key);
}

/* What a crash left goes at the next start, wherever it lies; what is not ours stays. */
static void test_sweep(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *id = issue(f, "a", NOW), *path = NULL;
        static const char *const leftovers[] = { "live/.a.tmp", "certificates/a/.state.json.tmp",
                "accounts/ca/x/.account.json.tmp", "certificates/a/order/.order.json.tmp" };

        assert_int_equal(directory_make_at(f->scratch.fd, "accounts/ca/x", 0700), 0);
        assert_int_equal(directory_make_at(f->scratch.fd, "certificates/a/order", 0700), 0);
        for (size_t i = 0; i < ELEMENTSOF(leftovers); i++)
                write_text_file(f, leftovers[i], "half");
        assert_int_equal(directory_make_at(f->scratch.fd, "certificates/a/.x.tmp/below", 0700), 0);
        write_text_file(f, "certificates/a/.x.tmp/below/key.pem", "half");
        assert_int_equal(symlinkat("/", f->scratch.fd, "live/.b.tmp"), 0);
        write_text_file(f, "certificates/a/notes.tmp", "mine");
        write_text_file(f, "certificates/a/.notes", "mine");
        reopen(f);
        for (size_t i = 0; i < ELEMENTSOF(leftovers); i++)
                assert_false(scratch_exists(f->scratch.fd, leftovers[i]));
        assert_false(scratch_exists(f->scratch.fd, "certificates/a/.x.tmp"));
        assert_false(scratch_exists(f->scratch.fd, "live/.b.tmp"));
        assert_true(scratch_exists(f->scratch.fd, "certificates/a/notes.tmp"));
        assert_true(scratch_exists(f->scratch.fd, "certificates/a/.notes"));
        path = in_force(f->store, "a");
        assert_string_equal(path, id);
}

/* A start that cannot be: a reader's file system, a file in the place of a directory. */
static void test_in_the_way(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *path = text_format("%s/other", f->scratch.path);
        Store *s;

        assert_int_equal(mkdirat(f->scratch.fd, "other", 0700), 0);
        write_text_file(f, "other/live", "");
        assert_int_equal(store_open(path, &s), -ENOTDIR);
        /* and the lock was given up */
        assert_int_equal(unlinkat(f->scratch.fd, "other/live", 0), 0);
        assert_int_equal(store_open(path, &s), 0);
        store_close(s);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_layout),
                T(test_created),
                T(test_lock),
                T(test_lock_dies),
                T(test_reader_writes_nothing),
                T(test_reader_needs_it),
                T(test_names),
                T(test_certificates),
                T(test_links_are_not_followed),
                T(test_sweep),
                T(test_in_the_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
