/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "net/lookup.h"

/* What lookup.c (c-ares on the loop) and lookup-answer.c (reading messages) share. */

/* RFC 1035 section 4.1.1, RFC 4035 section 3.2 (the CD bit), RFC 8659 section 4.1. */
#define HEADER_SIZE    12
#define BIT_CD         0x10
#define RCODE_MASK     0x0f
#define CLASS_IN       1
#define TYPE_A         1
#define TYPE_AAAA      28
#define TYPE_CAA       257
#define RCODE_OK       0
#define RCODE_SERVFAIL 2
#define RCODE_NXDOMAIN 3

/* Reads the records of a message whose response code is OK; what is filled in ends by _done(). */
LookupOutcome lookup_answer_read(
                LookupAnswer *a, LookupType type, const unsigned char *data, int size);
void lookup_answer_done(LookupAnswer *a);

/* What a status of c-ares' means. */
LookupOutcome lookup_outcome_of_status(int status);
