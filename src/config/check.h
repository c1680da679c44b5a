/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "config/problems.h"

/*
 * For programs that people run to see whether a configuration is good (renewd --check, renewctl).
 */

/* Each problem on a line of its own: "FILE:LINE: text", nothing before it. */
void config_problems_print(const ConfigProblems *problems, FILE *file);

/*
 * Loads the configuration and does nothing else: one line on stdout when it is good, every problem
 * on stderr when it is not. Return: 0, -EINVAL, -errno, always told.
 */
int config_check(const char *path);
