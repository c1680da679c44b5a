/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Generations: whatever happens, live/ points to a whole pair once it has pointed to one. */

#include "store-util.h"

#include <limits.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/random.h"
#include "store/generation.h"

#define DAY USEC_PER_DAY

static void assert_in_force(Store *s, const char *certificate, const char *id)
{
        _cleanup_free_ char *seen = in_force(s, certificate);

        assert_string_equal(seen, id);
}

static char *generation_path(const char *id, const char *file)
{
        char *path = text_format("certificates/a/%s%s%s", id, *file ? "/" : "", file);

        assert_non_null(path);
        return path;
}

static void test_write_and_switch(void **state)
{
        static const struct {
                const char *file;
                mode_t mode;
        } files[] = {
                { "cert.pem", 0644 },
                { "chain.pem", 0644 },
                { "fullchain.pem", 0644 },
                { "meta.json", 0644 },
                { "privkey.pem", 0600 },
        };
        Fixture *f = *state;
        _cleanup_free_ char *first = NULL, *second = NULL, *directory = NULL;
        StoreGeneration g = { 0 };
        char *warning = NULL, target[256];
        mode_t before = umask(0);
        ssize_t n;

        assert_int_equal(store_generation_load(f->store, "a", &g, &warning), -ENOENT);
        first = write_generation(f, "a", NOW);
        /* written, and not in force yet: what it takes the place of nothing of is not missed */
        assert_false(scratch_exists(f->scratch.fd, "live/a"));
        assert_int_equal(store_generation_switch(f->store, "a", first), 0);
        (void) umask(before);
        directory = generation_path(first, "");
        assert_int_equal(scratch_mode(f->scratch.fd, directory), 0711);
        assert_int_equal(scratch_mode(f->scratch.fd, "certificates/a"), 0711);
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                _cleanup_free_ char *path = generation_path(first, files[i].file);

                assert_int_equal(scratch_mode(f->scratch.fd, path), files[i].mode);
        }
        assert_int_equal(count(f, directory), ELEMENTSOF(files));
        n = readlinkat(f->scratch.fd, "live/a", target, sizeof(target) - 1);
        assert_true(n > 0);
        target[n] = '\0';
        assert_true(has_prefix(target, "../certificates/a/"));
        assert_string_equal(target + strlen("../certificates/a/"), first);

        assert_int_equal(store_generation_load(f->store, "a", &g, &warning), 0);
        assert_null(warning);
        assert_true(g.issued_usec == NOW);
        assert_int_equal(renew_chain_length(g.chain), 2);
        store_generation_done(&g);

        second = write_generation(f, "a", NOW + DAY);
        assert_in_force(f->store, "a", first);
        assert_int_equal(store_generation_switch(f->store, "a", second), 0);
        reopen(f);
        assert_in_force(f->store, "a", second);
        assert_no_leftovers(f->scratch.fd);
}

static void test_mismatch(void **state)
{
        Fixture *f = *state;
        RenewKey *key, *other;
        RenewChain *chain = make_chain(f, &key);
        char *id = NULL;

        assert_int_equal(renew_key_new(RENEW_KEY_ECDSA_P256, &other), 0);
        assert_int_equal(store_generation_write(f->store, "a", chain, other, NOW, &id), -EINVAL);
        assert_null(id);
        assert_false(scratch_exists(f->scratch.fd, "certificates/a"));
        renew_chain_free(chain);
        renew_key_unref(key);
        renew_key_unref(other);
}

static void test_switch_to_nothing(void **state)
{
        static const char *const bad[] = { "", "..", "x", "20261124T000000Z-0000000",
                "20261124T000000Z-000000000", "20261124T000000Z-0000000G",
                "20261324T000000Z-00000000", "20261124T000000Z-fffff000", "../live" };
        Fixture *f = *state;
        _cleanup_free_ char *id = issue(f, "a", NOW), *path = NULL;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(store_generation_switch(f->store, "a", bad[i]), -EINVAL);
        assert_int_equal(store_generation_switch(f->store, "a", "20261124T000000Z-00000001"),
                        -ENOENT);
        assert_int_equal(store_generation_switch(f->store, "b", id), -ENOENT);
        /* a link of that name is not a generation */
        path = generation_path("20261124T000000Z-00000002", "");
        assert_int_equal(symlinkat(id, f->scratch.fd, path), 0);
        assert_int_equal(store_generation_switch(f->store, "a", "20261124T000000Z-00000002"),
                        -ENOTDIR);
        assert_in_force(f->store, "a", id);
}

