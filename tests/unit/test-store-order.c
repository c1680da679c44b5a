/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order in flight: key and description come and go together, and the key is there first. */

#include "store-util.h"

#define DIRECTORY "certificates/a/order"

static char *literal(const char *s)
{
        return (char *) (uintptr_t) s;
}

static char **two_names(void)
{
        static char *names[] = { (char *) (uintptr_t) "a.example", (char *) (uintptr_t) "192.0.2.1",
                NULL };

        return names;
}

static StoreOrder order_with(RenewKey *key, const char *order_state)
{
        return (StoreOrder){
                .key = key,
                .state = literal(order_state),
                .ca = literal("letsencrypt"),
                .account = literal("thumbprint"),
                .webroot = literal("/var/lib/renewd/webroot"),
                .names = two_names(),
        };
}

static RenewKey *make_key(void)
{
        RenewKey *key;

        assert_int_equal(renew_key_new(RENEW_KEY_ECDSA_P256, &key), 0);
        return key;
}

static void assert_loads(Store *s, const RenewKey *key, const char *order_state)
{
        StoreOrder o = { 0 };

        assert_int_equal(store_order_load(s, "a", &o), 0);
        assert_true(renew_key_equal(o.key, key));
        if (order_state)
                assert_string_equal(o.state, order_state);
        else
                assert_null(o.state);
        assert_string_equal(o.ca, "letsencrypt");
        assert_string_equal(o.account, "thumbprint");
        assert_string_equal(o.webroot, "/var/lib/renewd/webroot");
        assert_true(strv_equal(o.names, two_names()));
        store_order_done(&o);
}

static void assert_load_fails(Store *s, int expected)
{
        StoreOrder o = { .ca = literal("untouched") };

        assert_int_equal(store_order_load(s, "a", &o), expected);
        assert_string_equal(o.ca, "untouched");
}

static void test_life(void **state)
{
        Fixture *f = *state;
        RenewKey *key = make_key(), *other = make_key();
        StoreOrder o = order_with(key, NULL);
        mode_t before = umask(0);

        assert_load_fails(f->store, -ENOENT);
        assert_int_equal(store_order_save(f->store, "a", &o), -ENOENT);
        assert_int_equal(store_order_remove(f->store, "a"), 0);
        assert_false(scratch_exists(f->scratch.fd, "certificates/a"));

        assert_int_equal(store_order_begin(f->store, "a", &o), 0);
        (void) umask(before);
        assert_int_equal(scratch_mode(f->scratch.fd, DIRECTORY), 0700);
        assert_int_equal(scratch_mode(f->scratch.fd, DIRECTORY "/key.pem"), 0600);
        assert_int_equal(scratch_mode(f->scratch.fd, DIRECTORY "/order.json"), 0600);
        assert_int_equal(scratch_mode(f->scratch.fd, "certificates/a"), 0711);
        assert_loads(f->store, key, NULL);

        o = order_with(other, "https://ca/order/1"); /* the key stays the one it began with */
        assert_int_equal(store_order_save(f->store, "a", &o), 0);
        reopen(f);
        assert_loads(f->store, key, "https://ca/order/1");

        assert_int_equal(store_order_begin(f->store, "a", &o), 0);
        assert_loads(f->store, other, "https://ca/order/1");
        assert_no_leftovers(f->scratch.fd);

        assert_int_equal(store_order_remove(f->store, "a"), 0);
        assert_load_fails(f->store, -ENOENT);
        assert_int_equal(store_order_remove(f->store, "a"), 0);
        assert_int_equal(count(f, "certificates/a"), 0);
        renew_key_unref(key);
        renew_key_unref(other);
}

