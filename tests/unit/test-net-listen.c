/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listening sockets, and who has them. */

#include "net-util.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/text.h"
#include "net/listen.h"
#include "scratch.h"

static Scratch scratch;

static int setup(void **state)
{
        scratch_open(&scratch);
        return 0;
}

static int teardown(void **state)
{
        scratch_close(&scratch);
        return 0;
}

/* --- TCP -------------------------------------------------------------------------------------- */

static void test_tcp(void **state)
{
        static const char *const hosts[] = { "127.0.0.1", "0.0.0.0", "::1", "::" };

        for (size_t i = 0; i < ELEMENTSOF(hosts); i++) {
                _cleanup_close_ int fd = listen_tcp(hosts[i], 0), peer = -EBADF, accepted = -EBADF;

                assert_true(fd >= 0);
                assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
                assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
                peer = connect_to(strchr(hosts[i], ':') ? "::1" : "127.0.0.1", port_of(fd));
                accepted = accept(fd, NULL, NULL);
                assert_true(accepted >= 0);
        }
}

static void test_not_numeric(void **state)
{
        static const char *const hosts[] = { "", "localhost", "127.1", "127.0.0.1:80", "[::1]", "*",
                "300.0.0.1", "::1%lo" };

        for (size_t i = 0; i < ELEMENTSOF(hosts); i++)
                assert_int_equal(listen_tcp(hosts[i], 0), -EINVAL);
        assert_int_equal(listen_tcp("127.0.0.1", 65536), -EINVAL);
}

static void test_taken(void **state)
{
        _cleanup_close_ int fd = listen_tcp("127.0.0.1", 0), other = -EBADF;

        assert_true(fd >= 0);
        assert_int_equal(listen_tcp("127.0.0.1", port_of(fd)), -EADDRINUSE);
        assert_int_equal(listen_tcp("0.0.0.0", port_of(fd)), -EADDRINUSE);
        other = listen_tcp("127.0.0.2", port_of(fd));
        assert_true(other >= 0);
}

/* [::] leaves IPv4 to a socket of its own. */
static void test_v6only(void **state)
{
        _cleanup_close_ int six = listen_tcp("::", 0), four = -EBADF, peer = -EBADF, a = -EBADF;

        assert_true(six >= 0);
        four = listen_tcp("0.0.0.0", port_of(six));
        assert_true(four >= 0);
        peer = connect_to("127.0.0.1", port_of(six));
        a = accept(six, NULL, NULL);
        assert_int_equal(a, -1);
        a = accept(four, NULL, NULL);
        assert_true(a >= 0);
}

/* Connections of a server that ended do not keep its successor out. */
static void test_time_wait(void **state)
{
        for (unsigned i = 0, port = 0; i < 3; i++) {
                _cleanup_close_ int fd = listen_tcp("127.0.0.1", port), peer = -EBADF;
                int accepted;

                assert_true(fd >= 0);
                port = port_of(fd);
                peer = connect_to("127.0.0.1", port);
                accepted = accept(fd, NULL, NULL);
                assert_true(accepted >= 0);
                (void) close_fd(accepted); /* the server's side ends first, and waits */
        }
}

/* --- Unix sockets ----------------------------------------------------------------------------- */

static char *socket_path(void)
{
        char *path = text_format("%s/socket", scratch.path);

        assert_non_null(path);
        return path;
}

static void test_unix(void **state)
{
        static const mode_t modes[] = { 0600, 0660, 0666 }, masks[] = { 0, 022, 077, 0777 };
        _cleanup_free_ char *path = socket_path();

        for (size_t i = 0; i < ELEMENTSOF(modes); i++)
                for (size_t n = 0; n < ELEMENTSOF(masks); n++) {
                        mode_t before = umask(masks[n]), after;
                        _cleanup_close_ int fd = listen_unix(path, modes[i]), peer = -EBADF;

                        after = umask(before);
                        assert_int_equal(after, masks[n]);
                        assert_true(fd >= 0);
                        assert_int_equal(scratch_mode(scratch.fd, "socket"), modes[i]);
                        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
                        assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
                        peer = connect_to_path(path);
                        /* and the next one finds it stale */
                }
}

