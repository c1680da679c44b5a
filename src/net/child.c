/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * child: one child process on the loop.
 *
 * posix_spawn(3) starts it in a session, and so a process group, of its own, with every signal at
 * its default and unblocked, stdin from /dev/null, stdout and stderr both into one pipe, and no
 * other descriptor. Its output becomes lines, cut and counted, so that a program gone wild fills no
 * journal; what is beyond the ceilings is read and thrown away, because a full pipe would stop the
 * child.
 *
 * Life: RUNNING, at the time limit TERMINATING (SIGTERM to the group), five seconds later KILLING
 * (SIGKILL). Whenever the child itself ends, the rest of its group is killed and the exit is
 * reported: a grandchild that keeps the pipe open delays nothing. libsystemd reaps the child only
 * after our callback, so that the number of the group cannot be anybody else's when we kill it.
 *
 * A child that is freed while it lives is killed, and reaped by the loop later: waiting for it here
 * could take as long as its disk hangs.
 */

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "net/child.h"

#define KILL_DELAY (5 * USEC_PER_SEC)

/* What is still in the pipe when the child is gone: its capacity is 64 kB unless somebody enlarged
 * it. */
#define DRAIN_SIZE ((size_t) 1024 * 1024)

typedef enum ChildState {
        CHILD_RUNNING,
        CHILD_TERMINATING, /* SIGTERM was sent */
        CHILD_KILLING,     /* SIGKILL was sent */
        CHILD_EXITED,
} ChildState;

struct Child {
        ChildState state;
        pid_t pid; /* also of the group */
        bool timed_out;
        ChildOutput output;
        ChildExit on_exit;
        void *userdata;

        sd_event_source *exit_source;
        sd_event_source *timer;

        /* output */
        sd_event_source *pipe_source;
        int pipe_fd;
        char line[LIMIT_CHILD_LINE];
        size_t line_size;
        bool line_cut;
        unsigned n_lines;
};

static void child_emit(Child *c, const char *s, size_t size)
{
        _cleanup_free_ char *escaped = NULL;

        if (c->n_lines > LIMIT_CHILD_LINES)
                return;
        if (c->n_lines++ == LIMIT_CHILD_LINES) {
                if (c->output)
                        c->output("(more output was left out)", c->userdata);
                return;
        }
        escaped = text_escape(s, size, LIMIT_CHILD_LINE);
        if (escaped && c->output)
                c->output(escaped, c->userdata);
}

static void child_end_line(Child *c)
{
        if (c->line_size > 0 && !c->line_cut && c->line[c->line_size - 1] == '\r')
                c->line_size--;
        if (c->line_cut)
                memcpy(c->line + LIMIT_CHILD_LINE - 3, "...", 3);
        child_emit(c, c->line, c->line_size);
        c->line_size = 0;
        c->line_cut = false;
}

static void child_take_output(Child *c, const char *data, size_t size)
{
        while (size > 0) {
                const char *end = memchr(data, '\n', size);
                size_t n = end ? (size_t) (end - data) : size;
                size_t room = sizeof(c->line) - c->line_size;

                memcpy(c->line + c->line_size, data, MIN(n, room));
                c->line_size += MIN(n, room);
                c->line_cut = c->line_cut || n > room;
                if (end) {
                        child_end_line(c);
                        n++;
                }
                data += n;
                size -= n;
        }
}

/* Reads once. Return: the number of bytes, 0 at the end, -EAGAIN when there is nothing now, -errno.
 */
static ssize_t child_read(Child *c)
{
        char data[4096];
        ssize_t n;

        do
                n = read(c->pipe_fd, data, sizeof(data));
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        child_take_output(c, data, (size_t) n);
        return n;
}

static void child_close_pipe(Child *c)
{
        c->pipe_source = sd_event_source_disable_unref(c->pipe_source);
        c->pipe_fd = close_fd(c->pipe_fd);
}

static int on_output(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Child *c = userdata;
        ssize_t n;

        n = child_read(c);
        if (n == 0 || (n < 0 && n != -EAGAIN))
                child_close_pipe(c);
        return 0;
}

static void child_drain(Child *c)
{
        size_t total = 0;
        ssize_t n;

        while (c->pipe_fd >= 0 && total < DRAIN_SIZE && (n = child_read(c)) > 0)
                total += (size_t) n;
        if (c->line_size > 0)
                child_end_line(c);
        child_close_pipe(c);
}

static int on_exit_status(sd_event_source *source, const siginfo_t *si, void *userdata)
{
        Child *c = userdata;

        if (!c) {
                /* Freed before it ended; this was its reaping, and the loop's last hold on the
                 * source. */
                (void) sd_event_source_set_floating(source, false);
                return 0;
        }
        c->state = CHILD_EXITED;
        (void) kill(-c->pid, SIGKILL);
        c->timer = sd_event_source_disable_unref(c->timer);
        child_drain(c);
        c->on_exit(si->si_code, si->si_status, c->timed_out, c->userdata); /* may free c */
        return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
        Child *c = userdata;

        switch (c->state) {
        case CHILD_RUNNING:
                c->timed_out = true;
                c->state = CHILD_TERMINATING;
                (void) kill(-c->pid, SIGTERM);
                (void) kill(-c->pid, SIGCONT); /* who is stopped could not obey */
                (void) sd_event_source_set_time_relative(source, KILL_DELAY);
                return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        case CHILD_TERMINATING:
                c->state = CHILD_KILLING;
                (void) kill(-c->pid, SIGKILL);
                return 0;
        case CHILD_KILLING:
        case CHILD_EXITED:
                return 0;
        }
        assert_not_reached();
}