/* Three stay: the one in force, however old it is, and the newest others. */
static void test_three_are_kept(void **state)
{
        Fixture *f = *state;
        char *ids[8];

        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                ids[i] = issue(f, "a", NOW + i * DAY);
                assert_int_equal(count(f, "certificates/a"), MIN(i + 1, 3U));
                assert_in_force(f->store, "a", ids[i]);
        }
        /* back to an older one */
        assert_int_equal(store_generation_switch(f->store, "a", ids[5]), 0);
        assert_in_force(f->store, "a", ids[5]);
        free(ids[0]);
        ids[0] = write_generation(f, "a", NOW + 20 * DAY);
        free(ids[1]);
        ids[1] = write_generation(f, "a", NOW + 21 * DAY);
        assert_int_equal(store_generation_switch(f->store, "a", ids[5]), 0);
        assert_int_equal(count(f, "certificates/a"), 3);
        assert_in_force(f->store, "a", ids[5]);
        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                _cleanup_free_ char *path = generation_path(ids[i], "");

                assert_int_equal(scratch_exists(f->scratch.fd, path), i == 0 || i == 1 || i == 5);
                free(ids[i]);
        }
        assert_no_leftovers(f->scratch.fd);
}

/* What is not a generation is neither counted nor removed. */
static void test_foreign(void **state)
{
        Fixture *f = *state;

        assert_int_equal(directory_make_at(f->scratch.fd, "certificates/a/backup", 0700), 0);
        assert_int_equal(directory_make_at(f->scratch.fd, "certificates/a/20261124T000000Z", 0700),
                        0);
        write_text_file(f, "certificates/a/notes", "mine");
        for (unsigned i = 0; i < 5; i++) {
                _cleanup_free_ char *id = issue(f, "a", NOW + i * DAY);

                assert_in_force(f->store, "a", id);
        }
        assert_int_equal(count(f, "certificates/a"), 3 + 3);
}

/* Ids sort by issue, whatever the clock says. */
static void test_clock(void **state)
{
        static const uint64_t instants[] = { NOW, NOW, NOW - 365 * DAY, 0, NOW + 1, NOW + 2,
                NOW + USEC_PER_SEC - 1, NOW + USEC_PER_SEC, NOW + DAY, 1 };
        Fixture *f = *state;
        _cleanup_free_ char *last = strdup("0");

        for (size_t i = 0; i < ELEMENTSOF(instants); i++) {
                StoreGeneration g = { 0 };
                char *id = issue(f, "a", instants[i]), *warning = NULL;
                uint64_t usec;

                assert_int_equal(generation_id_parse(id, &usec), 0);
                assert_true(usec >= instants[i]);
                if (strcmp(last, id) >= 0)
                        fail_msg("%s after %s", id, last);
                free(last);
                last = id;
                /* the true instant is kept beside (0 is none) */
                assert_int_equal(store_generation_load(f->store, "a", &g, &warning), 0);
                assert_null(warning);
                assert_string_equal(g.id, id);
                assert_true(g.issued_usec == (instants[i] ?: usec));
                store_generation_done(&g);
        }
}

static void test_end_of_time(void **state)
{
        /* the year 10000, the last instant, and the one that never comes */
        static const uint64_t instants[] = { UINT64_C(253402300800) * USEC_PER_SEC, UINT64_MAX - 1,
                UINT64_MAX };
        Fixture *f = *state;
        RenewKey *key;
        RenewChain *chain = make_chain(f, &key);
        char *id = NULL;

        for (size_t i = 0; i < ELEMENTSOF(instants); i++) {
                assert_int_equal(
                                store_generation_write(f->store, "a", chain, key, instants[i], &id),
                                -EOVERFLOW);
                assert_null(id);
                assert_false(scratch_exists(f->scratch.fd, "certificates/a"));
        }
        renew_chain_free(chain);
        renew_key_unref(key);
}