/* A damaged order is forgotten by the writer and left alone by a reader. */
static void test_damaged(void **state)
{
        Fixture *f = *state;
        RenewKey *key = make_key();
        StoreOrder o = order_with(key, "x");
        Store *reader = open_reader(f);

        for (unsigned i = 0; i < 9; i++) {
                assert_int_equal(store_order_begin(f->store, "a", &o), 0);
                switch (i) {
                case 0:
                        write_text_file(f, DIRECTORY "/order.json", "");
                        break;
                case 1:
                        write_text_file(f, DIRECTORY "/order.json", "{\"version\":1,\"names\":7}");
                        break;
                case 2:
                        write_text_file(f, DIRECTORY "/key.pem", "");
                        break;
                case 3:
                        assert_int_equal(unlinkat(f->scratch.fd, DIRECTORY "/key.pem", 0), 0);
                        break;
                case 4:
                        assert_int_equal(unlinkat(f->scratch.fd, DIRECTORY "/order.json", 0), 0);
                        break;
                case 5: /* a link to the whole thing */
                        assert_int_equal(renameat(f->scratch.fd, DIRECTORY, f->scratch.fd, "m"), 0);
                        assert_int_equal(symlinkat("../../m", f->scratch.fd, DIRECTORY), 0);
                        break;
                case 6: /* a file */
                        assert_int_equal(renameat(f->scratch.fd, DIRECTORY, f->scratch.fd, "n"), 0);
                        write_text_file(f, DIRECTORY, "");
                        break;
                case 7: /* a link to a key */
                        assert_int_equal(renameat(f->scratch.fd, DIRECTORY "/key.pem",
                                                         f->scratch.fd, "key.pem"),
                                        0);
                        assert_int_equal(symlinkat("../../../key.pem", f->scratch.fd,
                                                         DIRECTORY "/key.pem"),
                                        0);
                        break;
                case 8: /* a directory for a file, and something in it */
                        assert_int_equal(unlinkat(f->scratch.fd, DIRECTORY "/order.json", 0), 0);
                        assert_int_equal(directory_make_at(f->scratch.fd,
                                                         DIRECTORY "/order.json/below", 0700),
                                        0);
                        break;
                }
                assert_load_fails(reader, STORE_E_DAMAGED);
                assert_true(scratch_exists(f->scratch.fd, DIRECTORY));
                assert_load_fails(f->store, STORE_E_DAMAGED);
                assert_load_fails(f->store, -ENOENT);
                assert_int_equal(count(f, "certificates/a"), 0);
        }
        assert_true(scratch_exists(f->scratch.fd, "m/key.pem"));
        store_close(reader);
        renew_key_unref(key);
}

static void test_truncated(void **state)
{
        Fixture *f = *state;
        RenewKey *key = make_key();
        StoreOrder o = order_with(key, "{\"order\":1}");
        _cleanup_free_ char *whole = NULL;
        size_t size;

        assert_int_equal(store_order_begin(f->store, "a", &o), 0);
        whole = read_file(f, DIRECTORY "/order.json", &size);
        for (size_t i = 0; i < size - 1; i += 3) {
                write_file(f, DIRECTORY "/order.json", whole, i);
                assert_load_fails(f->store, STORE_E_DAMAGED);
                assert_int_equal(store_order_begin(f->store, "a", &o), 0);
        }
        assert_loads(f->store, key, "{\"order\":1}");
        renew_key_unref(key);
}

static void test_newer(void **state)
{
        Fixture *f = *state;
        RenewKey *key = make_key(), *other = make_key();
        StoreOrder o = order_with(key, NULL), p = order_with(other, NULL);
        _cleanup_free_ char *before = NULL, *after = NULL;
        size_t size;

        assert_int_equal(store_order_begin(f->store, "a", &o), 0);
        write_text_file(f, DIRECTORY "/order.json", "{\"version\":2}");
        before = read_file(f, DIRECTORY "/key.pem", &size);
        assert_load_fails(f->store, STORE_E_NEWER);
        assert_int_equal(store_order_save(f->store, "a", &p), -ENOTSUP);
        assert_int_equal(store_order_begin(f->store, "a", &p), -ENOTSUP);
        assert_int_equal(store_order_remove(f->store, "a"), -ENOTSUP);
        after = read_file(f, DIRECTORY "/key.pem", &size);
        assert_string_equal(after, before);
        assert_load_fails(f->store, STORE_E_NEWER);
        assert_no_leftovers(f->scratch.fd);
        renew_key_unref(key);
        renew_key_unref(other);
}

