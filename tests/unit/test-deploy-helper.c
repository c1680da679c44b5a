/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The start of renewd-deploy as a child. The test is its own renewd-deploy: executed with --config
 * FILE it writes into FILE what it was born with, and that it learnt of its parent's end.
 */

#include "net-util.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#include "base/strv.h"
#include "base/text.h"
#include "deploy/helper.h"
#include "net/listen.h"
#include "scratch.h"

typedef struct Fixture {
        Scratch scratch;
        sd_event *event;
        char *socket;
        char *report;
        char *program;
} Fixture;

/* --- the child -------------------------------------------------------------------------------- */

static void report(FILE *f, const char *name, bool well)
{
        (void) fprintf(f, "%s: %s\n", name, well ? "well" : "WRONG");
        (void) fflush(f);
}

static bool has_only_fds(int max, int own)
{
        for (int fd = 0; fd < 1000; fd++)
                if (fd > max && fd != own && fcntl(fd, F_GETFD) >= 0)
                        return false;
        return true;
}

static int be_renewd_deploy(const char *path)
{
        FILE *f = fopen(path, "we");
        char **names = NULL;
        struct pollfd p = { .fd = SD_LISTEN_FDS_START + 1, .events = POLLIN };
        sigset_t mask;

        if (!f)
                return EXIT_FAILURE;
        report(f, "fds", sd_listen_fds_with_names(0, &names) == 2);
        report(f, "names",
                        names && streq(names[0], DEPLOY_FD_SOCKET) &&
                                        streq(names[1], DEPLOY_FD_PARENT));
        report(f, "socket", sd_is_socket(SD_LISTEN_FDS_START, AF_UNIX, SOCK_STREAM, 1) > 0);
        report(f, "others", has_only_fds(SD_LISTEN_FDS_START + 1, fileno(f)));
        (void) sigprocmask(SIG_BLOCK, NULL, &mask);
        report(f, "mask", sigisemptyset(&mask) == 1);
        report(f, "notify", !getenv("NOTIFY_SOCKET") && !getenv("WATCHDOG_USEC"));
        report(f, "environment", streq_ptr(getenv("RENEWD_TEST"), "kept"));
        report(f, "parent", poll(&p, 1, 0) == 0);
        (void) fprintf(f, "born\n");
        (void) fflush(f);
        (void) poll(&p, 1, 30000);
        (void) fprintf(f, "ended: %d\n", (p.revents & POLLHUP) != 0);
        (void) fclose(f);
        strv_free(names);
        return EXIT_SUCCESS;
}

/* --- tests ------------------------------------------------------------------------------------ */

static int setup(void **state)
{
        Fixture *f = calloc(1, sizeof(*f));
        char self[4096];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

        assert_non_null(f);
        assert_true(n > 0);
        self[n] = '\0';
        f->program = strdup(self);
        scratch_open(&f->scratch);
        f->socket = text_format("%s/deploy.sock", f->scratch.path);
        f->report = text_format("%s/report", f->scratch.path);
        assert_int_equal(sd_event_new(&f->event), 0);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        Fixture *f = *state;

        sd_event_unref(f->event);
        free(f->socket);
        free(f->report);
        free(f->program);
        scratch_close(&f->scratch);
        free(f);
        return 0;
}

static bool report_has(Fixture *f, const char *line)
{
        _cleanup_free_ char *text = NULL;
        size_t size;

        if (file_read_at(f->scratch.fd, "report", 10000, &text, &size) < 0)
                return false;
        if (strstr(text, "WRONG"))
                fail_msg("%s", text);
        return strstr(text, line) != NULL;
}

/* A renewd that starts its helper, gives up root where it is root, and waits for its end. */
static pid_t start_renewd(Fixture *f, pid_t *ret_helper)
{
        int fds[2];
        sigset_t set;
        pid_t pid;

        assert_return_code(pipe(fds), errno); /* inheritable: the helper must not get it */
        pid = fork();
        if (pid == 0) {
                pid_t helper;

                (void) setenv("NOTIFY_SOCKET", "/nowhere", 1);
                (void) setenv("WATCHDOG_USEC", "1", 1);
                (void) setenv("RENEWD_TEST", "kept", 1);
                (void) sigemptyset(&set);
                (void) sigaddset(&set, SIGTERM);
                (void) sigprocmask(SIG_BLOCK, &set, NULL);
                helper = deploy_helper_start(f->program, f->report, f->socket);
                (void) !write(fds[1], &helper, sizeof(helper));
                if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
                        _exit(1);
                (void) pause();
                _exit(0);
        }
        (void) close(fds[1]);
        assert_int_equal(read(fds[0], ret_helper, sizeof(*ret_helper)), sizeof(*ret_helper));
        (void) close(fds[0]);
        return pid;
}

static void test_lives_and_ends_with_us(void **state)
{
        _cleanup_close_ int fd = -EBADF;
        Fixture *f = *state;
        pid_t helper, renewd = start_renewd(f, &helper);

        assert_true(helper > 0);
        loop_until(f->event, report_has(f, "born\n"));
        assert_int_equal(scratch_mode(f->scratch.fd, "deploy.sock"), 0660);
        fd = connect_to_path(f->socket);
        /* However renewd ends; as one that may no longer signal its child. */
        assert_return_code(kill(renewd, SIGKILL), errno);
        assert_int_equal(waitpid(renewd, NULL, 0), renewd);
        loop_until(f->event, report_has(f, "ended: 1\n"));
}

static void test_there_already(void **state)
{
        Fixture *f = *state;
        int fd = listen_unix(f->socket, 0600);

        assert_true(fd >= 0);
        assert_int_equal(deploy_helper_start(f->program, f->report, f->socket), -EADDRINUSE);
        (void) close(fd);
        assert_true(scratch_exists(f->scratch.fd, "deploy.sock"));
}

static void test_not_executable(void **state)
{
        Fixture *f = *state;

        assert_int_equal(deploy_helper_start("/nowhere/renewd-deploy", f->report, f->socket),
                        -ENOENT);
        assert_false(scratch_exists(f->scratch.fd, "deploy.sock"));
        assert_int_equal(file_create_at(f->scratch.fd, "plain", "x", 1, 0644), 0);
        free(f->program);
        f->program = text_format("%s/plain", f->scratch.path);
        assert_int_equal(deploy_helper_start(f->program, f->report, f->socket), -EACCES);
        assert_false(scratch_exists(f->scratch.fd, "report"));
        /* Nobody is left to wait for. */
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_lives_and_ends_with_us, setup, teardown),
                cmocka_unit_test_setup_teardown(test_there_already, setup, teardown),
                cmocka_unit_test_setup_teardown(test_not_executable, setup, teardown),
        };

        if (argc == 3 && streq(argv[1], "--config"))
                return be_renewd_deploy(argv[2]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