/* --- damage ----------------------------------------------------------------------------------- */

typedef void (*Damage)(const Fixture *f, const char *id);

static void cut(const Fixture *f, const char *id, const char *file, size_t left)
{
        _cleanup_free_ char *path = generation_path(id, file), *data = NULL;
        size_t size;

        data = read_file(f, path, &size);
        assert_int_equal(file_write_at(f->scratch.fd, path, data, MIN(left, size - 2), 0644), 0);
}

static void remove_it(const Fixture *f, const char *id, const char *file)
{
        _cleanup_free_ char *path = generation_path(id, file);

        assert_int_equal(unlinkat(f->scratch.fd, path, 0), 0);
}

static void no_key(const Fixture *f, const char *id)
{
        remove_it(f, id, "privkey.pem");
}

static void no_chain(const Fixture *f, const char *id)
{
        remove_it(f, id, "chain.pem");
}

static void empty_fullchain(const Fixture *f, const char *id)
{
        cut(f, id, "fullchain.pem", 0);
}

static void half_fullchain(const Fixture *f, const char *id)
{
        cut(f, id, "fullchain.pem", 300);
}

static void cut_key(const Fixture *f, const char *id)
{
        cut(f, id, "privkey.pem", SIZE_MAX);
}

static void cut_cert(const Fixture *f, const char *id)
{
        cut(f, id, "cert.pem", SIZE_MAX);
}

static void others_key(const Fixture *f, const char *id)
{
        _cleanup_free_ char *path = generation_path(id, "privkey.pem");
        RenewKey *key;
        char *pem;

        assert_int_equal(renew_key_new(RENEW_KEY_ECDSA_P256, &key), 0);
        assert_int_equal(renew_key_to_pem(key, &pem), 0);
        write_text_file(f, path, pem);
        renew_secret_free(pem);
        renew_key_unref(key);
}

static void key_is_link(const Fixture *f, const char *id)
{
        _cleanup_free_ char *path = generation_path(id, "privkey.pem");

        assert_int_equal(renameat(f->scratch.fd, path, f->scratch.fd, "certificates/a/moved"), 0);
        assert_int_equal(symlinkat("../moved", f->scratch.fd, path), 0);
}

static void directory_is_gone(const Fixture *f, const char *id)
{
        _cleanup_free_ char *path = generation_path(id, "");

        assert_int_equal(directory_remove_at(f->scratch.fd, path), 0);
}

static void link_is_gone(const Fixture *f, const char *id)
{
        assert_int_equal(unlinkat(f->scratch.fd, "live/a", 0), 0);
}

static void link_is_elsewhere(const Fixture *f, const char *id)
{
        link_is_gone(f, id);
        assert_int_equal(symlinkat("/etc", f->scratch.fd, "live/a"), 0);
}

static void link_is_file(const Fixture *f, const char *id)
{
        link_is_gone(f, id);
        write_text_file(f, "live/a", "");
}

static const struct {
        Damage damage;
        const char *says;
        bool harmless; /* the newest whole one is the same */
} damages[] = {
        { no_key, "is not whole (privkey.pem)", false },
        { no_chain, "is not whole (fullchain.pem)", false },
        { empty_fullchain, "is not whole (fullchain.pem)", false },
        { half_fullchain, "is not whole (fullchain.pem)", false },
        { cut_key, "is not whole (privkey.pem)", false },
        { cut_cert, "is not whole (fullchain.pem)", false },
        { others_key, "is not whole (privkey.pem)", false },
        { key_is_link, "is not whole (privkey.pem)", false },
        { directory_is_gone, "is not whole (its directory)", false },
        { link_is_gone, "live/a is missing", true },
        { link_is_elsewhere, "live/a is not a link to a generation", true },
        { link_is_file, "live/a is not a link to a generation", true },
};

