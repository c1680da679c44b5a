/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Child processes: exactly what was asked for is run, is heard, ends in time with all its children,
 * and leaves nothing. */

#include "net-util.h"

#include <dirent.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "base/strv.h"
#include "base/text.h"
#include "net/child.h"

typedef struct Fixture {
        sd_event *event;
        Child *child;
        char **lines;
        unsigned n_exits;
        int code, status;
        bool timed_out;
        bool free_within;
} Fixture;

static char *literal(const char *s)
{
        return (char *) (uintptr_t) s;
}

static void on_line(const char *line, void *userdata)
{
        Fixture *f = userdata;

        assert_int_equal(f->n_exits, 0); /* nothing is heard of the dead */
        assert_int_equal(strv_add(&f->lines, line), 0);
}

static void on_exit_of(int code, int status, bool timed_out, void *userdata)
{
        Fixture *f = userdata;

        f->n_exits++;
        f->code = code;
        f->status = status;
        f->timed_out = timed_out;
        if (f->free_within)
                f->child = child_free(f->child);
}

static int setup(void **state)
{
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        assert_int_equal(sd_event_new(&f->event), 0);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        Fixture *f = *state;

        child_free(f->child);
        strv_free(f->lines);
        sd_event_unref(f->event);
        free(f);
        return 0;
}

static int spawn(Fixture *f, char *const *argv, const ChildOptions *o)
{
        ChildOptions options = *o;

        f->child = child_free(f->child);
        f->lines = strv_free(f->lines);
        f->n_exits = 0;
        options.argv = argv;
        if (options.timeout_usec == 0)
                options.timeout_usec = USEC_INFINITY;
        return child_spawn(f->event, &options, on_line, on_exit_of, f, &f->child);
}

static void run(Fixture *f, char *const *argv, const ChildOptions *o)
{
        assert_int_equal(spawn(f, argv, o), 0);
        loop_until(f->event, f->n_exits > 0);
}

/* A shell is what the tests talk to children with; the code under test knows none. */
static void run_shell(Fixture *f, const char *script, const ChildOptions *o)
{
        char *argv[] = { literal("/bin/sh"), literal("-c"), literal(script), NULL };

        run(f, argv, o);
}

static void assert_lines(const Fixture *f, const char *expected)
{
        _cleanup_free_ char *joined = f->lines ? strv_join(f->lines, "|") : strdup("");

        assert_string_equal(joined, expected);
}

static void assert_exited(const Fixture *f, int status)
{
        assert_int_equal(f->n_exits, 1);
        assert_int_equal(f->code, CLD_EXITED);
        assert_int_equal(f->status, status);
        assert_false(f->timed_out);
}

/* No child of ours is left, alive or dead. */
static void assert_no_children(Fixture *f)
{
        uint64_t end = clock_monotonic_usec() + PATIENCE;
        siginfo_t si;

        while (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) >= 0) {
                assert_true(clock_monotonic_usec() < end);
                loop_turn(f->event);
        }
        assert_int_equal(errno, ECHILD);
}

static size_t count_descriptors(void)
{
        DIR *d = opendir("/proc/self/fd");
        size_t n = 0;

        assert_non_null(d);
        while (readdir(d))
                n++;
        (void) closedir(d);
        return n;
}

/* --- what is run ------------------------------------------------------------------------------ */

static void test_arguments(void **state)
{
        char *argv[] = { literal("/usr/bin/printf"), literal("<%s>\\n"), literal("$HOME;`id`"),
                literal("a b"), literal(""), literal("*"), literal("\"'\\"), NULL };
        Fixture *f = *state;

        run(f, argv, &(ChildOptions){ 0 });
        assert_exited(f, 0);
        assert_lines(f, "<$HOME;`id`>|<a b>|<>|<*>|<\"'\\>");
}

static void test_status(void **state)
{
        Fixture *f = *state;

        run_shell(f, "exit 0", &(ChildOptions){ 0 });
        assert_exited(f, 0);
        run_shell(f, "exit 255", &(ChildOptions){ 0 });
        assert_exited(f, 255);
        run_shell(f, "kill -USR1 $$", &(ChildOptions){ 0 });
        assert_int_equal(f->code, CLD_KILLED);
        assert_int_equal(f->status, SIGUSR1);
        assert_false(f->timed_out);
}

