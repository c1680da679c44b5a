/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/*
 * How fast a crowd of new orders goes to one CA. Renewals have no part in it: CAs do not count them
 * among new orders, and they must not wait behind a crowd. All zero: nobody waits.
 */
typedef struct Pace {
        unsigned n_waiting;
        unsigned n_left_out; /* of those, in front of the next */
        bool crowded;
        uint64_t next_usec; /* CLOCK_BOOTTIME */
} Pace;

/* .n_waiting could begin now. */
void pace_look(Pace *p, uint64_t random);

/* Whether it is the turn of this one, asked of each that waits, in order; it begins then. */
bool pace_take(Pace *p, uint64_t now_usec);

/* When it is the next one's turn, USEC_INFINITY: whenever there is room for it. */
uint64_t pace_next(const Pace *p);