static void actions_done(posix_spawn_file_actions_t *a)
{
        (void) posix_spawn_file_actions_destroy(a);
}

static void attributes_done(posix_spawnattr_t *a)
{
        (void) posix_spawnattr_destroy(a);
}

/* Return: 0 or -errno. */
static int prepare_attributes(posix_spawnattr_t *a)
{
        sigset_t all, none;
        int r;

        (void) sigfillset(&all);
        (void) sigemptyset(&none);
        r = posix_spawnattr_setflags(
                        a, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
        if (r == 0)
                r = posix_spawnattr_setsigdefault(a, &all);
        if (r == 0)
                r = posix_spawnattr_setsigmask(a, &none);
        return -r;
}

/* Return: 0 or -errno. */
static int prepare_files(posix_spawn_file_actions_t *a, int output_fd, const char *directory)
{
        int r;

        r = posix_spawn_file_actions_addopen(a, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(a, output_fd, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(a, output_fd, STDERR_FILENO);
        /* Ours are all O_CLOEXEC, but who knows what we ourselves were started with. */
        if (r == 0)
                r = posix_spawn_file_actions_addclosefrom_np(a, STDERR_FILENO + 1);
        if (r == 0)
                r = posix_spawn_file_actions_addchdir_np(a, directory ? directory : "/");
        return -r;
}

/* Return: 0 or -errno; posix_spawn() also reports why exec failed in the child. */
static int spawn(const ChildOptions *options, int output_fd, pid_t *ret)
{
        static char *const no_environment[] = { NULL };
        _cleanup_(actions_done) posix_spawn_file_actions_t actions;
        _cleanup_(attributes_done) posix_spawnattr_t attributes;
        int r;

        /* Neither can fail in glibc; what they prepare must be initialised for the cleanup. */
        (void) posix_spawn_file_actions_init(&actions);
        (void) posix_spawnattr_init(&attributes);
        r = prepare_attributes(&attributes);
        if (r < 0)
                return r;
        r = prepare_files(&actions, output_fd, options->directory);
        if (r < 0)
                return r;
        return -posix_spawn(ret, options->argv[0], &actions, &attributes, options->argv,
                        options->environment ? options->environment : no_environment);
}

/* A pipe above the three descriptors that the child's file actions write over. */
static int open_pipe(int ret_fds[static 2])
{
        int fds[2], r = 0;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        for (size_t i = 0; i < 2; i++) {
                ret_fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
                if (ret_fds[i] < 0 && r == 0)
                        r = -errno;
                (void) close_fd(fds[i]);
        }
        /* Only our end: the child's may be anybody's stdout, and not everybody copes with EAGAIN.
         */
        if (r == 0 && fcntl(ret_fds[0], F_SETFL, O_NONBLOCK) < 0)
                r = -errno;
        return r;
}

/* Watches what was spawned. Return: 0 or -errno. */
static int child_watch(Child *c, sd_event *event, uint64_t timeout_usec)
{
        int r;

        r = sd_event_add_child(event, &c->exit_source, c->pid, WEXITED, on_exit_status, c);
        if (r < 0)
                return r;
        r = sd_event_add_io(event, &c->pipe_source, c->pipe_fd, EPOLLIN, on_output, c);
        if (r < 0)
                return r;
        if (timeout_usec != USEC_INFINITY) {
                r = sd_event_add_time_relative(
                                event, &c->timer, CLOCK_BOOTTIME, timeout_usec, 0, on_timeout, c);
                if (r < 0)
                        return r;
                (void) sd_event_source_set_description(c->timer, "child-timeout");
        }
        (void) sd_event_source_set_description(c->exit_source, "child-exit");
        (void) sd_event_source_set_description(c->pipe_source, "child-output");
        return 0;
}

int child_spawn(sd_event *event, const ChildOptions *options, ChildOutput output, ChildExit on_exit,
                void *userdata, Child **ret)
{
        _cleanup_(child_freep) Child *c = calloc(1, sizeof(*c));
        int fds[2] = { -EBADF, -EBADF };
        sigset_t chld;
        int r;

        if (!c)
                return -ENOMEM;
        c->state = CHILD_EXITED; /* until there is one */
        c->pipe_fd = -EBADF;
        c->output = output;
        c->on_exit = on_exit;
        c->userdata = userdata;
        r = open_pipe(fds);
        c->pipe_fd = fds[0];
        if (r >= 0)
                r = spawn(options, fds[1], &c->pid);
        (void) close_fd(fds[1]);
        if (r < 0)
                return r;
        c->state = CHILD_RUNNING;
        /* libsystemd insists on it, even where it has a pidfd. */
        (void) sigemptyset(&chld);
        (void) sigaddset(&chld, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &chld, NULL) < 0)
                return -errno;
        r = child_watch(c, event, options->timeout_usec);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

/* Leaves a killed child to the loop, which reaps it. */
static void child_orphan(Child *c)
{
        if (!c->exit_source) {
                (void) waitpid(c->pid, NULL, 0); /* it could not even be watched */
                return;
        }
        (void) sd_event_source_set_userdata(c->exit_source, NULL);
        if (sd_event_source_set_floating(c->exit_source, true) < 0)
                return;
        c->exit_source = sd_event_source_unref(c->exit_source);
}

Child *child_free(Child *c)
{
        if (!c)
                return NULL;
        if (c->state != CHILD_EXITED) {
                (void) kill(-c->pid, SIGKILL);
                child_orphan(c);
        }
        sd_event_source_disable_unref(c->exit_source);
        sd_event_source_disable_unref(c->timer);
        child_close_pipe(c);
        free(c);
        return NULL;
}
