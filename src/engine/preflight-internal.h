/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/caa.h"
#include "engine/preflight.h"
#include "net/lookup.h"

/*
 * What preflight.c (the whole), preflight-name.c (one name) and preflight-judge.c (sentences) share.
 * Nobody else but their tests includes it.
 */

/* Of one name: those of both families. */
#define N_PROBES (2 * LIMIT_DNS_ADDRESSES)

typedef struct PreflightName PreflightName;

typedef struct PreflightProbe {
        PreflightName *name;
        HttpTransfer *transfer; /* NULL: none under way */
        char address[INET6_ADDRSTRLEN];
} PreflightProbe;

struct PreflightName {
        Preflight *preflight; /* NULL: not begun yet */
        const char *name;
        unsigned n_pending; /* look-ups and probes under way, and one while it begins more */

        Lookup *a, *aaaa, *caa;
        LookupOutcome a_outcome, aaaa_outcome;
        bool unresolved; /* its addresses cannot be looked up, and that was told */
        CaaClimb climb;

        PreflightProbe probes[N_PROBES];
        size_t n_probes;
};

struct Preflight {
        sd_event *event;
        Config *config;
        const ConfigCertificate *section;
        ChallengeSolver *solver;
        char *state_directory;
        char **caa_identities;
        char *account_url;

        /* how it looks */
        Resolver *resolver; /* NULL: it cannot be had */
        HttpOrigin *origin;
        char *token, *answer; /* the file that is asked for, and what is to be in it */
        bool presented;

        /* what it looks at */
        PreflightName *names;
        size_t n_names, n_begun, n_over;
        sd_event_source *limit;

        /* how it ends */
        sd_event_source *end; /* armed when all is over */
        PreflightFindings findings;
        PreflightDone done;
        void *userdata;
};

/* --- preflight.c ------------------------------------------------------------------------------ */

/* Notes a finding; detail NULL: there is none. Beyond the ceiling nothing is noted. */
void preflight_find(Preflight *p, const char *name, const char *check, char *detail_take);

/* A name is over. The next one may be begun within. */
void preflight_name_over(Preflight *p);

/* --- preflight-name.c ------------------------------------------------------------------------- */

void preflight_name_begin(PreflightName *n, Preflight *p);

/* Gives up what is under way; accepts one that was not begun. */
void preflight_name_done(PreflightName *n);

/* --- preflight-judge.c: pure, each gives a sentence or NULL when all is well; the caller frees -- */

typedef enum AddressKind {
        ADDRESS_PUBLIC,
        ADDRESS_PRIVATE, /* of this machine, link or site (RFC 6890) */
        ADDRESS_NONE,    /* nothing that a connection could be made to */
} AddressKind;

AddressKind preflight_address_kind(const char *address);

/* What the look-ups of addresses mean. *ret_failed: there were no answers at all. */
char *preflight_judge_addresses(LookupOutcome a, LookupOutcome aaaa, bool *ret_failed);

typedef struct ProbeFacts {
        const char *address;
        unsigned port;
        const char *expected;               /* the body */
        const char *webroot;                /* NULL: the listener */
        const HttpClientResponse *response; /* exactly one of the two is not NULL */
        const char *failure;
} ProbeFacts;

char *preflight_judge_probe(const ProbeFacts *f);

char *preflight_judge_clock(uint64_t now_usec, uint64_t ca_now_usec, const char *ca);

typedef struct DiskFacts {
        const char *path;
        int error; /* that looking at it gave; 0: none */
        bool read_only;
        uint64_t free_bytes, free_files;
        bool counts_files; /* some file systems do not */
} DiskFacts;

char *preflight_judge_disk(const DiskFacts *f);
