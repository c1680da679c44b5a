/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "base/macros.h"

/* What a piece of text says by its colour. */
typedef enum Tone {
        TONE_PLAIN,
        TONE_HEADING,
        TONE_WELL,
        TONE_WORKING,
        TONE_ATTENTION,
        TONE_FAINT,
} Tone;

/* Writes text in the colour of its tone; without colour just the text. */
void tone_print(FILE *file, bool color, Tone tone, const char *text);

/* Cells in rows of aligned columns, and notes between the rows. */
typedef struct TableCell {
        char *text;
        Tone tone;
        bool note; /* a line of its own */
} TableCell;

typedef struct Table {
        size_t n_columns;
        TableCell *cells;
        size_t n;
        int error; /* sticky: 0 or -ENOMEM */
} Table;

#define TABLE_INIT(n_columns_) ((Table){ .n_columns = (n_columns_) })
void table_done(Table *t);
#define _cleanup_table_ _cleanup_(table_done)

/* The next cell of a row, which is full after n_columns; NULL is "-". */
void table_add(Table *t, Tone tone, const char *text);

/* A line below the row that is full, indented; it widens no column. */
void table_add_note(Table *t, Tone tone, const char *text);

/* Return: 0, -ENOMEM when a cell had no memory (nothing is written then). */
int table_print(const Table *t, FILE *file, bool color);