static void assert_falls_back(Store *s, const char *id, const char *says)
{
        StoreGeneration g = { 0 };
        char *warning = NULL;

        assert_int_equal(store_generation_load(s, "a", &g, &warning), 0);
        assert_string_equal(g.id, id);
        assert_true(renew_chain_matches_key(g.chain, g.key));
        assert_non_null(warning);
        if (!strstr(warning, says) || !strstr(warning, id))
                fail_msg("'%s' and %s are not in '%s'", says, id, warning);
        free(warning);
        store_generation_done(&g);
}

static void test_damaged(void **state)
{
        Fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(damages); i++) {
                _cleanup_free_ char *old = issue(f, "a", NOW), *new = issue(f, "a", NOW + DAY);
                const char *takes = damages[i].harmless ? new : old;
                Store *reader = open_reader(f);

                damages[i].damage(f, new);
                /* a reader looks, the writer mends, and then all is well */
                assert_falls_back(reader, takes, damages[i].says);
                assert_falls_back(f->store, takes, damages[i].says);
                assert_in_force(f->store, "a", takes);
                assert_in_force(reader, "a", takes);
                store_close(reader);
                assert_int_equal(directory_remove_at(f->scratch.fd, "certificates/a"), 0);
                assert_int_equal(unlinkat(f->scratch.fd, "live/a", 0), 0);
        }
}

/* With nothing whole left it says so, and removes nothing: a human may save something of it. */
static void test_all_damaged(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *old = issue(f, "a", NOW), *new = issue(f, "a", NOW + DAY);
        StoreGeneration g = { 0 };
        char *warning = NULL;

        no_key(f, old);
        others_key(f, new);
        assert_int_equal(store_generation_load(f->store, "a", &g, &warning), -ENOENT);
        assert_non_null(warning);
        assert_non_null(strstr(warning, "there is no whole one"));
        free(warning);
        assert_int_equal(count(f, "certificates/a"), 2);
        assert_true(scratch_exists(f->scratch.fd, "live/a"));
}

/* meta.json is for people; the id says nearly the same. */
static void test_meta(void **state)
{
        static const char *const texts[] = { "", "{", "{\"version\":1}", "{\"version\":2}",
                "{\"version\":1,\"issued\":\"soon\"}", "{\"version\":1,\"issued\":0}" };
        Fixture *f = *state;
        _cleanup_free_ char *id = issue(f, "a", NOW), *path = generation_path(id, "meta.json");

        for (size_t i = 0; i <= ELEMENTSOF(texts); i++) {
                StoreGeneration g = { 0 };
                char *warning = NULL;

                if (i < ELEMENTSOF(texts))
                        write_text_file(f, path, texts[i]);
                else
                        assert_int_equal(unlinkat(f->scratch.fd, path, 0), 0);
                assert_int_equal(store_generation_load(f->store, "a", &g, &warning), 0);
                assert_null(warning);
                assert_true(g.issued_usec == NOW);
                store_generation_done(&g);
        }
}

static int load_as_nobody(const Fixture *f)
{
        StoreGeneration g = { 0 };
        char *warning = NULL;
        Store *s;
        int r;

        if (setgid(65534) < 0 || setuid(65534) < 0)
                return -errno;
        r = store_open_readonly(f->scratch.path, &s);
        if (r >= 0)
                r = store_generation_load(s, "a", &g, &warning);
        return warning ? 1 : r;
}

/* What we lack is no damage: nothing is switched over it. */
static void test_not_permitted(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *new = NULL, *key = NULL;

        if (geteuid() != 0) {
                print_message("SKIPPED: only root can become somebody who may not\n");
                skip();
        }
        free(issue(f, "a", NOW)); /* which would be whole */
        new = issue(f, "a", NOW + DAY);
        key = generation_path(new, "privkey.pem");
        assert_int_equal(fchmod(f->scratch.fd, 0711), 0);
        assert_int_equal(in_child(load_as_nobody, f), -EACCES);
        assert_true(scratch_exists(f->scratch.fd, key));
        assert_in_force(f->store, "a", new);
}

/* --- full disks ------------------------------------------------------------------------------- */

