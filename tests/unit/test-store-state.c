/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is remembered of a certificate: all of it comes back, and no file whatever can do worse than
 * being forgotten. */

#include "store-util.h"

#include <limits.h>

#include "base/random.h"

#define FILE_PATH "certificates/a/state.json"
#define DAMAGED   FILE_PATH ".damaged"

static char *literal(const char *s)
{
        return (char *) (uintptr_t) s;
}

static StoreState full_state(char **names)
{
        return (StoreState){
                .ca = literal("letsencrypt"),
                .account = literal("thumbprint"),
                .profile = literal("shortlived"),
                .renewal_info = { literal("20261124T000000Z-00000000"), NOW, NOW + 1, NOW + 2,
                                NOW + 3, 4, literal("https://ca.example/why") },
                .key_type = literal("ecdsa-p256"),
                .names = names,
                .random = UINT64_MAX,
                .failures = { 3, NOW - 5, NOW, RENEW_RETRY_DAILY, NOW + 7 },
                .failures_random = (uint64_t) INT64_MAX + 1,
                .failures_config = literal("digest"),
                .problem = { literal("dns"), literal("no \"such\"\n\thost\x7f …"),
                                literal("newOrder"), NOW },
                .deployed = literal("20261124T000000Z-00000000"),
                .deploy_failures = { UINT_MAX, 0, 1, RENEW_RETRY_HELD, UINT64_MAX },
                .deploy_problem = { literal("x"), literal(""), literal("y"), 0 },
        };
}

static void save_full(Fixture *f)
{
        char *names[] = { literal("a.example"), literal("b.example"), NULL };
        StoreState st = full_state(names);

        assert_int_equal(store_state_save(f->store, "a", &st), 0);
}

static void assert_full(const StoreState *st)
{
        char *names[] = { literal("a.example"), literal("b.example"), NULL };
        StoreState e = full_state(names);

        assert_string_equal(st->ca, e.ca);
        assert_string_equal(st->account, e.account);
        assert_string_equal(st->profile, e.profile);
        assert_string_equal(st->renewal_info.generation, e.renewal_info.generation);
        assert_string_equal(st->renewal_info.explanation_url, e.renewal_info.explanation_url);
        assert_true(st->renewal_info.start == NOW && st->renewal_info.end == NOW + 1);
        assert_true(st->renewal_info.at_usec == NOW + 2 && st->renewal_info.poll_usec == NOW + 3);
        assert_int_equal(st->renewal_info.failures, 4);
        assert_string_equal(st->key_type, e.key_type);
        assert_true(strv_equal(st->names, e.names));
        assert_true(st->random == e.random && st->failures_random == e.failures_random);
        assert_int_equal(st->failures.count, 3);
        assert_true(st->failures.first == e.failures.first && st->failures.last == NOW);
        assert_int_equal(st->failures.retry, RENEW_RETRY_DAILY);
        assert_true(st->failures.not_before == NOW + 7);
        assert_string_equal(st->failures_config, e.failures_config);
        assert_string_equal(st->problem.type, e.problem.type);
        assert_string_equal(st->problem.detail, e.problem.detail);
        assert_string_equal(st->problem.where, e.problem.where);
        assert_true(st->problem.when_usec == NOW);
        assert_string_equal(st->deployed, e.deployed);
        assert_true(st->deploy_failures.count == UINT_MAX && st->deploy_failures.last == 1);
        assert_int_equal(st->deploy_failures.retry, RENEW_RETRY_HELD);
        assert_true(st->deploy_failures.not_before == UINT64_MAX);
        assert_string_equal(st->deploy_problem.detail, "");
}

static void test_round_trip(void **state)
{
        Fixture *f = *state;
        StoreState st = { 0 };

        assert_int_equal(store_state_load(f->store, "a", &st), -ENOENT);
        save_full(f);
        assert_int_equal(scratch_mode(f->scratch.fd, FILE_PATH), 0600);
        assert_int_equal(scratch_mode(f->scratch.fd, "certificates/a"), 0711);
        reopen(f);
        assert_int_equal(store_state_load(f->store, "a", &st), 0);
        assert_full(&st);
        store_state_done(&st);
        /* nothing at all is a state too, and replaces the other */
        assert_int_equal(store_state_save(f->store, "a", &st), 0);
        assert_int_equal(store_state_load(f->store, "a", &st), 0);
        assert_null(st.ca);
        assert_null(st.names);
        assert_null(st.problem.type);
        assert_int_equal(st.failures.count, 0);
        store_state_done(&st);
        assert_no_leftovers(f->scratch.fd);
}

static void test_modes(void **state)
{
        Fixture *f = *state;
        mode_t before = umask(0);

        save_full(f);
        (void) umask(before);
        assert_int_equal(scratch_mode(f->scratch.fd, FILE_PATH), 0600);
        assert_int_equal(scratch_mode(f->scratch.fd, "certificates/a"), 0711);
}

