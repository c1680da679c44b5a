/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * table: columns as wide as their widest cell. Widths are counted in characters, not bytes; one
 * that a terminal shows two columns wide shifts what follows it by one and no more, and only
 * sentences of others have such, which stand last.
 */

#include "ctl/table.h"

#define GAP         2
#define NOTE_INDENT 4
#define MAX_COLUMNS 16U

static const char *tone_begin(Tone tone)
{
        switch (tone) {
        case TONE_PLAIN:
                return "";
        case TONE_HEADING:
                return "\033[1m";
        case TONE_WELL:
                return "\033[32m";
        case TONE_WORKING:
                return "\033[33m";
        case TONE_ATTENTION:
                return "\033[1;31m";
        case TONE_FAINT:
                return "\033[2m";
        }
        assert_not_reached();
}

void tone_print(FILE *file, bool color, Tone tone, const char *text)
{
        if (color && tone != TONE_PLAIN && *text)
                (void) fprintf(file, "%s%s\033[0m", tone_begin(tone), text);
        else
                (void) fputs(text, file);
}

/* Characters of UTF-8. */
static size_t text_width(const char *s)
{
        size_t n = 0;

        for (; *s; s++)
                n += ((unsigned char) *s & 0xc0) != 0x80;
        return n;
}

void table_done(Table *t)
{
        for (size_t i = 0; i < t->n; i++)
                free(t->cells[i].text);
        free(t->cells);
        *t = TABLE_INIT(t->n_columns);
}

static void add(Table *t, Tone tone, bool note, const char *text)
{
        TableCell *grown = reallocarray(t->cells, t->n + 1, sizeof(*grown));
        char *copy = strdup(text ? text : "-");

        if (grown)
                t->cells = grown;
        if (grown && copy)
                t->cells[t->n++] = (TableCell){ .text = copy, .tone = tone, .note = note };
        else {
                t->error = -ENOMEM;
                free(copy);
        }
}

void table_add(Table *t, Tone tone, const char *text)
{
        add(t, tone, false, text);
}

void table_add_note(Table *t, Tone tone, const char *text)
{
        add(t, tone, true, text);
}

static void table_measure(const Table *t, size_t widths[static MAX_COLUMNS])
{
        size_t column = 0;

        for (size_t i = 0; i < t->n; i++) {
                if (t->cells[i].note)
                        continue;
                widths[column] = MAX(widths[column], text_width(t->cells[i].text));
                column = (column + 1) % t->n_columns;
        }
}

static void print_spaces(FILE *file, size_t n)
{
        (void) fprintf(file, "%*s", (int) n, "");
}

int table_print(const Table *t, FILE *file, bool color)
{
        size_t widths[MAX_COLUMNS] = {}, column = 0, owed = 0;

        assert(t->n_columns <= MAX_COLUMNS);
        if (t->error < 0)
                return t->error;
        table_measure(t, widths);
        for (size_t i = 0; i < t->n; i++) {
                const TableCell *cell = &t->cells[i];

                print_spaces(file, cell->note ? NOTE_INDENT : owed);
                tone_print(file, color, cell->tone, cell->text);
                if (!cell->note) {
                        owed = widths[column] - text_width(cell->text) + GAP;
                        column = (column + 1) % t->n_columns;
                }
                /* Nothing is owed to the end of a line. */
                if (column == 0) {
                        (void) fputc('\n', file);
                        owed = 0;
                }
        }
        return 0;
}
