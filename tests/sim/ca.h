/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sim.h"

/* How the CA of ca.c is. */
typedef enum CaWeather {
        CA_WELL,
        CA_DEAD,           /* no connection */
        CA_BUSY,           /* 503 for newOrder, with a Retry-After of two hours, and for windows */
        CA_FORGETS_NONCES, /* every other one */
} CaWeather;

void ca_set_weather(CaWeather w);
/* Which windows it suggests (RFC 9773). */
typedef struct CaWindows {
        enum {
                CA_NO_WINDOWS,
                CA_WINDOWS_AS_USUAL,
                CA_WINDOWS_PAST,
                CA_WINDOWS_MOVE,
                CA_WINDOWS_TOO_LATE, /* beyond its end */
                CA_WINDOWS_LATE,
        } kind;
        unsigned poll_seconds; /* Retry-After; 0: six hours */
} CaWindows;

void ca_set_windows(CaWindows w);
unsigned ca_n_polls(void);

/* All is as at first, and all is well. */
void ca_reset(void);
