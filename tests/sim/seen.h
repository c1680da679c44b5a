/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sim.h"

/* For those who make attempts (attempts.c, or the CA of `seam`). */
void seen_attempt(const char *name);
void seen_attempt_end(void);
void seen_order(const char *name);
void seen_failure(const char *name);
