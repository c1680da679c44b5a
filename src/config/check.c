/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check: a configuration read to the end for a person, or an editor, who wants to know what is
 * wrong with it. Lines are as compilers write them, so that editors can jump to the place.
 */

#include "config/check.h"
#include "config/config.h"

void config_problems_print(const ConfigProblems *problems, FILE *file)
{
        for (size_t i = 0; i < problems->n; i++) {
                _cleanup_free_ char *text = config_problem_format(&problems->items[i]);

                (void) fprintf(file, "%s\n", text ? text : problems->items[i].text);
        }
        if (problems->n_left_out > 0)
                (void) fprintf(file, "and %zu more problems\n", problems->n_left_out);
}

int config_check(const char *path)
{
        _cleanup_config_problems_ ConfigProblems problems = {};
        _cleanup_(config_unrefp) Config *config = NULL;
        int r = config_load(path, &problems, &config);

        config_problems_print(&problems, stderr);
        if (r < 0 && problems.n == 0)
                (void) fprintf(stderr, "%s: cannot be read: %s\n", path, strerror(-r));
        else if (r >= 0)
                (void) printf("%s: good, %zu certificate%s\n", path, config->n_certificates,
                                config->n_certificates == 1 ? "" : "s");
        return r;
}
