/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/*
 * The line reader of systemd.syntax(7): it knows lines, sections and assignments, and nothing of
 * what they mean.
 */

/*
 * What a text consists of, in its order. A line's number is that of its first line where
 * continuations follow. Texts are valid during the call only. The first two may return a negative
 * errno, which ends the reading.
 */
typedef struct SyntaxHandler {
        int (*section)(void *userdata, unsigned line, const char *name);
        int (*assignment)(void *userdata, unsigned line, const char *key, const char *value);
        void (*problem)(void *userdata, unsigned line, const char *text);
} SyntaxHandler;

/*
 * Reads a whole text. A line that is none of the above is a problem and is skipped.
 * Return: 0 (also with problems), -ENOMEM, or what a handler returned.
 */
int syntax_read(const char *text, size_t size, const SyntaxHandler *handler, void *userdata);
