/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A socket that is made in a cgroup is of the unit that the cgroup is named after. */

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/text.h"
#include "net/socket-unit.h"

/* As systemd makes them for a service that has cgroups of its own. */
#define UNIT "test-renewd-socket.service"

static char *unit_path, *inner_path, *home_path;

static bool write_line(const char *directory, const char *line)
{
        _cleanup_free_ char *path = text_format("%s/cgroup.procs", directory);
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

        return fd >= 0 && write(fd, line, strlen(line)) > 0;
}

/* The cgroup that we are in: "0::/path". */
static char *own_cgroup(const char *top)
{
        FILE *f = fopen("/proc/self/cgroup", "re");
        char line[4096], *path = NULL;

        assert_non_null(f);
        while (!path && fgets(line, sizeof(line), f))
                if (has_prefix(line, "0::"))
                        path = text_format("%s%.*s", top, (int) strcspn(line + 3, "\n"), line + 3);
        (void) fclose(f);
        return path;
}

/* Where we may make no cgroup, for want of root for instance, there is nothing to try. */
static int enter(void **state)
{
        const char *top = access("/sys/fs/cgroup/unified", F_OK) == 0 ? "/sys/fs/cgroup/unified"
                                                                      : "/sys/fs/cgroup";

        home_path = own_cgroup(top);
        unit_path = text_format("%s/" UNIT, top);
        inner_path = text_format("%s/payload", unit_path);
        if (mkdir(unit_path, 0755) < 0 || mkdir(inner_path, 0755) < 0 ||
                        !write_line(inner_path, "0")) {
                (void) fprintf(stderr, "no cgroup can be made here: skipped\n");
                *state = unit_path;
        }
        return 0;
}

static int leave(void **state)
{
        (void) write_line(home_path, "0");
        (void) rmdir(inner_path);
        (void) rmdir(unit_path);
        free(home_path);
        free(unit_path);
        free(inner_path);
        return 0;
}

static unsigned long listening_socket(sa_family_t family, int *ret_fd)
{
        struct stat st;
        int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(listen(fd, 1), 0); /* on a port of the kernel's choice */
        assert_int_equal(fstat(fd, &st), 0);
        *ret_fd = fd;
        return st.st_ino;
}

static void test_unit(void **state)
{
        static const sa_family_t families[] = { AF_INET, AF_INET6 };

        if (*state)
                skip();
        for (size_t i = 0; i < ELEMENTSOF(families); i++) {
                _cleanup_close_ int fd = -EBADF;
                _cleanup_free_ char *unit = socket_unit(listening_socket(families[i], &fd));

                assert_non_null(unit);
                assert_string_equal(unit, UNIT);
        }
}

/* A number that is no socket's, and a socket that does not listen. */
static void test_nobody(void **state)
{
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct stat st;

        assert_int_equal(fstat(fd, &st), 0);
        assert_null(socket_unit(st.st_ino));
        assert_null(socket_unit(0));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unit),
                cmocka_unit_test(test_nobody),
        };

        return cmocka_run_group_tests(tests, enter, leave);
}
