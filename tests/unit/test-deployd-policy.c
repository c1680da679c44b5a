/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose configuration renewd-deploy obeys. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "deployd/policy.h"
#include "scratch.h"

#define GOOD "[CA letsencrypt]\nAgreeToTerms=yes\n[Certificate a.test]\nRun=/bin/true\n"

typedef struct Fixture {
        Scratch scratch;
        char *path;
} Fixture;

static int setup(void **state)
{
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        scratch_open(&f->scratch);
        f->path = text_format("%s/renewd.conf", f->scratch.path);
        assert_int_equal(file_create_at(f->scratch.fd, "renewd.conf", GOOD, strlen(GOOD), 0644), 0);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        Fixture *f = *state;

        scratch_close(&f->scratch);
        free(f->path);
        free(f);
        return 0;
}

static void expect_good(Fixture *f)
{
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_free_ char *reason = NULL;

        assert_int_equal(policy_load(f->path, &config, &reason), 0);
        assert_null(reason);
        assert_non_null(config_find_certificate(config, "a.test"));
}

static void expect_bad(Fixture *f, int error, const char *part)
{
        _cleanup_free_ char *reason = NULL;
        Config *config = NULL;

        assert_int_equal(policy_load(f->path, &config, &reason), error);
        assert_null(config);
        assert_non_null(reason);
        if (!strstr(reason, part))
                fail_msg("'%s' is not in '%s'", part, reason);
}

static void set_mode(Fixture *f, const char *path, mode_t mode)
{
        assert_int_equal(fchmodat(f->scratch.fd, path, mode, 0), 0);
}

static void test_modes(void **state)
{
        Fixture *f = *state;

        expect_good(f);
        set_mode(f, "renewd.conf", 0600);
        expect_good(f);
        set_mode(f, "renewd.conf", 0646);
        expect_bad(f, -EPERM, "renewd.conf may be written by others");
        set_mode(f, "renewd.conf", 0664); /* our own group is us */
        expect_good(f);
        set_mode(f, ".", 0777);
        expect_bad(f, -EPERM, "may be written by others");
        set_mode(f, ".", 01777); /* as /tmp */
        expect_good(f);
}

static void test_owners(void **state)
{
        Fixture *f = *state;

        if (geteuid() != 0) {
                print_message("SKIPPED: files of others need root\n");
                return;
        }
        assert_int_equal(fchownat(f->scratch.fd, "renewd.conf", 65534, 0, 0), 0);
        expect_bad(f, -EPERM, "renewd.conf may be written by others");
        assert_int_equal(fchownat(f->scratch.fd, "renewd.conf", 0, 65534, 0), 0);
        set_mode(f, "renewd.conf", 0640); /* readable by renewd's group: as it is installed */
        expect_good(f);
        set_mode(f, "renewd.conf", 0660);
        expect_bad(f, -EPERM, "renewd.conf may be written by others");
        set_mode(f, "renewd.conf", 0640);
        assert_int_equal(fchownat(f->scratch.fd, ".", 65534, 0, 0), 0);
        expect_bad(f, -EPERM, f->scratch.path);
}

/* Each file counts, not only the first. */
static void test_conf_d(void **state)
{
        static const char text[] = "[Certificate b.test]\nRun=/bin/true\n";
        Fixture *f = *state;

        assert_int_equal(mkdirat(f->scratch.fd, "conf.d", 0755), 0);
        assert_int_equal(file_create_at(f->scratch.fd, "conf.d/b.conf", text, strlen(text), 0644),
                        0);
        expect_good(f);
        set_mode(f, "conf.d/b.conf", 0666);
        expect_bad(f, -EPERM, "conf.d/b.conf may be written by others");
        set_mode(f, "conf.d/b.conf", 0644);
        set_mode(f, "conf.d", 0777);
        expect_bad(f, -EPERM, "conf.d may be written by others");
}

static void test_problems(void **state)
{
        static const char broken[] = "[Certificate a.test]\nNmaes=x\nRun=/bin/true\n";
        static const char worse[] = "[Certificate a.test]\nNmaes=x\nRum=/bin/true\nRlaod=x\n";
        Fixture *f = *state;

        assert_int_equal(file_write_at(f->scratch.fd, "renewd.conf", broken, strlen(broken), 0644),
                        0);
        expect_bad(f, -EINVAL, "renewd.conf:2: ");
        assert_int_equal(
                        file_write_at(f->scratch.fd, "renewd.conf", worse, strlen(worse), 0644), 0);
        expect_bad(f, -EINVAL, "more problem");
        assert_int_equal(unlinkat(f->scratch.fd, "renewd.conf", 0), 0);
        expect_bad(f, -EINVAL, "renewd.conf");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_modes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_owners, setup, teardown),
                cmocka_unit_test_setup_teardown(test_conf_d, setup, teardown),
                cmocka_unit_test_setup_teardown(test_problems, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
