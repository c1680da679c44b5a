/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/problem.h>

#include "base/macros.h"

/*
 * Why an attempt failed, whoever found it (the CA, the network, our own disk), reduced to what is
 * told, remembered and acted on: a type, a sentence, where it happened, and the class of retry.
 */
typedef struct Trouble {
        char *type;   /* "connection", "rate-limited", "disk", … */
        char *detail; /* a sentence; NULL: no trouble */
        char *where;  /* "newOrder", "state directory", … */
        RenewRetry retry;
        uint64_t not_before_usec; /* the CA asks for no retry before; 0: does not */
} Trouble;

void trouble_done(Trouble *t);
#define _cleanup_trouble_ _cleanup_(trouble_done)

static inline bool trouble_is_set(const Trouble *t)
{
        return t->detail != NULL;
}

/* Replaces t by what the problem says, its subproblems included. Out of memory leaves a set
 * trouble, too. */
void trouble_from_problem(Trouble *t, const RenewProblem *problem);

/* Replaces t by a finding of ours. */
void trouble_set(Trouble *t, RenewRetry retry, const char *type, const char *where,
                const char *format, ...) _printf_(5, 6);

/* Copies. */
void trouble_copy(Trouble *t, const Trouble *from);
