/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directory of a web server: tokens become files of their name there, and nothing becomes a
 * file anywhere else. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sys/wait.h>

#include "base/limits.h"
#include "base/strv.h"
#include "challenge/webroot.h"
#include "scratch.h"

#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"

typedef struct Fixture {
        Scratch scratch;
        ChallengeSolver *solver;
} Fixture;

static int setup(void **state)
{
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        scratch_open(&f->scratch);
        assert_int_equal(webroot_new(f->scratch.path, &f->solver), 0);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        Fixture *f = *state;

        challenge_solver_free(f->solver);
        scratch_close(&f->scratch);
        free(f);
        return 0;
}

static RenewChallenge challenge(const char *token)
{
        return (RenewChallenge){
                .type = "http-01",
                .token = token,
                .key_authorization = TOKEN ".thumbprint",
        };
}

static void assert_presents(ChallengeSolver *s, const char *token)
{
        RenewChallenge c = challenge(token);
        char *reason = NULL;

        if (challenge_present(s, &c, &reason) < 0)
                fail_msg("%s", reason);
        assert_null(reason);
}

/* Fails with a sentence that has both parts. */
static void assert_explains(
                ChallengeSolver *s, const char *token, int expected, const char *a, const char *b)
{
        RenewChallenge c = challenge(token);
        char *reason = NULL;

        assert_int_equal(challenge_present(s, &c, &reason), expected);
        assert_non_null(reason);
        if (!strstr(reason, a) || !strstr(reason, b))
                fail_msg("'%s' and '%s' are not in '%s'", a, b, reason);
        free(reason);
}

static void assert_answer(const Fixture *f, const char *token)
{
        _cleanup_free_ char *data = NULL;
        size_t size;

        assert_int_equal(file_read_at(f->scratch.fd, token, 1024, &data, &size), 0);
        assert_string_equal(data, TOKEN ".thumbprint");
        assert_int_equal(scratch_mode(f->scratch.fd, token), 0644);
}

static size_t count(const Fixture *f)
{
        _cleanup_strv_ char **names = NULL;

        assert_int_equal(directory_list(f->scratch.fd, &names), 0);
        return strv_length(names);
}

static void test_life(void **state)
{
        static const mode_t masks[] = { 0, 022, 077, 0777 };
        Fixture *f = *state;
        RenewChallenge c = challenge(TOKEN);

        assert_string_equal(f->solver->vtable->name, "webroot");
        for (size_t i = 0; i < ELEMENTSOF(masks); i++) {
                mode_t before = umask(masks[i]);

                assert_presents(f->solver, TOKEN);
                (void) umask(before);
                assert_answer(f, TOKEN);
                assert_presents(f->solver, TOKEN); /* twice is fine */
                assert_answer(f, TOKEN);
                assert_int_equal(count(f), 1);
                challenge_retract(f->solver, &c);
                assert_int_equal(count(f), 0);
                challenge_retract(f->solver, &c);
        }
}

/* After a crash only the token is known, and perhaps it was only half written. */
static void test_after_a_crash(void **state)
{
        Fixture *f = *state;
        RenewChallenge c = challenge(TOKEN);

        assert_presents(f->solver, TOKEN);
        assert_int_equal(file_create_at(f->scratch.fd, "." TOKEN ".tmp", "x", 1, 0600), 0);
        c.key_authorization = NULL;
        challenge_retract(f->solver, &c);
        assert_int_equal(count(f), 0);
}

static void test_tokens(void **state)
{
        static const char *const bad[] = { "", ".", "..", "../a", "a/b", "/etc/a", "a b", "a.b",
                "a\n", "a%2e", "é", "a\\b", "a=", "a+b", "~", "*" };
        Fixture *f = *state;
        char longest[LIMIT_TOKEN + 2];

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                RenewChallenge c = challenge(bad[i]);

                assert_explains(f->solver, bad[i], -EINVAL, "token", "RFC 8555");
                challenge_retract(f->solver, &c);
        }
        assert_int_equal(count(f), 0);
        memset(longest, 'a', sizeof(longest) - 1);
        longest[LIMIT_TOKEN + 1] = '\0';
        assert_explains(f->solver, longest, -EINVAL, "token", "RFC 8555");
        longest[LIMIT_TOKEN] = '\0';
        assert_presents(f->solver, longest);
        assert_answer(f, longest);
        assert_presents(f->solver, "-rf");
        assert_answer(f, "-rf");
        assert_int_equal(count(f), 2);
}

