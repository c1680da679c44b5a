/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/* What is wrong with a configuration: every problem, not only the first. */

typedef struct ConfigProblem {
        char *file;    /* never NULL */
        unsigned line; /* 0: the file as a whole */
        char *text;    /* "unknown key 'Nmaes' in [Certificate x], did you mean 'Names'?" */
} ConfigProblem;

typedef struct ConfigProblems {
        ConfigProblem *items;
        size_t n;
        size_t n_left_out; /* beyond LIMIT_CONFIG_PROBLEMS */
} ConfigProblems;

void config_problems_done(ConfigProblems *p);
#define _cleanup_config_problems_ _cleanup_(config_problems_done)

/* Adds one; when out of memory it only counts. */
void config_problem(ConfigProblems *p, const char *file, unsigned line, const char *format, ...)
                _printf_(4, 5);

/* "FILE:LINE: text" of one item; the caller frees it. NULL when out of memory. */
char *config_problem_format(const ConfigProblem *problem);
