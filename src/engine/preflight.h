/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "challenge/challenge.h"
#include "config/config.h"
#include "net/http-client.h"

/*
 * What the CA will look at, looked at before an order: addresses, our answer on each of them, CAA
 * records; and what we need ourselves: room on the disk, a clock that is right. What it finds are
 * warnings. It never keeps an order back, and ends after a time limit whatever happens.
 */
typedef struct Preflight Preflight;

typedef struct PreflightFinding {
        char *name;        /* the name or address that it is about; NULL: the machine */
        const char *check; /* "address", "port", "caa", "challenge", "disk", "clock", "time" */
        char *detail;      /* a sentence that names the mend */
} PreflightFinding;

typedef struct PreflightFindings {
        PreflightFinding *items;
        size_t n;
} PreflightFindings;

void preflight_findings_done(PreflightFindings *f);

/* Return: 0 or -ENOMEM. */
int preflight_findings_copy(const PreflightFindings *f, PreflightFindings *ret);

typedef struct PreflightOptions {
        sd_event *event;
        HttpClient *http;
        ChallengeSolver *solver; /* where our answer is presented; not owned */
        Config *config;          /* a reference is taken */
        const ConfigCertificate *section;
        const char *state_directory;       /* copied */
        const char *const *caa_identities; /* copied */
        const char *account_url;           /* copied; may be NULL */
        uint64_t now_usec;
        uint64_t ca_now_usec; /* the same instant by the CA's clock; 0: unknown */
} PreflightOptions;

/*
 * It is over. The findings end with the call. Called once, from the loop; preflight_free() may be
 * called from within.
 */
typedef void (*PreflightDone)(const PreflightFindings *findings, void *userdata);

/* Return: 0, -ENOMEM, -errno. */
int preflight_start(const PreflightOptions *options, PreflightDone done, void *userdata,
                Preflight **ret);

/* Gives up; what was presented is retracted, the handler is not called. Accepts NULL. Return: NULL.
 */
Preflight *preflight_free(Preflight *p);
DEFINE_CLEANUP(Preflight, preflight_free)
