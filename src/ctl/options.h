/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/* What was written on the command line; immutable afterwards. */
typedef struct Options {
        const struct Command *command;
        char *const *arguments; /* behind the command; ends with NULL */
        size_t n_arguments;

        const char *socket;    /* NULL: as the configuration has it, or the built-in one */
        const char *config;    /* NULL: none was named */
        uint64_t timeout_usec; /* 0: none was named */
        bool color;            /* stdout is a terminal that wants it */
        bool json;
        bool all;
        bool wait;
} Options;

/* Return: 0; 1 when there is nothing more to do; -EINVAL when it was said what is wrong. */
int options_parse(Options *o, int argc, char **argv);
