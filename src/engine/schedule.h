/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/renewal.h>

#include "base/macros.h"

/* When a certificate is to be ordered, and why: pure, from facts alone. */

typedef enum ScheduleReason {
        SCHEDULE_MISSING,  /* never issued */
        SCHEDULE_ASKED,    /* the operator asks for it */
        SCHEDULE_CHANGED,  /* what is in force is not what is configured */
        SCHEDULE_RESUMED,  /* an order is in flight */
        SCHEDULE_LIFETIME, /* its time has come, or will */
        SCHEDULE_WINDOW,   /* the same, as the CA suggests it (RFC 9773) */
        SCHEDULE_RETRY,    /* the last attempt failed */
        SCHEDULE_HELD,     /* nothing to hope for until something changes */
} ScheduleReason;

typedef struct ScheduleFacts {
        bool issued;
        bool as_configured;   /* names, key and CA of what is in force are those configured */
        bool order_in_flight; /* an order was begun and not ended */
        bool asked;
        uint64_t not_before, not_after; /* of what is in force */
        uint64_t received;              /* when it came, by our clock */
        RenewBefore before;
        uint64_t random;
        uint64_t window_at; /* drawn from the CA's window; 0: there is none */
        RenewFailures failures;
        uint64_t failures_random;
} ScheduleFacts;

typedef struct Schedule {
        uint64_t at_usec; /* USEC_INFINITY: not before something changes */
        ScheduleReason reason;
} Schedule;

Schedule schedule_plan(const ScheduleFacts *f, uint64_t now_usec);

/* For programs: "missing", "asked", "changed", "resumed", "lifetime", "window", "retry",
 * "held". */
const char *schedule_reason_to_token(ScheduleReason reason);

/* For people: "it was never issued", … */
const char *schedule_reason_to_string(ScheduleReason reason);