/* Whether posix_spawn(3) tells why exec failed: under valgrind it cannot. */
static bool spawn_reports(void)
{
        char *argv[] = { literal("/nowhere/to/be/found"), NULL };
        pid_t pid;

        if (posix_spawn(&pid, argv[0], NULL, NULL, argv, argv + 1) != 0)
                return true;
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        print_message("SKIPPED: posix_spawn() reports no failure here (valgrind)\n");
        return false;
}

static void test_cannot_run(void **state)
{
        static const struct {
                const char *path;
                int error;
        } cases[] = {
                { "/nowhere/to/be/found", -ENOENT }, { "/etc/passwd", -EACCES },
                { "/etc", -EACCES }, { "/etc/passwd/below", -ENOTDIR },
                { "true", -ENOENT }, /* no search in PATH */
        };
        Fixture *f = *state;
        size_t before = count_descriptors();

        if (!spawn_reports())
                skip();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char *argv[] = { literal(cases[i].path), NULL };

                assert_int_equal(spawn(f, argv, &(ChildOptions){ 0 }), cases[i].error);
                assert_null(f->child);
        }
        assert_int_equal(spawn(f, (char *[]){ literal("/bin/true"), NULL },
                                         &(ChildOptions){ .directory = "/nowhere" }),
                        -ENOENT);
        assert_no_children(f);
        assert_int_equal(count_descriptors(), before);
}

static void test_environment(void **state)
{
        char *environment[] = { literal("A=b c"), literal("EMPTY="), NULL };
        char *env[] = { literal("/usr/bin/env"), NULL };
        Fixture *f = *state;

        assert_int_equal(setenv("RENEWD_TEST_SECRET", "x", 1), 0);
        run(f, env, &(ChildOptions){ .environment = environment });
        assert_lines(f, "A=b c|EMPTY=");
        run(f, env, &(ChildOptions){ 0 });
        assert_lines(f, "");
        run_shell(f, "pwd", &(ChildOptions){ 0 });
        assert_lines(f, "/");
        run_shell(f, "pwd", &(ChildOptions){ .directory = "/usr" });
        assert_lines(f, "/usr");
}

/* Nothing of ours but the three: not even what somebody forgot to mark. */
static void test_descriptors(void **state)
{
        Fixture *f = *state;
        int leaked = open("/dev/null", O_RDONLY), high = fcntl(leaked, F_DUPFD, 200);
        char *ls[] = { literal("/bin/ls"), literal("/proc/self/fd"), NULL };

        assert_true(leaked >= 0 && high >= 200);
        run(f, ls, &(ChildOptions){ 0 });
        assert_lines(f, "0|1|2|3"); /* 3 is ls's own, of the directory */
        run_shell(f, "readlink /proc/self/fd/0; test /proc/self/fd/1 -ef /proc/self/fd/2; echo $?",
                        &(ChildOptions){ 0 });
        assert_lines(f, "/dev/null|0");
        (void) close_fd(leaked);
        (void) close_fd(high);
}

/* A daemon's blocked and ignored signals are not its children's. */
static void test_signals(void **state)
{
        Fixture *f = *state;
        sigset_t all, before;
        char *grep[] = { literal("/bin/grep"), literal("-E"), literal("Sig(Blk|Ign)"),
                literal("/proc/self/status"), NULL };

        (void) sigfillset(&all);
        assert_int_equal(sigprocmask(SIG_SETMASK, &all, &before), 0);
        (void) signal(SIGHUP, SIG_IGN);
        (void) signal(SIGPIPE, SIG_IGN);
        run(f, grep, &(ChildOptions){ 0 });
        (void) signal(SIGHUP, SIG_DFL);
        (void) signal(SIGPIPE, SIG_DFL);
        assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
        assert_int_equal(strv_length(f->lines), 2);
        /* but for 32 and 33, which are glibc's own */
        for (size_t i = 0; i < 2; i++)
                assert_int_equal(strtoull(f->lines[i] + strlen("SigBlk:\\x09"), NULL, 16) &
                                                 0x7fffffff,
                                0);
}

