/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 10,000 certificates, in one file and in a file each: a machine of a hosting company. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "config-util.h"

#define CA             "[CA letsencrypt]\nAgreeToTerms=yes\n"
#define N_CERTIFICATES 10000U

static void check_many(Fixture *f)
{
        assert_int_equal(fixture_load(f), 0);
        assert_int_equal(f->config->n_certificates, N_CERTIFICATES);
        for (unsigned i = 0; i < N_CERTIFICATES; i++) {
                char name[32];

                (void) snprintf(name, sizeof(name), "c%05u", i);
                assert_ptr_equal(config_find_certificate(f->config, name),
                                f->config->certificates[i]);
        }
}

static void test_one_file(void **state)
{
        Buffer b = BUFFER_INIT(4 * 1024 * 1024);
        Fixture f;

        fixture_open(&f);
        assert_int_equal(buffer_append_string(&b, CA), 0);
        for (unsigned i = 0; i < N_CERTIFICATES; i++)
                assert_int_equal(buffer_append_format(&b,
                                                 "[Certificate c%05u]\nNames=c%u.example "
                                                 "www.c%u.example\nReload=nginx.service\n",
                                                 i, i, i),
                                0);
        fixture_write(&f, "renewd.conf", b.data);
        check_many(&f);
        buffer_done(&b);
        fixture_close(&f);
}

static void test_a_file_each(void **state)
{
        Fixture f;

        fixture_open(&f);
        fixture_write(&f, "renewd.conf", CA);
        assert_int_equal(mkdirat(f.scratch.fd, "conf.d", 0755), 0);
        for (unsigned i = 0; i < N_CERTIFICATES; i++) {
                _cleanup_free_ char *path = text_format("%s/conf.d/%05u.conf", f.scratch.path, i);
                /* Not by base/file.h, which would sync each of them. */
                FILE *file = fopen(path, "we");

                assert_non_null(file);
                assert_true(fprintf(file, "[Certificate c%05u]\n", i) > 0);
                assert_int_equal(fclose(file), 0);
        }
        check_many(&f);
        fixture_close(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_file),
                cmocka_unit_test(test_a_file_each),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
