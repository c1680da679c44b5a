/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/timestamp.h"

/* Wall time in microseconds since 1970: what certificates and CAs speak of. */
uint64_t clock_realtime_usec(void);

/* Time since boot in microseconds, suspension counted: for intervals. */
uint64_t clock_boottime_usec(void);

/* CLOCK_MONOTONIC in microseconds, as sd_notify's MONOTONIC_USEC= wants it. */
uint64_t clock_monotonic_usec(void);