/* What a crash leaves between two steps of a beginning or a removal is no order. */
static void test_crash(void **state)
{
        Fixture *f = *state;
        RenewKey *key = make_key();
        StoreOrder o = order_with(key, NULL);
        static const char *const names[] = { "certificates/a/.order.tmp",
                "certificates/a/.order.new.tmp" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                assert_int_equal(store_order_begin(f->store, "a", &o), 0);
                assert_int_equal(renameat(f->scratch.fd, DIRECTORY, f->scratch.fd, names[i]), 0);
                assert_load_fails(f->store, -ENOENT);
                /* it is in nobody's way, also before the next start */
                assert_int_equal(store_order_begin(f->store, "a", &o), 0);
                assert_loads(f->store, key, NULL);
                assert_int_equal(store_order_remove(f->store, "a"), 0);
                assert_int_equal(store_order_begin(f->store, "a", &o), 0);
                assert_int_equal(renameat(f->scratch.fd, DIRECTORY, f->scratch.fd, names[i]), 0);
                reopen(f);
                assert_int_equal(count(f, "certificates/a"), 0);
        }
        renew_key_unref(key);
}

/* The order of the writes, as a reader sees it who looks all the time: never without its key. */
static void test_key_comes_first(void **state)
{
        Fixture *f = *state;
        RenewKey *keys[2] = { make_key(), make_key() };
        int pipe_fds[2], status;
        char byte;
        pid_t pid;

        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                unsigned seen = 0;

                do {
                        struct stat st, now;
                        bool json, key;
                        int fd = openat(f->scratch.fd, DIRECTORY, O_RDONLY | O_DIRECTORY);

                        if (fd < 0)
                                continue;
                        json = fstatat(fd, "order.json", &st, 0) >= 0;
                        key = fstatat(fd, "key.pem", &st, 0) >= 0;
                        seen += json;
                        /* but for one that was replaced meanwhile, and goes */
                        if (json && !key && fstat(fd, &st) >= 0 &&
                                        fstatat(f->scratch.fd, DIRECTORY, &now, 0) >= 0 &&
                                        st.st_ino == now.st_ino)
                                _exit(2);
                        close_fd(fd);
                } while (read(pipe_fds[0], &byte, 1) < 0);
                _exit(seen > 0 ? 0 : 3);
        }
        for (unsigned i = 0; i < 300 || !scratch_exists(f->scratch.fd, DIRECTORY); i++) {
                StoreOrder o = order_with(keys[i % 2], "x");

                assert_int_equal(store_order_begin(f->store, "a", &o), 0);
                if (i % 3 == 0)
                        (void) usleep(500); /* so that there is something to be seen */
        }
        assert_int_equal(write(pipe_fds[1], "", 1), 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        (void) close_fd(pipe_fds[0]);
        (void) close_fd(pipe_fds[1]);
        renew_key_unref(keys[0]);
        renew_key_unref(keys[1]);
}

/* A disk that is full at any page: the order is the old one or the new one. */
static void test_disk_full(void **state)
{
        Fixture *f = *state;
        RenewKey *keys[2] = { make_key(), make_key() };
        StoreOrder o = order_with(keys[0], "x"), p = order_with(keys[1], "y");
        unsigned failed = 0;
        int r = -ENOSPC;

        if (!make_disk_small(f))
                skip();
        assert_int_equal(store_order_begin(f->store, "a", &o), 0);
        for (size_t pages = 0; r < 0; pages++) {
                int saved, other;

                assert_true(pages < 50);
                fill_disk(f, pages);
                saved = store_order_save(f->store, "a", &o);
                assert_true(saved == 0 || saved == -ENOSPC);
                other = store_order_begin(f->store, "b", &p);
                assert_true(other == 0 || other == -ENOSPC);
                assert_int_equal(scratch_exists(f->scratch.fd, "certificates/b"), other == 0);
                assert_int_equal(store_order_remove(f->store, "b"), 0);
                r = store_order_begin(f->store, "a", &p);
                if (r < 0) {
                        failed++;
                        assert_int_equal(r, -ENOSPC);
                        assert_loads(f->store, keys[0], "x");
                } else
                        assert_loads(f->store, keys[1], "y");
                assert_no_leftovers(f->scratch.fd);
                (void) unlinkat(f->scratch.fd, "certificates/b", AT_REMOVEDIR);
        }
        assert_true(failed >= 2);
        renew_key_unref(keys[0]);
        renew_key_unref(keys[1]);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_life),
                T(test_damaged),
                T(test_truncated),
                T(test_newer),
                T(test_crash),
                T(test_key_comes_first),
                T(test_disk_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
