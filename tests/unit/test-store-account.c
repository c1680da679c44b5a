/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Accounts: the key is there before anybody hears of it, is found again, and is never given up. */

#include "store-util.h"

#include <signal.h>

#define CA_URL "https://ca.example/directory"

static RenewKey *make_key(RenewKeyType type)
{
        RenewKey *key;

        assert_int_equal(renew_key_new(type, &key), 0);
        return key;
}

/* "accounts/ca/THUMBPRINT/file"; the caller frees it. */
static char *account_path(const RenewKey *key, const char *file)
{
        char *path = text_format(
                        "accounts/ca/%s%s%s", renew_key_thumbprint(key), *file ? "/" : "", file);

        assert_non_null(path);
        return path;
}

static RenewKey *create(Fixture *f, const char *url)
{
        RenewKey *key = make_key(RENEW_KEY_ECDSA_P256);

        assert_int_equal(store_account_create(f->store, "ca", url, key), 0);
        return key;
}

/* Loads, and compares key, state and the beginning of the warning (NULL: none). */
static void assert_loads(Store *s, const char *url, const RenewKey *key, const char *account_state,
                const char *warning)
{
        StoreAccount a = { 0 };
        char *got = NULL;

        assert_int_equal(store_account_load(s, "ca", url, &a, &got), 0);
        assert_true(renew_key_equal(a.key, key));
        if (account_state)
                assert_string_equal(a.state, account_state);
        else
                assert_null(a.state);
        if (warning) {
                assert_non_null(got);
                if (!strstr(got, warning))
                        fail_msg("'%s' is not in '%s'", warning, got);
        } else if (got)
                fail_msg("warned: %s", got);
        free(got);
        store_account_done(&a);
}

static void assert_none(Store *s, const char *url, int expected, const char *warning)
{
        StoreAccount a = { 0 };
        char *got = NULL;

        assert_int_equal(store_account_load(s, "ca", url, &a, &got), expected);
        assert_null(a.key);
        if (warning) {
                assert_non_null(got);
                if (!strstr(got, warning))
                        fail_msg("'%s' is not in '%s'", warning, got);
        } else
                assert_null(got);
        free(got);
}

static void test_create(void **state)
{
        Fixture *f = *state;
        mode_t before = umask(0);
        RenewKey *key = create(f, CA_URL);
        _cleanup_free_ char *directory = account_path(key, ""), *pem = account_path(key, "key.pem"),
                            *json = account_path(key, "account.json");

        (void) umask(before);
        assert_int_equal(scratch_mode(f->scratch.fd, "accounts"), 0700);
        assert_int_equal(scratch_mode(f->scratch.fd, "accounts/ca"), 0700);
        assert_int_equal(scratch_mode(f->scratch.fd, directory), 0700);
        assert_int_equal(scratch_mode(f->scratch.fd, pem), 0600);
        assert_int_equal(scratch_mode(f->scratch.fd, json), 0600);
        assert_int_equal(count(f, directory), 2);
        assert_no_leftovers(f->scratch.fd);
        /* found again, also before the CA has said anything */
        assert_loads(f->store, CA_URL, key, NULL, NULL);
        reopen(f);
        assert_loads(f->store, CA_URL, key, NULL, NULL);
        assert_int_equal(store_account_create(f->store, "ca", CA_URL, key), -EEXIST);
        assert_loads(f->store, CA_URL, key, NULL, NULL);
        assert_none(f->store, "https://other.example/", -ENOENT, NULL);
        renew_key_unref(key);
}

static void test_each_kind(void **state)
{
        Fixture *f = *state;

        for (unsigned type = RENEW_KEY_ECDSA_P256; type <= RENEW_KEY_RSA_2048; type++) {
                RenewKey *key = make_key((RenewKeyType) type);
                _cleanup_free_ char *url = text_format("https://ca.example/%u", type);

                assert_int_equal(store_account_create(f->store, "ca", url, key), 0);
                assert_loads(f->store, url, key, NULL, NULL);
                renew_key_unref(key);
        }
}

