/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life cycle's table is the one that src/README.md shows. argv[1]: that file. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <fcntl.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "base/file.h"
#include "engine/certificate.h"

static const char *readme;

static void test_map(void **state)
{
        Buffer b = BUFFER_INIT(8192);
        _cleanup_free_ char *text = NULL;
        size_t size;

        for (unsigned from = 0; from < CERTIFICATE_N_STATES; from++) {
                assert_int_equal(buffer_append_format(&b, "%s ->",
                                                 certificate_state_to_string(
                                                                 (CertificateState) from)),
                                0);
                for (unsigned to = 0; to < CERTIFICATE_N_STATES; to++)
                        if (certificate_state_may_follow(
                                            (CertificateState) from, (CertificateState) to))
                                assert_int_equal(
                                                buffer_append_format(&b, " %s",
                                                                certificate_state_to_string(
                                                                                (CertificateState)
                                                                                                to)),
                                                0);
                assert_int_equal(buffer_append_string(&b, "\n"), 0);
        }
        assert_int_equal(file_read_at(AT_FDCWD, readme, 1 << 20, &text, &size), 0);
        if (!strstr(text, b.data))
                fail_msg("%s does not show these edges:\n%s", readme, b.data);
        buffer_done(&b);
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_map) };

        if (argc != 2)
                return 2;
        readme = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
