/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/*
 * A transcript: one conversation with a CA as a text that people write (README.md beside it has the
 * form). Read here into lines with what is indented below each of them.
 */
typedef struct Item {
        char mark; /* '>' request, '<' answer, '=' step, '!' event, 'o' option */
        char *text;
        char *body; /* the indented lines below, without indentation; "" when there are none */
        char *file;
        unsigned line;
} Item;

typedef struct Script {
        Item *items;
        size_t n;
} Script;

/* Ends the program with FILE:LINE for what it does not understand. */
void script_load(const char *path, Script *ret);
void script_done(Script *s);

/* The value of "option NAME value", NULL when it is not given. */
const char *script_option(const Script *s, const char *name);

/* Ends the program: the transcript and what happened differ. */
_Noreturn void script_fail(const Item *item, const char *format, ...) _printf_(2, 3);
