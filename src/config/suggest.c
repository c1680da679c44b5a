/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * suggest: "did you mean …?" Levenshtein's distance with one row of the table, and the swap of two
 * neighbours as one error more (optimal string alignment), because that is how people mistype.
 */

#include <ctype.h>

#include "config/suggest.h"

/* Known words are shorter; of longer ones nothing is suggested. */
#define WORD_MAX 64U

static bool same_letter(char a, char b)
{
        return tolower((unsigned char) a) == tolower((unsigned char) b);
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
        return MIN(MIN(a, b), c);
}

/* Insertions, deletions, replacements and swaps of neighbours that lead from a to b. */
static unsigned edit_distance(const char *a, const char *b)
{
        unsigned rows[3][WORD_MAX + 1];
        unsigned *before = rows[0], *last = rows[1], *row = rows[2];
        size_t n = strlen(b);

        for (unsigned j = 0; j <= n; j++)
                last[j] = j;
        for (unsigned i = 1; a[i - 1]; i++) {
                unsigned *spare = before;

                row[0] = i;
                for (size_t j = 1; j <= n; j++) {
                        unsigned replaced = last[j - 1] + !same_letter(a[i - 1], b[j - 1]);

                        row[j] = least(last[j] + 1, row[j - 1] + 1, replaced);
                        if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
                                        same_letter(a[i - 2], b[j - 1]))
                                row[j] = MIN(row[j], before[j - 2] + 1);
                }
                before = last;
                last = row;
                row = spare;
        }
        return last[n];
}

void suggestion_offer(Suggestion *s, const char *candidate)
{
        size_t longer = MAX(strlen(s->written), strlen(candidate));
        unsigned distance;

        if (longer > WORD_MAX)
                return;
        distance = edit_distance(s->written, candidate);
        /* A third of the letters wrong is a typo; more is another word. */
        if (distance > MAX(longer / 3, (size_t) 1) || (s->best && distance >= s->distance))
                return;
        s->best = candidate;
        s->distance = distance;
}
