/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "net/lookup.h"

/*
 * Whether the CAA records of a name permit a CA (RFC 8659) to issue to our account by our way of
 * validation (RFC 8657). Pure: it says which name is to be looked up next and is fed the outcome.
 */
typedef struct CaaQuestion {
        const char *name;              /* in A-labels; "*.example.com" for a wildcard */
        const char *const *identities; /* the CA's caaIdentities, NULL-terminated; NULL or none: it
                                          says none, and then nothing can be said */
        const char *account_url;       /* NULL: unknown */
        const char *method;            /* "http-01" */
} CaaQuestion;

typedef enum CaaVerdict {
        CAA_PERMITTED, /* also for an IP address, which has no CAA */
        CAA_REFUSED,
        CAA_UNKNOWN, /* the records cannot be read, and the CA will see the same */
} CaaVerdict;

typedef struct CaaClimb {
        CaaQuestion question;
        const char *at; /* what is to be looked up; NULL: the verdict is there */
        CaaVerdict verdict;
        char *reason; /* a sentence with the mend, where it is not permitted; may lack for memory */
} CaaClimb;

/* The question's strings have to live as long. */
void caa_climb_init(CaaClimb *c, const CaaQuestion *question);
void caa_climb_done(CaaClimb *c);

/* The outcome of the look-up of c->at. */
void caa_climb_feed(CaaClimb *c, const LookupAnswer *answer);
