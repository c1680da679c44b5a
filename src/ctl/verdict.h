/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "ctl/table.h"

/*
 * What the facts about a certificate mean to somebody who looks at a long list: one word, and
 * whether it needs a human. Pure.
 */
typedef enum VerdictClass {
        VERDICT_WELL,      /* in force, in use, nothing to do */
        VERDICT_WORKING,   /* renewd is at it, or tries again in time */
        VERDICT_ATTENTION, /* a certificate is, or will be, missing unless a human acts */
        VERDICT_IDLE,      /* not configured any more */
} VerdictClass;
#define VERDICT_N_CLASSES 4

typedef struct Verdict {
        VerdictClass class;
        const char *word; /* "well", "retrying", "expired", ...; may be of the JSON */
} Verdict;

/* @certificate: escaped (shown_escape()). */
Verdict verdict_of(const json_t *certificate, uint64_t now_usec);

Tone verdict_tone(VerdictClass class);

/* "it was never issued": what a token of next_attempt_reason means; an unknown one is itself. */
const char *verdict_reason(const char *token);