static void test_save(void **state)
{
        Fixture *f = *state;
        RenewKey *key = create(f, CA_URL), *stranger = make_key(RENEW_KEY_ECDSA_P256);

        assert_int_equal(store_account_save(f->store, "ca", key, "{\"kid\":\"…\"}"), 0);
        assert_loads(f->store, CA_URL, key, "{\"kid\":\"…\"}", NULL);
        assert_int_equal(store_account_save(f->store, "ca", key, "second"), 0);
        reopen(f);
        assert_loads(f->store, CA_URL, key, "second", NULL);
        assert_int_equal(store_account_save(f->store, "ca", stranger, "x"), -ENOENT);
        assert_int_equal(store_account_save(f->store, "other", key, "x"), -ENOENT);
        assert_none(f->store, "https://other.example/", -ENOENT, NULL);
        renew_key_unref(key);
        renew_key_unref(stranger);
}

/* One CA's name, two directories: a section that was changed from staging to production. */
static void test_two_directories(void **state)
{
        Fixture *f = *state;
        RenewKey *a = create(f, "https://a/"), *b = create(f, "https://b/");

        assert_int_equal(store_account_save(f->store, "ca", a, "of a"), 0);
        assert_int_equal(store_account_save(f->store, "ca", b, "of b"), 0);
        assert_loads(f->store, "https://a/", a, "of a", NULL);
        assert_loads(f->store, "https://b/", b, "of b", NULL);
        assert_none(f->store, "https://c/", -ENOENT, NULL);
        renew_key_unref(a);
        renew_key_unref(b);
}

static void test_newest(void **state)
{
        Fixture *f = *state;
        RenewKey *newest = NULL;

        for (unsigned i = 0; i < 8; i++) {
                renew_key_unref(newest);
                newest = create(f, CA_URL);
                assert_loads(f->store, CA_URL, newest, NULL, NULL);
        }
        renew_key_unref(newest);
}

static void test_damaged_description(void **state)
{
        static const char *const texts[] = { "", "{", "{\"version\":1,\"directory\":[]}",
                "{\"version\":1,\"created\":-1,\"state\":\"half\"}" };
        Fixture *f = *state;
        RenewKey *key = create(f, CA_URL), *whole;
        _cleanup_free_ char *json = account_path(key, "account.json"),
                            *aside = account_path(key, "account.json.damaged");
        Store *reader = open_reader(f);

        assert_int_equal(store_account_save(f->store, "ca", key, "kept"), 0);
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                write_text_file(f, json, texts[i]);
                assert_loads(reader, CA_URL, key, NULL, "only its key is used");
                assert_loads(f->store, CA_URL, key, NULL, "only its key is used");
                assert_true(scratch_exists(f->scratch.fd, aside));
                /* mended */
                assert_loads(reader, CA_URL, key, NULL, NULL);
                assert_int_equal(store_account_save(f->store, "ca", key, "kept"), 0);
                assert_loads(f->store, CA_URL, key, "kept", NULL);
        }
        /* the description is gone, or is no file */
        assert_int_equal(unlinkat(f->scratch.fd, json, 0), 0);
        assert_loads(f->store, CA_URL, key, NULL, "only its key is used");
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(unlinkat(f->scratch.fd, json, 0), 0);
                assert_int_equal(directory_make_at(f->scratch.fd, json, 0700), 0);
                assert_loads(f->store, CA_URL, key, NULL, "only its key is used");
                assert_loads(f->store, CA_URL, key, NULL, NULL);
        }
        /* saved while it is damaged: the state is what counts */
        write_text_file(f, json, "{");
        assert_int_equal(store_account_save(f->store, "ca", key, "later"), 0);
        assert_loads(f->store, CA_URL, key, "later", NULL);
        /* a whole account is better than a damaged one, older or newer */
        write_text_file(f, json, "{");
        whole = create(f, CA_URL);
        assert_loads(f->store, CA_URL, whole, NULL, "only its key is used");
        store_close(reader);
        renew_key_unref(key);
        renew_key_unref(whole);
}