/* A session of its own: no terminal of ours, and a group that can be ended as a whole. */
static void test_session(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *ours = text_format("%d", (int) getsid(0));

        run_shell(f, "set -- $(cat /proc/self/stat); shift 4; echo $1 $2; echo $$",
                        &(ChildOptions){ 0 });
        assert_int_equal(strv_length(f->lines), 2);
        /* process group and session are those of the shell */
        {
                _cleanup_free_ char *expected = text_format("%s %s", f->lines[1], f->lines[1]);

                assert_string_equal(f->lines[0], expected);
        }
        assert_string_not_equal(f->lines[1], ours);
}

/* --- what is heard ---------------------------------------------------------------------------- */

static void test_output(void **state)
{
        Fixture *f = *state;

        run_shell(f, "echo one; echo two >&2; printf 'a\\r\\n\\nno end'", &(ChildOptions){ 0 });
        assert_lines(f, "one|two|a||no end");
        run_shell(f, "printf '\\033[31m\\377 caf\\303\\251\\000x\\n'", &(ChildOptions){ 0 });
        assert_lines(f, "\\x1b[31m\\xff café\\x00x");
        run_shell(f, ":", &(ChildOptions){ 0 });
        assert_lines(f, "");
}

static void test_long_lines(void **state)
{
        Fixture *f = *state;

        run_shell(f,
                        "head -c 1024 /dev/zero | tr '\\0' x; echo; head -c 100000 /dev/zero | tr "
                        "'\\0' y; echo; echo after",
                        &(ChildOptions){ 0 });
        assert_int_equal(strv_length(f->lines), 3);
        assert_int_equal(strlen(f->lines[0]), LIMIT_CHILD_LINE);
        assert_int_equal(strspn(f->lines[0], "x"), LIMIT_CHILD_LINE);
        assert_int_equal(strlen(f->lines[1]), LIMIT_CHILD_LINE);
        assert_int_equal(strspn(f->lines[1], "y"), LIMIT_CHILD_LINE - 3);
        assert_string_equal(f->lines[1] + LIMIT_CHILD_LINE - 3, "...");
        assert_string_equal(f->lines[2], "after");
}

