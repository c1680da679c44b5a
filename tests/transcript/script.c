/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading transcripts. A line that begins with a mark starts an item, indented lines belong to
 * it, "include FILE" takes in another file beside this one, "repeat N FILE" does so N times, '#'
 * begins a comment.
 */

#include "script.h"

#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

_Noreturn void script_fail(const Item *item, const char *format, ...)
{
        va_list ap;

        (void) fprintf(stderr, "%s:%u: ", item->file, item->line);
        va_start(ap, format);
        (void) vfprintf(stderr, format, ap);
        va_end(ap);
        (void) fprintf(stderr, "\n  the transcript has: %c %s\n", item->mark, item->text);
        exit(EXIT_FAILURE);
}

static void *check(void *p)
{
        if (!p)
                abort();
        return p;
}

static void script_add(Script *s, const char *path, unsigned line, char mark, const char *text)
{
        s->items = check(reallocarray(s->items, s->n + 1, sizeof(*s->items)));
        s->items[s->n++] = (Item){
                .mark = mark,
                .text = check(strdup(text)),
                .body = check(strdup("")),
                .file = check(strdup(path)),
                .line = line,
        };
}

static void script_add_body(Script *s, const char *text)
{
        Item *item = &s->items[s->n - 1];
        char *longer = check(text_format("%s%s\n", item->body, text));

        free(item->body);
        item->body = longer;
}

static void script_include(const char *path, const char *name, Script *s)
{
        char *copy = check(strdup(path)), *other = check(text_format("%s/%s", dirname(copy), name));

        script_load(other, s);
        free(other);
        free(copy);
}

static void script_repeat(const char *path, const char *words, Script *s)
{
        char *name;

        for (unsigned long n = strtoul(words, &name, 10); n > 0; n--)
                script_include(path, name + strspn(name, " "), s);
}

void script_load(const char *path, Script *s)
{
        FILE *f = fopen(path, "re");
        char *line = NULL;
        size_t size = 0;
        ssize_t n;

        if (!f) {
                (void) fprintf(stderr, "%s: %s\n", path, strerror(errno));
                exit(EXIT_FAILURE);
        }
        for (unsigned number = 1; (n = getline(&line, &size, f)) >= 0; number++) {
                line[strcspn(line, "\n")] = '\0';
                if (has_prefix(line, "  ") && s->n > 0)
                        script_add_body(s, line + 2);
                else if (!*line && s->n > 0 && s->items[s->n - 1].mark == '<')
                        script_add_body(s, ""); /* ends the headers */
                else if (has_prefix(line, "include "))
                        script_include(path, line + strlen("include "), s);
                else if (has_prefix(line, "repeat "))
                        script_repeat(path, line + strlen("repeat "), s);
                else if (has_prefix(line, "option "))
                        script_add(s, path, number, 'o', line + strlen("option "));
                else if (*line && strchr("><=!", *line) && line[1] == ' ')
                        script_add(s, path, number, *line, line + 2);
                else if (*line && *line != '#') {
                        (void) fprintf(stderr, "%s:%u: what is this?\n", path, number);
                        exit(EXIT_FAILURE);
                }
        }
        free(line);
        (void) fclose(f);
}

void script_done(Script *s)
{
        for (size_t i = 0; i < s->n; i++) {
                free(s->items[i].text);
                free(s->items[i].body);
                free(s->items[i].file);
        }
        free(s->items);
        *s = (Script){};
}

const char *script_option(const Script *s, const char *name)
{
        const char *value = NULL;

        for (size_t i = 0; i < s->n; i++) {
                const char *text = s->items[i].text;

                if (s->items[i].mark == 'o' && has_prefix(text, name) && text[strlen(name)] == ' ')
                        value = text + strlen(name) + 1;
        }
        return value;
}
