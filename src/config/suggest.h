/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/* The known word nearest to what somebody wrote. */

typedef struct Suggestion {
        const char *written;
        const char *best;  /* NULL: nothing is near; belongs to whoever offered it */
        unsigned distance; /* of the best */
} Suggestion;

#define SUGGESTION_INIT(written_) ((Suggestion){ .written = (written_) })

/* Takes the candidate where it is nearer than all before it. Case does not count. */
void suggestion_offer(Suggestion *s, const char *candidate);
