/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * helper: starts renewd-deploy as systemd would, with its socket as the first inherited descriptor.
 *
 * The child has to end with us. PR_SET_PDEATHSIG would not do it: the kernel asks whether the dying
 * process may signal its child, and renewd, no longer root by then, may not. So the child inherits
 * the reading end of a pipe whose writing end is nowhere but here: it ends when the pipe does.
 *
 * That exec failed is learnt the same way, from a second pipe that a successful exec closes.
 */

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#include "base/strv.h"
#include "base/text.h"
#include "deploy/helper.h"
#include "net/listen.h"

#define RENEWD_USER "renewd"

/* LISTEN_PID is known only after fork(2), when memory should not be asked for: room for it. */
#define LISTEN_PID_ROOM "LISTEN_PID=0000000000000000"

extern char **environ;

/* What the child is born with. */
typedef struct Birth {
        int fds[2];    /* socket, parent; become 3 and 4 */
        int report_fd; /* takes the errno of a failed exec */
        char *const *argv;
        char **environment; /* LISTEN_PID is the last */
} Birth;

/* systemd's words to us are not for the child. */
static bool is_inherited(const char *variable)
{
        static const char *const ours[] = { "LISTEN_", "NOTIFY_SOCKET=", "WATCHDOG_", "MAINPID=" };

        for (size_t i = 0; i < ELEMENTSOF(ours); i++)
                if (has_prefix(variable, ours[i]))
                        return false;
        return true;
}

/* Return: 0 or -ENOMEM. */
static int birth_set_environment(Birth *b)
{
        int r = 0;

        STRV_FOREACH (v, environ)
                if (r >= 0 && is_inherited(*v))
                        r = strv_add(&b->environment, *v);
        if (r >= 0)
                r = strv_add(&b->environment, "LISTEN_FDS=2");
        if (r >= 0)
                r = strv_add(&b->environment,
                                "LISTEN_FDNAMES=" DEPLOY_FD_SOCKET ":" DEPLOY_FD_PARENT);
        if (r >= 0)
                r = strv_add(&b->environment, LISTEN_PID_ROOM);
        return r;
}

/* Moves a descriptor above those that are given their numbers. */
static int move_up(int fd, int cloexec_command)
{
        int moved = fcntl(fd, cloexec_command, SD_LISTEN_FDS_START + 2);

        return moved < 0 ? -errno : moved;
}

/* In the child. Only returns when it failed: with -errno. */
static int birth_exec(Birth *b, const char *program)
{
        size_t last = strv_length(b->environment) - 1;
        sigset_t none;
        int report, fds[2];

        report = move_up(b->report_fd, F_DUPFD_CLOEXEC);
        fds[0] = move_up(b->fds[0], F_DUPFD);
        fds[1] = move_up(b->fds[1], F_DUPFD);
        if (report < 0 || fds[0] < 0 || fds[1] < 0)
                return -EMFILE;
        b->report_fd = report;
        for (int i = 0; i < 2; i++)
                if (dup2(fds[i], SD_LISTEN_FDS_START + i) < 0)
                        return -errno;
        /* All others go, those that we were started with too; the report at exec. */
        if (close_range(SD_LISTEN_FDS_START + 2, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
                return -errno;
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        (void) snprintf(b->environment[last], sizeof(LISTEN_PID_ROOM), "LISTEN_PID=%d",
                        (int) getpid());
        (void) execve(program, b->argv, b->environment);
        return -errno;
}

/* Return: the child's pid, or -errno of fork or exec. */
static pid_t birth_fork(Birth *b, const char *program)
{
        _cleanup_close_ int report = -EBADF;
        int pipe_fds[2], error = 0;
        ssize_t n;
        pid_t pid;

        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -errno;
        report = pipe_fds[0];
        b->report_fd = pipe_fds[1];
        pid = fork();
        if (pid == 0) {
                error = birth_exec(b, program);
                (void) !write(b->report_fd, &error, sizeof(error));
                _exit(127);
        }
        if (pid < 0)
                error = -errno;
        b->report_fd = close_fd(b->report_fd);
        if (pid < 0)
                return error;
        do
                n = read(report, &error, sizeof(error));
        while (n < 0 && errno == EINTR);
        if (n == 0)
                return pid;
        (void) waitpid(pid, NULL, 0);
        return n == (ssize_t) sizeof(error) ? error : -EIO;
}

/* Our socket for user renewd, whom we become later. Return: a descriptor or -errno. */
static int helper_listen(const char *socket)
{
        _cleanup_close_ int fd = listen_unix(socket, 0660);
        const struct passwd *user = fd >= 0 && geteuid() == 0 ? getpwnam(RENEWD_USER) : NULL;

        if (fd < 0)
                return fd;
        if (user && lchown(socket, 0, user->pw_gid) < 0)
                return -errno;
        return TAKE_FD(fd);
}

pid_t deploy_helper_start(const char *program, const char *config, const char *socket)
{
        _cleanup_close_ int listen_fd = -EBADF, parent_fd = -EBADF, our_fd = -EBADF;
        _cleanup_strv_ char **environment = NULL, **argv = NULL;
        Birth b = {};
        int pipe_fds[2], r;
        pid_t pid;

        listen_fd = helper_listen(socket);
        if (listen_fd < 0)
                return listen_fd;
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -errno;
        parent_fd = pipe_fds[0];
        our_fd = pipe_fds[1];
        r = birth_set_environment(&b);
        environment = b.environment;
        if (r >= 0)
                r = strv_add(&argv, program);
        if (r >= 0)
                r = strv_add(&argv, "--config");
        if (r >= 0)
                r = strv_add(&argv, config);
        if (r < 0)
                return r;
        b.argv = argv;
        b.fds[0] = listen_fd;
        b.fds[1] = parent_fd;
        pid = birth_fork(&b, program);
        if (pid < 0)
                (void) unlink(socket);
        else
                TAKE_FD(our_fd); /* stays open until we end: that is its whole purpose */
        return pid;
}
