/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sim.h"

/* How the CA of ca.c is. */
typedef enum CaWeather {
        CA_WELL,
        CA_DEAD,           /* no connection */
        CA_BUSY,           /* 503 with a Retry-After of two hours for each newOrder */
        CA_FORGETS_NONCES, /* every other one */
} CaWeather;

void ca_set_weather(CaWeather w);
void ca_reset(void);
