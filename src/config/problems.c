/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * problems: the list of what is wrong with a configuration. It is collected to the end, so that an
 * administrator mends a file once and not line by line, and it has a ceiling, so that the wrong
 * file (an image, say) does not drown the journal. It belongs to the caller of config_load().
 */

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"
#include "config/problems.h"

static void problem_done(ConfigProblem *p)
{
        free(p->file);
        free(p->text);
}

void config_problems_done(ConfigProblems *p)
{
        for (size_t i = 0; i < p->n; i++)
                problem_done(&p->items[i]);
        free(p->items);
        *p = (ConfigProblems){};
}

/* Takes the text over. Return: 0 or -ENOMEM. */
static int problem_add(ConfigProblems *p, const char *file, unsigned line, char *text_take)
{
        ConfigProblem item = { .file = strdup(file), .line = line, .text = text_take };
        ConfigProblem *grown = NULL;

        if (item.file && item.text)
                grown = reallocarray(p->items, p->n + 1, sizeof(*grown));
        if (!grown) {
                problem_done(&item);
                return -ENOMEM;
        }
        p->items = grown;
        p->items[p->n++] = item;
        return 0;
}

void config_problem(ConfigProblems *p, const char *file, unsigned line, const char *format, ...)
{
        char *text = NULL;
        va_list ap;

        if (p->n >= LIMIT_CONFIG_PROBLEMS) {
                p->n_left_out++;
                return;
        }
        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        if (problem_add(p, file, line, text) < 0)
                p->n_left_out++;
}

char *config_problem_format(const ConfigProblem *problem)
{
        if (problem->line == 0)
                return text_format("%s: %s", problem->file, problem->text);
        return text_format("%s:%u: %s", problem->file, problem->line, problem->text);
}