static void test_damaged_key(void **state)
{
        Fixture *f = *state;
        RenewKey *key = create(f, CA_URL), *other = make_key(RENEW_KEY_ECDSA_P256);
        _cleanup_free_ char *path = account_path(key, "key.pem"), *pem = NULL;
        char *other_pem;
        size_t size;

        pem = read_file(f, path, &size);
        /* the newline at its end is all that may be missing */
        for (size_t i = 0; i < size - 1; i++) {
                write_file(f, path, pem, i);
                assert_none(f->store, CA_URL, -ENOENT, "has no key of that name");
        }
        /* another's key would be another account */
        assert_int_equal(renew_key_to_pem(other, &other_pem), 0);
        write_text_file(f, path, other_pem);
        renew_secret_free(other_pem);
        assert_none(f->store, CA_URL, -ENOENT, "has no key of that name");
        assert_int_equal(unlinkat(f->scratch.fd, path, 0), 0);
        assert_none(f->store, CA_URL, -ENOENT, "has no key of that name");
        assert_int_equal(symlinkat("/etc/hostname", f->scratch.fd, path), 0);
        assert_none(f->store, CA_URL, -ENOENT, "has no key of that name");
        /* nothing was removed or changed over it */
        write_file(f, path, pem, size);
        assert_loads(f->store, CA_URL, key, NULL, NULL);
        /* and with a whole one beside it that one is used */
        write_file(f, path, pem, size / 2);
        assert_int_equal(store_account_create(f->store, "ca", CA_URL, other), 0);
        assert_loads(f->store, CA_URL, other, NULL, "has no key of that name");
        renew_key_unref(key);
        renew_key_unref(other);
}

static void test_newer(void **state)
{
        static const char text[] = "{\"version\":9}";
        Fixture *f = *state;
        RenewKey *key = create(f, CA_URL), *other;
        _cleanup_free_ char *json = account_path(key, "account.json"), *after = NULL;
        size_t size;

        write_text_file(f, json, text);
        assert_none(f->store, CA_URL, -ENOTSUP, "newer renewd");
        assert_int_equal(store_account_save(f->store, "ca", key, "x"), -ENOTSUP);
        after = read_file(f, json, &size);
        assert_string_equal(after, text);
        other = create(f, CA_URL);
        assert_loads(f->store, CA_URL, other, NULL, "newer renewd");
        renew_key_unref(key);
        renew_key_unref(other);
}

/* Foreign things beside the accounts are of no interest. */
static void test_foreign(void **state)
{
        Fixture *f = *state;
        RenewKey *key = create(f, CA_URL);

        write_text_file(f, "accounts/ca/README", "x");
        write_text_file(f, "accounts/ca/abc", "x");
        assert_int_equal(directory_make_at(f->scratch.fd, "accounts/ca/back up", 0700), 0);
        assert_int_equal(
                        symlinkat(renew_key_thumbprint(key), f->scratch.fd, "accounts/ca/link"), 0);
        assert_loads(f->store, CA_URL, key, NULL, NULL);
        renew_key_unref(key);
}

/* A disk that is full at any page: no account or a whole one, and the old one as before. */
static void test_disk_full(void **state)
{
        Fixture *f = *state;
        RenewKey *key;
        unsigned failed = 0;
        int r = -ENOSPC;

        if (!make_disk_small(f))
                skip();
        key = create(f, CA_URL);
        assert_int_equal(store_account_save(f->store, "ca", key, "kept"), 0);
        for (size_t pages = 0; r < 0; pages++) {
                RenewKey *next = make_key(RENEW_KEY_ECDSA_P256);
                int saved;

                assert_true(pages < 50);
                fill_disk(f, pages);
                saved = store_account_save(f->store, "ca", key, "kept");
                assert_true(saved == 0 || saved == -ENOSPC);
                r = store_account_create(f->store, "ca", CA_URL, next);
                if (r < 0) {
                        failed++;
                        assert_int_equal(r, -ENOSPC);
                        assert_int_equal(count(f, "accounts/ca"), 1);
                        assert_loads(f->store, CA_URL, key, "kept", NULL);
                } else
                        assert_loads(f->store, CA_URL, next, NULL, NULL);
                assert_no_leftovers(f->scratch.fd);
                renew_key_unref(next);
        }
        assert_true(failed >= 2);
        renew_key_unref(key);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_create),
                T(test_each_kind),
                T(test_save),
                T(test_two_directories),
                T(test_newest),
                T(test_damaged_description),
                T(test_damaged_key),
                T(test_newer),
                T(test_foreign),
                T(test_disk_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