static void test_unix_living(void **state)
{
        _cleanup_free_ char *path = socket_path();
        _cleanup_close_ int fd = listen_unix(path, 0600), peer = -EBADF, accepted = -EBADF;

        assert_true(fd >= 0);
        assert_int_equal(listen_unix(path, 0600), -EADDRINUSE);
        /* nobody was thrown out, and the one who asked is gone */
        peer = connect_to_path(path);
        assert_true((accepted = accept(fd, NULL, NULL)) >= 0);
        /* a full queue is a sign of life, too */
        assert_int_equal(listen(fd, 0), 0);
        for (unsigned i = 0; i < 10; i++) {
                struct sockaddr_un un = { .sun_family = AF_UNIX };
                int busy = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

                assert_true(busy >= 0);
                memcpy(un.sun_path, path, strlen(path));
                (void) connect(busy, (struct sockaddr *) &un, sizeof(un));
                assert_int_equal(listen_unix(path, 0600), -EADDRINUSE);
                (void) close_fd(busy);
        }
        assert_true(scratch_exists(scratch.fd, "socket"));
}

/* Only a socket is replaced. */
static void test_unix_in_the_way(void **state)
{
        _cleanup_free_ char *path = socket_path(), *target = NULL;
        char longest[200];
        _cleanup_close_ int fd = -EBADF;

        assert_int_equal(file_write_at(scratch.fd, "socket", "mine", 4, 0600), 0);
        assert_int_equal(listen_unix(path, 0600), -EEXIST);
        assert_int_equal(file_remove_at(scratch.fd, "socket"), 0);
        assert_int_equal(mkdirat(scratch.fd, "socket", 0700), 0);
        assert_int_equal(listen_unix(path, 0600), -EEXIST);
        assert_int_equal(unlinkat(scratch.fd, "socket", AT_REMOVEDIR), 0);
        /* a link to a stale socket is not that socket */
        target = text_format("%s/target", scratch.path);
        fd = listen_unix(target, 0600);
        assert_true(fd >= 0);
        fd = close_fd(fd);
        assert_int_equal(symlinkat("target", scratch.fd, "socket"), 0);
        assert_int_equal(listen_unix(path, 0600), -EEXIST);
        assert_true(scratch_exists(scratch.fd, "target"));

        memset(longest, 'a', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        assert_int_equal(listen_unix(longest, 0600), -ENAMETOOLONG);
        assert_int_equal(listen_unix("/nowhere/to/be/found", 0600), -ENOENT);
}

/* --- holders ---------------------------------------------------------------------------------- */

/* A child of the given name that listens; the caller ends it by closing the pipe. */
typedef struct Holder {
        pid_t pid;
        int pipe_fd;
        unsigned port;
} Holder;

static Holder holder_start(const char *name, const char *host, bool dual)
{
        Holder h;
        int fds[2], fd = listen_tcp(host, 0);
        char byte;

        if (dual) {
                struct sockaddr_in6 any = { .sin6_family = AF_INET6 };

                (void) close_fd(fd);
                fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
                assert_return_code(bind(fd, (struct sockaddr *) &any, sizeof(any)), errno);
                assert_return_code(listen(fd, 1), errno);
        }
        assert_true(fd >= 0);
        h.port = port_of(fd);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        h.pid = fork();
        assert_true(h.pid >= 0);
        if (h.pid == 0) {
                (void) close_fd(fds[0]);
                (void) prctl(PR_SET_NAME, name);
                if (write(fds[1], "", 1) == 1)
                        (void) !read(fds[1], &byte, 1);
                _exit(0);
        }
        (void) close_fd(fds[1]);
        (void) close_fd(fd);
        h.pipe_fd = fds[0];
        assert_int_equal(read(h.pipe_fd, &byte, 1), 1);
        return h;
}

static void holder_end(Holder *h)
{
        int status;

        (void) close_fd(h->pipe_fd);
        assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
}

static void assert_holder(const char *host, unsigned port, const char *name, pid_t pid)
{
        _cleanup_free_ char *got = listen_holder(host, port);
        _cleanup_free_ char *expected = name ? text_format("%s (pid %d)", name, (int) pid)
                                             : strdup("another program");

        assert_string_equal(got, expected);
}

static void test_holder(void **state)
{
        static const struct {
                const char *held;
                bool dual;
                const char *asked[6], *free[4];
        } cases[] = {
                { "127.0.0.1", false, { "127.0.0.1", "0.0.0.0" }, { "127.0.0.2", "::1", "::" } },
                { "0.0.0.0", false, { "127.0.0.1", "127.0.0.2", "0.0.0.0" }, { "::1", "::" } },
                { "::1", false, { "::1", "::" }, { "127.0.0.1", "0.0.0.0" } },
                { "::", true, { "::1", "::", "127.0.0.1", "0.0.0.0" }, { NULL } },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Holder h = holder_start("web server", cases[i].held, cases[i].dual);

                for (size_t n = 0; n < ELEMENTSOF(cases[i].asked) && cases[i].asked[n]; n++) {
                        assert_int_equal(listen_tcp(cases[i].asked[n], h.port), -EADDRINUSE);
                        assert_holder(cases[i].asked[n], h.port, "web server", h.pid);
                }
                for (size_t n = 0; n < ELEMENTSOF(cases[i].free) && cases[i].free[n]; n++)
                        assert_holder(cases[i].free[n], h.port, NULL, 0);
                holder_end(&h);
                /* it may have gone meanwhile */
                assert_holder(cases[i].held, h.port, NULL, 0);
        }
        assert_holder("nonsense", 80, NULL, 0);
        assert_holder("127.0.0.1", 99999, NULL, 0);
}

/* A process can call itself anything. */
static void test_holder_of_a_bad_name(void **state)
{
        Holder h = holder_start("\x1b[2J\n\xff", "127.0.0.1", false);

        assert_holder("127.0.0.1", h.port, "\\x1b[2J\\x0a\\xff", h.pid);
        holder_end(&h);
}

/* A connection to the port, or one from it, is not what holds it. */
static void test_holder_is_the_listener(void **state)
{
        Holder h = holder_start("listener", "127.0.0.1", false);
        int peer = connect_to("127.0.0.1", h.port);

        assert_holder("127.0.0.1", h.port, "listener", h.pid);
        (void) close_fd(peer);
        holder_end(&h);
}

/* As a service with ProcSubset=pid sees it: no /proc/net. */
static void test_holder_with_little_proc(void **state)
{
        Holder h;

        if (!scratch_may_mount())
                skip();
        h = holder_start("web server", "127.0.0.1", false);
        if (mount("proc", "/proc", "proc", 0, "subset=pid") < 0) {
                print_message("SKIPPED: no second /proc here: %s\n", strerror(errno));
                holder_end(&h);
                skip();
        }
        assert_false(scratch_exists(AT_FDCWD, "/proc/net"));
        assert_holder("127.0.0.1", h.port, "web server", h.pid);
        assert_return_code(umount2("/proc", MNT_DETACH), errno);
        holder_end(&h);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tcp),
                cmocka_unit_test(test_not_numeric),
                cmocka_unit_test(test_taken),
                cmocka_unit_test(test_v6only),
                cmocka_unit_test(test_time_wait),
                T(test_unix),
                T(test_unix_living),
                T(test_unix_in_the_way),
                cmocka_unit_test(test_holder),
                cmocka_unit_test(test_holder_of_a_bad_name),
                cmocka_unit_test(test_holder_is_the_listener),
                cmocka_unit_test(test_holder_with_little_proc),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