/* A peer's text may be anything; the memory of it must be JSON all the same. */
static void test_not_utf8(void **state)
{
        Fixture *f = *state;
        char *names[] = { literal("\xff\xfe"), NULL };
        StoreState st = { .names = names,
                .problem = { literal("x"), literal("caf\xe9 \xc3\xa9"), NULL, 1 } };
        StoreState back = { 0 };

        assert_int_equal(store_state_save(f->store, "a", &st), 0);
        assert_int_equal(store_state_load(f->store, "a", &back), 0);
        assert_string_equal(back.problem.detail, "caf\\xe9 é");
        assert_string_equal(back.names[0], "\\xff\\xfe");
        store_state_done(&back);
}

/* More than could be read again is not written. */
static void test_too_large(void **state)
{
        Fixture *f = *state;
        char *large = calloc(1, LIMIT_STATE_FILE + 1);
        StoreState st = { .ca = large }, back = { 0 };

        assert_non_null(large);
        memset(large, 'x', LIMIT_STATE_FILE);
        save_full(f);
        assert_int_equal(store_state_save(f->store, "a", &st), -E2BIG);
        assert_int_equal(store_state_load(f->store, "a", &back), 0);
        assert_full(&back);
        store_state_done(&back);
        /* a first write that fails leaves no certificate behind */
        assert_int_equal(store_state_save(f->store, "b", &st), -E2BIG);
        assert_false(scratch_exists(f->scratch.fd, "certificates/b"));
        free(large);
}

/* Damaged: empty, moved aside by the writer and left by a reader. */
static void assert_damaged(Fixture *f, const void *data, size_t size)
{
        _cleanup_free_ char *aside = NULL;
        Store *reader = open_reader(f);
        StoreState st = { .ca = literal("untouched") };
        size_t aside_size;

        write_file(f, FILE_PATH, data, size);
        (void) unlinkat(f->scratch.fd, DAMAGED, 0);
        assert_int_equal(store_state_load(reader, "a", &st), STORE_E_DAMAGED);
        store_close(reader);
        assert_null(st.ca);
        assert_true(scratch_exists(f->scratch.fd, FILE_PATH));
        assert_false(scratch_exists(f->scratch.fd, DAMAGED));
        assert_int_equal(store_state_load(f->store, "a", &st), STORE_E_DAMAGED);
        assert_null(st.ca);
        assert_null(st.names);
        assert_int_equal(st.failures.count, 0);
        assert_false(scratch_exists(f->scratch.fd, FILE_PATH));
        aside = read_file(f, DAMAGED, &aside_size);
        assert_int_equal(aside_size, size);
        assert_memory_equal(aside, data, size);
        assert_int_equal(store_state_load(f->store, "a", &st), -ENOENT);
}

static void test_truncated(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *whole = NULL;
        StoreState st = { 0 };
        size_t size;

        save_full(f);
        whole = read_file(f, FILE_PATH, &size);
        /* the last byte is the newline, which JSON does not need */
        for (size_t i = 0; i < size - 1; i++)
                assert_damaged(f, whole, i);
        write_file(f, FILE_PATH, whole, size - 1);
        assert_int_equal(store_state_load(f->store, "a", &st), 0);
        assert_full(&st);
        store_state_done(&st);
}

/* One byte of a good file replaced: anything may come of it, but no crash and no half of it. */
static void test_flipped(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *whole = NULL;
        size_t size;

        save_full(f);
        whole = read_file(f, FILE_PATH, &size);
        for (size_t i = 0; i < size; i++) {
                StoreState st = { 0 };
                char kept = whole[i];
                int r;

                whole[i] = (char) (kept ^ (1 << random_u64() % 8));
                write_file(f, FILE_PATH, whole, size);
                whole[i] = kept;
                r = store_state_load(f->store, "a", &st);
                assert_true(r == 0 || r == STORE_E_DAMAGED || r == STORE_E_NEWER);
                if (r != 0)
                        assert_null(st.ca);
                store_state_done(&st);
        }
}

static void test_garbage(void **state)
{
        Fixture *f = *state;
        unsigned char data[512];

        save_full(f);
        for (unsigned i = 0; i < 200; i++) {
                size_t size = random_u64() % sizeof(data);

                for (size_t n = 0; n < size; n++)
                        data[n] = (unsigned char) random_u64();
                assert_damaged(f, data, size);
        }
}

