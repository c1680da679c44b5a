/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "base/timestamp.h"

/*
 * JSON of renewd, made fit to be shown: the one door between what it says (which may be a CA's
 * words, or another program's altogether) and a terminal. All of these accept NULL.
 */

/* Escapes every string in it, in place. Return: 0 or -ENOMEM. */
int shown_escape(json_t *json);

/* The string, or NULL where there is none. */
const char *shown_text(const json_t *object, const char *key);

/* The same with something to show where there is none. */
const char *shown_text_or(const json_t *object, const char *key, const char *otherwise);

/* The instant, or 0 where there is none. */
uint64_t shown_instant(const json_t *object, const char *key);

/* Strings of an array with spaces between them; the caller frees it. NULL when out of memory. */
char *shown_list(const json_t *array);

/* "2027-01-30T08:30:05Z (in 61 d 4 h)", "... (3 min ago)", "-" for 0; the caller frees it. NULL
 * when out of memory. */
char *shown_when(uint64_t instant_usec, uint64_t now_usec);

/* How much of a lifetime is left. */
typedef struct Lifetime {
        bool known;
        uint64_t left_usec; /* 0: over */
        unsigned percent;   /* of the whole, rounded down */
        char bar[16];       /* "[#######...]"; anything left is a mark at least */
} Lifetime;

/* @issued: the object "issued" of a certificate, or null. */
Lifetime shown_lifetime(const json_t *issued, uint64_t now_usec);
