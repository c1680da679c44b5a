/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/*
 * Points in time and spans as text. An instant is a uint64_t of microseconds since 1970-01-01 UTC, a
 * span a uint64_t of microseconds. Nothing here reads a clock (base/clock.h does).
 */
#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC  UINT64_C(1000000)
#define USEC_PER_MIN  (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MIN)
#define USEC_PER_DAY  (24 * USEC_PER_HOUR)
#define USEC_INFINITY UINT64_MAX

/* Room for each of the texts below. */
#define TIMESTAMP_MAX 48

/* "2026-11-24T08:30:05Z" (RFC 3339), "-" for USEC_INFINITY. Return: buffer. */
const char *timestamp_format(char buffer[static TIMESTAMP_MAX], uint64_t instant_usec);

/*
 * RFC 3339 section 5.6 with any fraction and offset; what lies before 1970 reads as 0.
 * Return: 0 or -EINVAL.
 */
int timestamp_parse(const char *s, uint64_t *ret_usec);

/* For people, at most two units: "29 d 4 h", "3 min 20 s", "450 ms". Return: buffer. */
const char *timespan_format(char buffer[static TIMESTAMP_MAX], uint64_t span_usec);

/*
 * systemd.time(7) spans: "30d", "2s", "200ms", "1h 30min"; a number alone is seconds.
 * Return: 0, -EINVAL, -ERANGE.
 */
int timespan_parse(const char *s, uint64_t *ret_usec);

/* a + b that stops at USEC_INFINITY instead of going round. */
static inline uint64_t usec_add(uint64_t a, uint64_t b)
{
        return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

/* a - b that stops at 0. */
static inline uint64_t usec_sub(uint64_t a, uint64_t b)
{
        return a > b ? a - b : 0;
}
