/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/config.h"

/* Which sections and keys there are, what they take, and what they are when nobody writes them. */

/* Sets the [Daemon] of a new configuration to what it is without a section. Return: 0, -ENOMEM. */
int grammar_init(Config *config);

/*
 * Reads the text of one file into the configuration; `file` must be one of config->files. What is
 * wrong goes to problems. Return: 0 (also with problems), -ENOMEM.
 */
int grammar_read(Config *config, const char *file, const char *text, size_t size,
                ConfigProblems *problems);