/* A program gone wild is read to its end and not listened to. */
static void test_many_lines(void **state)
{
        Fixture *f = *state;

        run_shell(f, "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done; exit 3",
                        &(ChildOptions){ 0 });
        assert_exited(f, 3);
        assert_int_equal(strv_length(f->lines), LIMIT_CHILD_LINES + 1);
        assert_string_equal(f->lines[LIMIT_CHILD_LINES - 1], "999");
        assert_string_equal(f->lines[LIMIT_CHILD_LINES], "(more output was left out)");
        /* two megabytes that never end a line */
        run_shell(f, "head -c 2000000 /dev/zero; exit 4", &(ChildOptions){ 0 });
        assert_exited(f, 4);
        assert_int_equal(strv_length(f->lines), 1);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* A zombie is not: whoever has to, will bury it. */
static bool is_alive(const char *pid)
{
        _cleanup_free_ char *path = text_format("/proc/%s/stat", pid);
        FILE *file = fopen(path, "re");
        char letter = 'Z';

        if (!file)
                return false;
        if (fscanf(file, "%*d (%*[^)]) %c", &letter) != 1)
                letter = 'Z';
        (void) fclose(file);
        return letter != 'Z';
}

/* Grandchildren, which are not ours to wait for, end too. */
static void assert_ends(Fixture *f, const char *pid)
{
        _cleanup_free_ char *copy = strdup(pid);

        loop_until(f->event, !is_alive(copy));
}

static void test_time_limit(void **state)
{
        Fixture *f = *state;
        const ChildOptions limited = { .timeout_usec = 200 * USEC_PER_MSEC };

        run_shell(f, "sleep 1000 & echo $!; wait", &limited);
        assert_true(f->timed_out);
        assert_int_equal(f->code, CLD_KILLED);
        assert_int_equal(f->status, SIGTERM);
        assert_ends(f, f->lines[0]);
        /* one that says good-bye */
        run_shell(f, "trap 'echo bye; exit 7' TERM; sleep 1000 & wait", &limited);
        assert_true(f->timed_out);
        assert_int_equal(f->code, CLD_EXITED);
        assert_int_equal(f->status, 7);
        assert_lines(f, "bye");
        /* one that is stopped */
        run_shell(f, "kill -STOP $$", &limited);
        assert_true(f->timed_out);
        assert_int_equal(f->status, SIGTERM);
        /* one that is in time */
        run_shell(f, "exit 0", &(ChildOptions){ .timeout_usec = PATIENCE * 2 });
        assert_exited(f, 0);
}

/* Who does not obey is killed five seconds later. */
static void test_disobedient(void **state)
{
        Fixture *f = *state;

        run_shell(f, "trap '' TERM; sleep 1000 & echo $!; while :; do wait; sleep 0.1; done",
                        &(ChildOptions){ .timeout_usec = 200 * USEC_PER_MSEC });
        assert_true(f->timed_out);
        assert_int_equal(f->code, CLD_KILLED);
        assert_int_equal(f->status, SIGKILL);
        assert_ends(f, f->lines[0]);
}

/* A grandchild that keeps the pipe open delays nothing, and outlives nobody. */
static void test_left_behind(void **state)
{
        Fixture *f = *state;

        run_shell(f, "sleep 1000 & echo $!", &(ChildOptions){ 0 });
        assert_exited(f, 0);
        assert_ends(f, f->lines[0]);
}

static void test_freed(void **state)
{
        Fixture *f = *state;
        char *argv[] = { literal("/bin/sh"), literal("-c"),
                literal("sleep 1000 & echo $!; echo $$; wait"), NULL };
        size_t before = count_descriptors();
        char **pids;

        /* while it runs: the whole group is gone, nobody is told */
        assert_int_equal(spawn(f, argv, &(ChildOptions){ 0 }), 0);
        loop_until(f->event, strv_length(f->lines) == 2);
        f->child = child_free(f->child);
        pids = TAKE_PTR(f->lines);
        assert_ends(f, pids[0]);
        assert_ends(f, pids[1]);
        strv_free(pids);
        assert_int_equal(f->n_exits, 0);
        assert_no_children(f);
        /* at once, and from within */
        for (unsigned i = 0; i < 20; i++) {
                assert_int_equal(spawn(f, argv, &(ChildOptions){ 0 }), 0);
                f->child = child_free(f->child);
        }
        assert_no_children(f);
        f->free_within = true;
        run_shell(f, "echo x", &(ChildOptions){ 0 });
        assert_null(f->child);
        assert_no_children(f);
        assert_int_equal(count_descriptors(), before);
        assert_null(child_free(NULL));
}

static void test_many(void **state)
{
        Fixture *f = *state;
        size_t before;

        run_shell(f, "exit 0", &(ChildOptions){ 0 });
        f->child = child_free(f->child);
        before = count_descriptors();
        for (unsigned i = 0; i < 200; i++) {
                run(f, (char *[]){ literal("/bin/true"), NULL }, &(ChildOptions){ 0 });
                assert_exited(f, 0);
        }
        f->child = child_free(f->child);
        assert_no_children(f);
        assert_int_equal(count_descriptors(), before);
}

static void test_no_descriptors(void **state)
{
        Fixture *f = *state;
        struct rlimit old, few;
        size_t before = count_descriptors();
        int last = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

        (void) close_fd(last);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
        for (rlim_t more = 0; more < 3; more++) {
                few = (struct rlimit){ (rlim_t) last + more, old.rlim_max };
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
                assert_int_equal(spawn(f, (char *[]){ literal("/bin/true"), NULL },
                                                 &(ChildOptions){ 0 }),
                                -EMFILE);
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
                assert_int_equal(count_descriptors(), before);
        }
        assert_no_children(f);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_arguments),
                T(test_status),
                T(test_cannot_run),
                T(test_environment),
                T(test_descriptors),
                T(test_signals),
                T(test_session),
                T(test_output),
                T(test_long_lines),
                T(test_many_lines),
                T(test_time_limit),
                T(test_disobedient),
                T(test_left_behind),
                T(test_freed),
                T(test_many),
                T(test_no_descriptors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