static void test_disk_full(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *old = NULL;
        RenewKey *key;
        RenewChain *chain = make_chain(f, &key);
        unsigned failed = 0;
        int r = -ENOSPC;

        if (!make_disk_small(f)) {
                renew_chain_free(chain);
                renew_key_unref(key);
                skip();
        }
        old = issue(f, "a", NOW);
        for (size_t pages = 0; r < 0; pages++) {
                _cleanup_free_ char *id = NULL;

                assert_true(pages < 50);
                fill_disk(f, pages);
                r = store_generation_write(f->store, "a", chain, key, NOW, &id);
                if (r >= 0)
                        r = store_generation_switch(f->store, "a", id);
                if (r < 0) {
                        assert_int_equal(r, -ENOSPC);
                        failed++;
                        assert_in_force(f->store, "a", old);
                        if (!id)
                                assert_int_equal(count(f, "certificates/a"), 1);
                } else
                        assert_in_force(f->store, "a", id);
                assert_no_leftovers(f->scratch.fd);
        }
        assert_true(failed >= 5);
        renew_chain_free(chain);
        renew_key_unref(key);
}

/* --- readers and histories -------------------------------------------------------------------- */

/* What a service does that opens the directory once: fullchain.pem and privkey.pem of one
 * generation. Return: whether both were there and belong to each other. */
