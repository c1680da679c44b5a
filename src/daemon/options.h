/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/* The command line of renewd(8). */
typedef struct Options {
        const char *config; /* path */
        bool check;         /* read the configuration, say what is wrong, end */
        bool once;          /* do what is due, end */
        bool debug;
} Options;

/* Return: 0; 1 when all is said (--help, --version); -EINVAL after saying what is wrong. */
int options_parse(Options *o, int argc, char **argv);
