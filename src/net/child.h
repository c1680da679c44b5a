/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "base/macros.h"

/*
 * A child process on the loop: argv without a shell, an environment of its own, its own process group,
 * a time limit after which the whole group is ended, output read line by line with a ceiling.
 */
typedef struct Child Child;

typedef struct ChildOptions {
        char *const *argv;        /* argv[0] absolute */
        char *const *environment; /* "NAME=value"; nothing is inherited */
        const char *directory;    /* working directory; NULL: / */
        uint64_t timeout_usec;    /* SIGTERM to the group, SIGKILL 5 s later; USEC_INFINITY: none */
} ChildOptions;

/* One line that the child wrote to stdout or stderr, escaped, without its end. Must not free the child. */
typedef void (*ChildOutput)(const char *line, void *userdata);

/* status as waitid(2) has it: code CLD_EXITED, CLD_KILLED or CLD_DUMPED. timed_out: by us. The child is
 * gone when this is called and the rest of its group is killed; child_free() may be called from within. */
typedef void (*ChildExit)(int code, int status, bool timed_out, void *userdata);

/* Blocks SIGCHLD, as sd_event_add_child() demands. Return: 0 or -errno (-ENOENT, -EACCES: the program cannot
 * be executed). */
int child_spawn(sd_event *event, const ChildOptions *options, ChildOutput output, ChildExit on_exit,
                void *userdata, Child **ret);

/* Ends the group at once if it still lives; handlers are not called. Return: NULL. */
Child *child_free(Child *c);
DEFINE_CLEANUP(Child, child_free)
