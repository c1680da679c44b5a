/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/options.h"

/*
 * The commands of renewctl. A new one is a file NAME.c that has command_NAME in it, and a line
 * here.
 */
#define COMMANDS(X) \
        X(list)     \
        X(show)     \
        X(renew)    \
        X(reload)   \
        X(check_config)

/* What renewctl exits with. */
enum {
        CTL_WELL = 0,
        CTL_FAILED = 1,      /* what was asked for failed, or something is wrong */
        CTL_USAGE = 2,       /* renewctl was not called as it has to be */
        CTL_UNREACHABLE = 3, /* no renewd answers */
};

typedef struct Command {
        const char *name;
        const char *arguments;       /* for the usage: "NAME..."; "": none */
        const char *summary;         /* a line of renewctl --help */
        const char *help;            /* lines of renewctl NAME --help */
        const char *options;         /* letters of the options that it takes (options.c) */
        size_t least_n, most_n;      /* arguments */
        int (*run)(const Options *); /* Return: one of the above, everything said */
} Command;

/* In the order of --help; ends with NULL. */
extern const Command *const commands[];

/* NULL when there is none of that name. */
const Command *command_find(const char *name);
