/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <uthash.h>

#include "deploy/deploy.h"
#include "engine/issuance.h"
#include "engine/issued.h"
#include "engine/schedule.h"

typedef struct Manager Manager;

/*
 * The life cycle of one certificate: what is in force, what is planned, what went wrong, and the
 * attempt under way. Its three truths are apart: issued here, installed (deployment) with a state
 * and retries of its own, which never order again.
 */
typedef enum CertificateState {
        CERTIFICATE_UNPLANNED,    /* just made, or its plan is being made anew */
        CERTIFICATE_UNCONFIGURED, /* in the store, not in the configuration: neither renewed nor
                                     deleted */
        CERTIFICATE_READ_ONLY,    /* its state is of a newer renewd */
        CERTIFICATE_RESTING,      /* in force, renewal planned */
        CERTIFICATE_DUE,          /* waits for its turn, or for the challenge port */
        CERTIFICATE_ISSUING,
        CERTIFICATE_BACKOFF, /* the last attempt failed, the next is planned */
        CERTIFICATE_HELD,    /* the last attempt failed for good: waits for a human */
} CertificateState;

typedef enum DeploymentState {
        DEPLOYMENT_NONE,    /* nothing to be done, or nothing in force */
        DEPLOYMENT_PENDING, /* asked for */
        DEPLOYMENT_DONE,
        DEPLOYMENT_FAILED, /* tried again at deployment_retry */
} DeploymentState;

typedef struct Certificate {
        Manager *manager;
        char *name;

        /* as configured; all NULL when it is not */
        Config *config;
        const ConfigCertificate *section;
        Ca *ca;

        /* facts */
        Issued issued;
        StoreState remembered;
        bool read_only; /* its state is of a newer renewd */
        bool order_in_flight;
        bool asked;       /* by the operator, until the attempt begins */
        bool expiry_told; /* once for each certificate */

        /* life cycle */
        CertificateState state;
        Schedule plan;
        Issuance *issuance;
        const char *ended_order; /* while the end of its attempt is told */
        sd_event_source *timer;

        /* the CA is asked when to renew */
        CaWaiter info_waiter;
        CaRequest info_request;

        /* deployment */
        DeploymentState deployment;
        uint64_t deployment_retry;
        char *deployment_detail;

        UT_hash_handle hh;               /* Manager.certificates */
        struct Certificate *prev, *next; /* Manager.due */
        bool queued;
} Certificate;

/* Return: 0, -ENOMEM, -errno. */
int certificate_new(Manager *m, const char *name, Certificate **ret);

/* Ends an attempt under way; the order can be resumed. Return: NULL. */
Certificate *certificate_free(Certificate *c);

/* Reads what is in force and remembered. A damaged file is told of and costs the memory only. */
int certificate_load(Certificate *c);

/*
 * Puts a section of the configuration in force; NULL: it is no longer configured. What did not
 * change is not disturbed, an order in flight of the same names, CA and key goes on.
 */
void certificate_configure(
                Certificate *c, Config *config, const ConfigCertificate *section, Ca *ca);

/* Recomputes the plan from the facts; sets state and timer. */
void certificate_replan(Certificate *c);

/* Wall time jumped: what is remembered of the future is put right, and planned anew. */
void certificate_on_clock_changed(Certificate *c);

/* Begins an attempt (state DUE). */
void certificate_issue(Certificate *c);

/* The operator asks: now, whatever failed before. Return: 0, -EBUSY while issuing, -ENOTSUP when it
 * is unconfigured or read-only. */
int certificate_renew_now(Certificate *c);

/* What became of a deployment. */
void certificate_on_deployed(Certificate *c, const DeployResult *result);

/* Whether the CA is being asked when it wants it renewed; and when it will be. */
bool certificate_renewal_info_is_under_way(const Certificate *c);
uint64_t certificate_renewal_info_deadline(const Certificate *c, uint64_t now_usec);

/* Whether an attempt could begin: it has its webroot, or the challenge port is ours. */
bool certificate_can_be_validated(const Certificate *c);

/* Whether what it waits for is an order of another set of names than it has, as its CA counts them,
 * and nobody waits in front of it. */
bool certificate_wants_new_order(const Certificate *c);

/* Whether it is in force, as configured, installed and without trouble. */
bool certificate_is_well(const Certificate *c, uint64_t now_usec);

const char *certificate_state_to_string(CertificateState state);
const char *deployment_state_to_string(DeploymentState state);

/* One record with the certificate's fields and name before the text. */
void certificate_log(const Certificate *c, int level, const char *message_id, const char *format,
                ...) _printf_(4, 5);

/* Whether the life cycle has this edge (for the setter, and for the test of the map). */
bool certificate_state_may_follow(CertificateState from, CertificateState to);
#define CERTIFICATE_N_STATES 8
