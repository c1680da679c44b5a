/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "base/macros.h"

/* Whether what was asked for with `renewctl renew` has come to its end. Pure. */
typedef enum Outcome {
        OUTCOME_PENDING,
        OUTCOME_RENEWED, /* issued, and deployed if there is anything to deploy to */
        OUTCOME_FAILED,
} Outcome;

/* How a certificate was when it was asked for; copies. */
typedef struct OutcomeStart {
        char *generation; /* NULL: nothing was in force */
        char *failed_at;  /* the instant of the last failure, NULL: none */
        json_int_t failures;
} OutcomeStart;

/* @certificate: as renewd answered the request to renew. Return: 0 or -ENOMEM. */
int outcome_start(OutcomeStart *start, const json_t *certificate);
void outcome_start_done(OutcomeStart *start);

/*
 * @certificate: as it is now; NULL: it is not there any more.
 * @ret_reason:  why it failed, of the JSON or static; untouched else
 */
Outcome outcome_of(const OutcomeStart *start, const json_t *certificate, const char **ret_reason);