static bool read_pair(const Fixture *f)
{
        _cleanup_close_ int fd = openat(
                        f->scratch.fd, "live/a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *full = NULL, *pem = NULL, *reason = NULL;
        RenewChain *chain = NULL;
        RenewKey *key = NULL;
        size_t full_size, size;
        bool good;

        good = fd >= 0 &&
               file_read_at(fd, "fullchain.pem", LIMIT_STATE_FILE, &full, &full_size) == 0 &&
               file_read_at(fd, "privkey.pem", LIMIT_STATE_FILE, &pem, &size) == 0 &&
               renew_chain_from_pem(full, full_size, &chain, &reason) == 0 &&
               renew_key_from_pem(pem, size, &key) == 0 && renew_chain_matches_key(chain, key);
        renew_chain_free(chain);
        renew_key_unref(key);
        return good;
}

typedef struct Shared {
        _Atomic unsigned switches;   /* by the writer */
        _Atomic unsigned began;      /* switches when the reader's look began, and one more */
        _Atomic unsigned reads, bad; /* by the reader */
        _Atomic bool end;
} Shared;

/* What the reader may find. */
typedef struct Pair {
        RenewChain *chain;
        RenewKey *key;
        char *pem; /* of the key */
} Pair;

#define N_PAIRS 4

static bool find_pair(const Fixture *f, const Pair *pairs)
{
        _cleanup_close_ int fd = openat(
                        f->scratch.fd, "live/a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *full = NULL, *pem = NULL;

        if (fd < 0 || file_read_at(fd, "fullchain.pem", LIMIT_STATE_FILE, &full, NULL) < 0 ||
                        file_read_at(fd, "privkey.pem", LIMIT_STATE_FILE, &pem, NULL) < 0)
                return false;
        for (size_t i = 0; i < N_PAIRS; i++)
                if (streq(full, renew_chain_full_pem(pairs[i].chain)))
                        return streq(pem, pairs[i].pem);
        return false;
}

static void read_all_the_time(const Fixture *f, const Pair *pairs, Shared *shared)
{
        while (!shared->end) {
                shared->began = shared->switches + 1;
                if (!find_pair(f, pairs))
                        shared->bad++;
                shared->reads++;
                (void) usleep(20); /* leaves room for the writer */
        }
}

/*
 * 2,000 switches under a reader's eyes. The store keeps two generations beside the one in force, so
 * the writer waits for a look that began more than that ago: no service needs months for one.
 */
static void test_reader(void **state)
{
        enum {
                SWITCHES = 2000,
        };
        Fixture *f = *state;
        Shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        Pair pairs[N_PAIRS];
        int status;
        pid_t pid = -1;

        assert_true(shared != MAP_FAILED);
        for (size_t i = 0; i < N_PAIRS; i++) {
                pairs[i].chain = make_chain(f, &pairs[i].key);
                assert_int_equal(renew_key_to_pem(pairs[i].key, &pairs[i].pem), 0);
        }
        for (unsigned i = 0; i <= SWITCHES; i++) {
                const Pair *p = &pairs[i % N_PAIRS];
                _cleanup_free_ char *id = NULL;

                assert_int_equal(store_generation_write(
                                                 f->store, "a", p->chain, p->key, NOW + i, &id),
                                0);
                while (i > 0 && shared->began < i) {
                        assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
                        (void) sched_yield();
                }
                assert_int_equal(store_generation_switch(f->store, "a", id), 0);
                if (i > 0) {
                        shared->switches++;
                        continue;
                }
                pid = fork();
                assert_true(pid >= 0);
                if (pid == 0) {
                        read_all_the_time(f, pairs, shared);
                        _exit(0);
                }
        }
        shared->end = true;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(shared->bad, 0);
        assert_true(shared->reads >= SWITCHES / 3);
        print_message("%u reads during %u switches\n", shared->reads, shared->switches);
        for (size_t i = 0; i < N_PAIRS; i++) {
                renew_chain_free(pairs[i].chain);
                renew_key_unref(pairs[i].key);
                renew_secret_free(pairs[i].pem);
        }
        (void) munmap(shared, sizeof(*shared));
}

/*
 * Random histories: issue, switch back and forth, reload, damage, restart, with a clock that jumps.
 * Once there is a live/a it is there for good, and what is loaded always fits together; it is never
 * one that was issued earlier than the one in force, unless it was switched to.
 */
static void test_histories(void **state)
{
        Fixture *f = *state;
        uint64_t seed = random_u64();

        print_message("seed %llu\n", (unsigned long long) seed);
        srandom((unsigned) seed);
        for (unsigned history = 0; history < 20; history++) {
                bool was_there = false;

                for (unsigned step = 0; step < 30; step++) {
                        _cleanup_strv_ char **ids = NULL;
                        _cleanup_close_ int fd = openat(f->scratch.fd, "certificates/a",
                                        O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                        StoreGeneration g = { 0 };
                        char *warning = NULL;
                        size_t n_ids;
                        int r;

                        if (fd >= 0)
                                assert_int_equal(generation_list(fd, &ids), 0);
                        n_ids = strv_length(ids);
                        assert_true(n_ids <= 3);
                        switch (random() % 8) {
                        case 0:
                        case 1:
                        case 2:
                                free(issue(f, "a", (uint64_t) random() * 1000000));
                                was_there = true;
                                break;
                        case 3:
                                if (n_ids > 0) {
                                        assert_int_equal(store_generation_switch(f->store, "a",
                                                                         ids[(size_t) random() %
                                                                                         n_ids]),
                                                        0);
                                        was_there = true;
                                }
                                break;
                        case 4: /* anything that can go wrong with the one in force */
                                if (n_ids > 1 && store_generation_load(f->store, "a", &g,
                                                                 &warning) == 0) {
                                        damages[(size_t) random() % ELEMENTSOF(damages)].damage(
                                                        f, g.id);
                                        store_generation_done(&g);
                                        was_there = true;
                                }
                                free(warning);
                                warning = NULL;
                                break;
                        case 5:
                                reopen(f);
                                break;
                        default:
                                break;
                        }
                        r = store_generation_load(f->store, "a", &g, &warning);
                        assert_true(r == 0 || r == -ENOENT);
                        if (r == 0) {
                                assert_true(renew_chain_matches_key(g.chain, g.key));
                                assert_true(read_pair(f));
                        }
                        free(warning);
                        store_generation_done(&g);
                        if (was_there)
                                assert_true(scratch_exists(f->scratch.fd, "live/a"));
                }
                assert_no_leftovers(f->scratch.fd);
                assert_int_equal(directory_remove_at(f->scratch.fd, "certificates/a"), 0);
                (void) unlinkat(f->scratch.fd, "live/a", 0);
        }
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_write_and_switch),
                T(test_mismatch),
                T(test_switch_to_nothing),
                T(test_three_are_kept),
                T(test_foreign),
                T(test_clock),
                T(test_end_of_time),
                T(test_damaged),
                T(test_all_damaged),
                T(test_meta),
                T(test_not_permitted),
                T(test_disk_full),
                T(test_reader),
                T(test_histories),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