/* What stands in the directory under the token's name is replaced, wherever it points to. */
static void test_links(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *data = NULL;
        RenewChallenge c = challenge(TOKEN);
        size_t size;

        assert_int_equal(file_write_at(f->scratch.fd, "victim", "mine", 4, 0600), 0);
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(symlinkat("victim", f->scratch.fd,
                                                 i == 0 ? TOKEN : "." TOKEN ".tmp"),
                                0);
                assert_presents(f->solver, TOKEN);
                assert_answer(f, TOKEN);
                challenge_retract(f->solver, &c);
        }
        /* retracted, it is the link that goes */
        assert_int_equal(symlinkat("victim", f->scratch.fd, TOKEN), 0);
        challenge_retract(f->solver, &c);
        assert_int_equal(file_read_at(f->scratch.fd, "victim", 10, &data, &size), 0);
        assert_string_equal(data, "mine");
        assert_int_equal(count(f), 1);
        assert_int_equal(scratch_mode(f->scratch.fd, "victim"), 0600);
        /* a directory cannot be replaced */
        assert_int_equal(mkdirat(f->scratch.fd, TOKEN, 0755), 0);
        assert_explains(f->solver, TOKEN, -EISDIR, "cannot write to Webroot=", "directory");
}

static void assert_explains_directory(
                const char *directory, int expected, const char *a, const char *b)
{
        ChallengeSolver *s;
        RenewChallenge c = challenge(TOKEN);

        assert_int_equal(webroot_new(directory, &s), 0);
        assert_explains(s, TOKEN, expected, a, b);
        challenge_retract(s, &c); /* nothing to be done, and nothing to fail */
        challenge_solver_free(s);
}

static void test_directory(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *missing = text_format("%s/missing", f->scratch.path);
        _cleanup_free_ char *file = text_format("%s/file", f->scratch.path);
        _cleanup_free_ char *create = text_format("install -d -o renewd -m 0711 %s", missing);

        assert_explains_directory(missing, -ENOENT, "does not exist", create);
        assert_int_equal(file_write_at(f->scratch.fd, "file", "", 0, 0600), 0);
        assert_explains_directory(file, -ENOTDIR, file, "is not a directory");
        /* it may come later */
        assert_int_equal(directory_make_at(AT_FDCWD, missing, 0711), 0);
        challenge_solver_free(f->solver);
        assert_int_equal(webroot_new(missing, &f->solver), 0);
        assert_presents(f->solver, TOKEN);
        assert_int_equal(directory_remove_at(AT_FDCWD, missing), 0);
        assert_explains(f->solver, TOKEN, -ENOENT, "does not exist", create);
}

static void test_not_permitted(void **state)
{
        Fixture *f = *state;
        int status;
        pid_t pid;

        if (geteuid() != 0) {
                print_message("SKIPPED: only root can become somebody who may not\n");
                skip();
        }
        assert_int_equal(fchmod(f->scratch.fd, 0755), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                RenewChallenge c = challenge(TOKEN);
                char *reason = NULL;

                if (setgid(65534) < 0 || setuid(65534) < 0)
                        _exit(9);
                if (challenge_present(f->solver, &c, &reason) != -EACCES || !reason)
                        _exit(8);
                _exit(strstr(reason, "chown renewd") ? 0 : 7);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static void test_full_and_read_only(void **state)
{
        Fixture *f = *state;
        static char filler[32 * 1024];

        if (!scratch_may_mount())
                skip();
        scratch_mount(&f->scratch, sizeof(filler), 0);
        assert_int_equal(file_write_at(f->scratch.fd, "filler", filler, sizeof(filler), 0600), 0);
        assert_explains(f->solver, TOKEN, -ENOSPC, "no space left", "make room");
        assert_int_equal(count(f), 1);
        assert_int_equal(file_remove_at(f->scratch.fd, "filler"), 0);
        assert_presents(f->solver, TOKEN);
        scratch_mount(&f->scratch, sizeof(filler), MS_RDONLY);
        assert_explains(f->solver, TOKEN, -EROFS, "is read-only for renewd",
                        "ReadWritePaths=/tmp/");
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_life),
                T(test_after_a_crash),
                T(test_tokens),
                T(test_links),
                T(test_directory),
                T(test_not_permitted),
                T(test_full_and_read_only),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
