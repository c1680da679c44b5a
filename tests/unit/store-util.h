/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A state directory of its own for each test, and certificates to put into it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "base/strv.h"
#include "base/timestamp.h"
#include "scratch.h"
#include "store/store.h"
#include "x509-util.h"

/* 2026-11-24 */
#define NOW (UINT64_C(1795478400) * USEC_PER_SEC)

typedef struct Fixture {
        Scratch scratch;
        Store *store;
        X509 ca;
} Fixture;

/* In memory where that is permitted: on a busy disk each of the many fsync(2) takes its time. */
static inline int setup(void **state)
{
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        scratch_open(&f->scratch);
        if (geteuid() == 0 && scratch_may_mount())
                scratch_mount(&f->scratch, (size_t) 16 * 1024 * 1024, 0);
        assert_int_equal(store_open(f->scratch.path, &f->store), 0);
        x509_new(&f->ca, &(X509Options){ .is_ca = true });
        *state = f;
        return 0;
}

static inline int teardown(void **state)
{
        Fixture *f = *state;

        store_close(f->store);
        x509_done(&f->ca);
        scratch_close(&f->scratch);
        free(f);
        return 0;
}

static inline void reopen(Fixture *f)
{
        f->store = store_close(f->store);
        assert_int_equal(store_open(f->scratch.path, &f->store), 0);
}

/* A second look at the same directory. */
static inline Store *open_reader(const Fixture *f)
{
        Store *s;

        assert_int_equal(store_open_readonly(f->scratch.path, &s), 0);
        return s;
}

static inline void write_file(const Fixture *f, const char *path, const void *data, size_t size)
{
        assert_int_equal(file_write_at(f->scratch.fd, path, data, size, 0600), 0);
}

static inline void write_text_file(const Fixture *f, const char *path, const char *text)
{
        write_file(f, path, text, strlen(text));
}

/* The caller frees it. */
static inline char *read_file(const Fixture *f, const char *path, size_t *ret_size)
{
        char *data;

        assert_int_equal(file_read_at(f->scratch.fd, path, LIMIT_STATE_FILE, &data, ret_size), 0);
        return data;
}

static inline char **list(const Fixture *f, const char *path)
{
        _cleanup_close_ int fd = openat(f->scratch.fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char **names = NULL;

        assert_true(fd >= 0);
        assert_int_equal(directory_list(fd, &names), 0);
        return names;
}

static inline size_t count(const Fixture *f, const char *path)
{
        _cleanup_strv_ char **names = list(f, path);

        return strv_length(names);
}

/* Nothing below the directory but what has a plain name: no temporary file was left. */
static inline void assert_no_leftovers(int dir_fd)
{
        _cleanup_strv_ char **names = NULL;

        assert_int_equal(directory_list(dir_fd, &names), 0);
        STRV_FOREACH (name, names) {
                _cleanup_close_ int fd = openat(
                                dir_fd, *name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

                if (!text_is_plain_name(*name))
                        fail_msg("%s was left behind", *name);
                if (fd >= 0)
                        assert_no_leftovers(fd);
        }
}

/* A leaf of its own with its issuer, and its key. */
static inline RenewChain *make_chain(const Fixture *f, RenewKey **ret_key)
{
        _cleanup_free_ char *leaf = NULL, *issuer = NULL, *pem = NULL, *reason = NULL;
        RenewChain *chain = NULL;
        X509 x;

        x509_new(&x, &(X509Options){ .issuer = &f->ca, .dns = "a.example" });
        leaf = x509_pem(&x);
        issuer = x509_pem(&f->ca);
        pem = text_format("%s%s", leaf, issuer);
        assert_non_null(pem);
        assert_int_equal(renew_chain_from_pem(pem, strlen(pem), &chain, &reason), 0);
        *ret_key = renew_key_ref(x.key);
        x509_done(&x);
        return chain;
}

/* A new generation, not switched to. The caller frees the id. */
static inline char *write_generation(Fixture *f, const char *certificate, uint64_t now)
{
        RenewKey *key;
        RenewChain *chain = make_chain(f, &key);
        char *id = NULL;

        assert_int_equal(store_generation_write(f->store, certificate, chain, key, now, &id), 0);
        renew_chain_free(chain);
        renew_key_unref(key);
        return id;
}

static inline char *issue(Fixture *f, const char *certificate, uint64_t now)
{
        char *id = write_generation(f, certificate, now);

        assert_int_equal(store_generation_switch(f->store, certificate, id), 0);
        return id;
}

/* What the store says is in force; the caller frees the id. Fails when there is a warning. */
static inline char *in_force(Store *s, const char *certificate)
{
        StoreGeneration g = { 0 };
        char *warning = NULL, *id;

        assert_int_equal(store_generation_load(s, certificate, &g, &warning), 0);
        if (warning)
                fail_msg("%s", warning);
        assert_true(renew_chain_matches_key(g.chain, g.key));
        id = TAKE_PTR(g.id);
        store_generation_done(&g);
        return id;
}

/* Fills the scratch file system but for so many pages; what filled it before is gone. */
static inline void fill_disk(const Fixture *f, size_t free_pages)
{
        static const char page[4096];
        _cleanup_close_ int fd = openat(
                        f->scratch.fd, "filler", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        off_t size = 0;

        assert_true(fd >= 0);
        while (write(fd, page, sizeof(page)) == sizeof(page))
                size += (off_t) sizeof(page);
        assert_int_equal(errno, ENOSPC);
        assert_true(size >= (off_t) (free_pages * sizeof(page)));
        assert_int_equal(ftruncate(fd, size - (off_t) (free_pages * sizeof(page))), 0);
}

/* The store's file system becomes a small one. Return: false when that is not permitted. */
static inline bool make_disk_small(Fixture *f)
{
        if (!scratch_may_mount())
                return false;
        f->store = store_close(f->store);
        scratch_mount(&f->scratch, 256 * 1024, 0);
        assert_int_equal(store_open(f->scratch.path, &f->store), 0);
        return true;
}

/*
 * A child that runs the function. Return: what that returned. By a pipe and not as the exit status,
 * for which valgrind has its own when the child, which cleans up nothing, has lost something.
 */
static inline int in_child(int (*run)(const Fixture *f), const Fixture *f)
{
        int fds[2], result = -1;
        pid_t pid;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                result = run(f);
                _exit(write(fds[1], &result, sizeof(result)) != sizeof(result));
        }
        (void) close_fd(fds[1]);
        assert_int_equal(read(fds[0], &result, sizeof(result)), sizeof(result));
        (void) close_fd(fds[0]);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        return result;
}
