/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <netinet/in.h>
#include <systemd/sd-event.h>

#include "base/limits.h"
#include "base/macros.h"

/*
 * DNS without blocking: c-ares on an sd-event loop. Knows nothing of ACME.
 *
 * It asks name servers and nobody else: no /etc/hosts, no search domains, as a CA that looks from
 * outside has neither.
 */
typedef struct Resolver Resolver;
typedef struct Lookup Lookup;

typedef enum LookupType {
        LOOKUP_A,
        LOOKUP_AAAA,
        LOOKUP_CAA, /* RFC 8659 */
} LookupType;

typedef enum LookupOutcome {
        LOOKUP_ANSWER,     /* there are records */
        LOOKUP_NO_DATA,    /* the name exists, and has none of this type */
        LOOKUP_NO_NAME,    /* the name does not exist */
        LOOKUP_BOGUS,      /* its DNSSEC signatures are wrong: SERVFAIL, and without checking not */
        LOOKUP_SERVFAIL,   /* the zone's servers are broken or silent, says the server asked */
        LOOKUP_REFUSED,    /* the server asked does not answer such questions */
        LOOKUP_BAD_ANSWER, /* an answer that is none, or one beyond every measure */
        LOOKUP_TIMEOUT,    /* the server asked is silent */
        LOOKUP_UNREACHABLE, /* there is no name server to ask */
} LookupOutcome;

typedef struct LookupCaa {
        unsigned flags;
        char *tag;
        char *value; /* ends with a NUL, and may have others before */
        size_t size;
} LookupCaa;

/* Valid during the handler's call. */
typedef struct LookupAnswer {
        LookupOutcome outcome;
        char addresses[LIMIT_DNS_ADDRESSES][INET6_ADDRSTRLEN]; /* A, AAAA */
        size_t n_addresses;
        LookupCaa caa[LIMIT_DNS_CAA];
        size_t n_caa;
} LookupAnswer;

/*
 * Called once for each look-up, from the loop and never from within lookup_start(). The look-up
 * ends with the call; the resolver may be freed within.
 */
typedef void (*LookupHandler)(const LookupAnswer *answer, void *userdata);

/*
 * @server      "192.0.2.1:53" or "[2001:db8::1]:53"; NULL: the system's servers, as
 *              resolv.conf(5) names them at this moment
 * @limit_usec  what one look-up may take
 * Return: 0, -ENOMEM, -EINVAL for a server that is none, -errno.
 */
int resolver_new(sd_event *event, const char *server, uint64_t limit_usec, Resolver **ret);

/* Ends look-ups without calling their handlers. Return: NULL. */
Resolver *resolver_free(Resolver *r);
DEFINE_CLEANUP(Resolver, resolver_free)

/*
 * Asks for the records of a name (in A-labels). *ret may be NULL'ed by the caller when the handler
 * was called.
 * Return: 0, -ENOMEM, -EINVAL for a name that is none.
 */
int lookup_start(Resolver *r, const char *name, LookupType type, LookupHandler handler,
                void *userdata, Lookup **ret);

/* Gives up a look-up; its handler is not called. Accepts NULL. Return: NULL. */
Lookup *lookup_cancel(Lookup *l);

/* "no answer from the name server": why there are no records, for people. */
const char *lookup_outcome_to_sentence(LookupOutcome outcome);