/* JSON that is none of ours. */
static void test_wrong_fields(void **state)
{
        static const char *const texts[] = {
                "[]",
                "null",
                "{}",
                "\"version\"",
                "{\"version\":0}",
                "{\"version\":-1}",
                "{\"version\":1.0}",
                "{\"version\":\"1\"}",
                "{\"version\":1,\"version\":1}",
                "{\"version\":1}{\"version\":1}",
                "{\"version\":1,\"ca\":1}",
                "{\"version\":1,\"ca\":\"a\\u0000b\"}",
                "{\"version\":1,\"ca\":\"\xff\"}",
                "{\"version\":1,\"ca\":\"first\",\"names\":{}}",
                "{\"version\":1,\"names\":\"a\"}",
                "{\"version\":1,\"names\":[\"a\",null]}",
                "{\"version\":1,\"random\":NaN}",
                "{\"version\":1,\"random\":Infinity}",
                "{\"version\":1,\"random\":1e400}",
                "{\"version\":1,\"random\":1.5}",
                "{\"version\":1,\"random\":1e3}",
                "{\"version\":1,\"random\":-1}",
                "{\"version\":1,\"random\":18446744073709551615}",
                "{\"version\":1,\"random\":\"18446744073709551616\"}",
                "{\"version\":1,\"random\":\"-1\"}",
                "{\"version\":1,\"random\":\"\"}",
                "{\"version\":1,\"random\":\" 1\"}",
                "{\"version\":1,\"random\":null}",
                "{\"version\":1,\"failures\":[]}",
                "{\"version\":1,\"failures\":{\"count\":4294967296}}",
                "{\"version\":1,\"failures\":{\"retry\":\"never\"}}",
                "{\"version\":1,\"failures\":{\"retry\":1}}",
                "{\"version\":1,\"failures\":{\"retry\":null}}",
                "{\"version\":1,\"problem\":{\"detail\":[]}}",
                "{\"version\":1,\"problem\":null}",
        };
        Fixture *f = *state;
        StoreState st = { 0 };

        save_full(f);
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                assert_damaged(f, texts[i], strlen(texts[i]));
        /* but these are: absent and unknown keys, a number as digits */
        write_text_file(f, FILE_PATH,
                        "{\"random\":\"7\",\"later\":[1,{}],\"ca\":null,\"version\":1}");
        assert_int_equal(store_state_load(f->store, "a", &st), 0);
        assert_int_equal(st.random, 7);
        assert_null(st.ca);
        store_state_done(&st);
}

static void test_deep(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *deep = malloc(100000);

        assert_non_null(deep);
        memset(deep, '[', 100000);
        save_full(f);
        assert_damaged(f, deep, 100000);
}

static void test_other_things_in_its_place(void **state)
{
        Fixture *f = *state;
        StoreState st = { 0 };
        char *large = calloc(1, LIMIT_STATE_FILE + 1);

        assert_non_null(large);
        save_full(f);
        /* more than we would ever write */
        write_file(f, FILE_PATH, large, LIMIT_STATE_FILE + 1);
        assert_int_equal(store_state_load(f->store, "a", &st), STORE_E_DAMAGED);
        assert_true(scratch_exists(f->scratch.fd, DAMAGED));
        free(large);
        for (unsigned i = 0; i < 4; i++) {
                (void) unlinkat(f->scratch.fd, FILE_PATH, 0);
                if (i == 0)
                        assert_int_equal(symlinkat("/etc/passwd", f->scratch.fd, FILE_PATH), 0);
                else if (i == 1)
                        assert_int_equal(mkfifoat(f->scratch.fd, FILE_PATH, 0600), 0);
                else
                        assert_int_equal(mkdirat(f->scratch.fd, FILE_PATH, 0700), 0);
                if (i == 3) /* and the second directory is not empty */
                        write_text_file(f, DAMAGED "/something", "");
                assert_int_equal(store_state_load(f->store, "a", &st), STORE_E_DAMAGED);
                assert_int_equal(store_state_save(f->store, "a", &st), 0);
                assert_int_equal(store_state_load(f->store, "a", &st), 0);
        }
        assert_true(scratch_exists(AT_FDCWD, "/etc/passwd"));
}

/* Of a newer renewd: neither understood, nor moved, nor overwritten. */
static void test_newer(void **state)
{
        static const char text[] = "{\"version\":2,\"ca\":{\"of\":\"another kind\"}}";
        Fixture *f = *state;
        _cleanup_free_ char *after = NULL;
        StoreState st = { 0 };
        size_t size;

        save_full(f);
        write_text_file(f, FILE_PATH, text);
        assert_int_equal(store_state_load(f->store, "a", &st), STORE_E_NEWER);
        assert_null(st.ca);
        assert_int_equal(store_state_save(f->store, "a", &st), -ENOTSUP);
        after = read_file(f, FILE_PATH, &size);
        assert_string_equal(after, text);
        assert_false(scratch_exists(f->scratch.fd, DAMAGED));
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_round_trip),
                T(test_modes),
                T(test_not_utf8),
                T(test_too_large),
                T(test_truncated),
                T(test_flipped),
                T(test_garbage),
                T(test_wrong_fields),
                T(test_deep),
                T(test_other_things_in_its_place),
                T(test_newer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
