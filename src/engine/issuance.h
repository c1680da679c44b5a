/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "challenge/challenge.h"
#include "engine/ca.h"

/* One attempt to issue one certificate: from the account to the switch of live/NAME. */
typedef struct Issuance Issuance;

typedef struct IssuanceOptions {
        sd_event *event;
        Store *store;
        Ca *ca;                    /* a reference is taken */
        ChallengeSolver *listener; /* of the challenge port; not owned */
        Config *config;            /* a reference is taken */
        const ConfigCertificate *section;
        const char *replaces;         /* ARI id of what is in force, of the same CA; NULL: none */
        const char *replaces_account; /* and thumbprint of the account that it is of */
} IssuanceOptions;

/*
 * The attempt ended: with the id of the generation that live/NAME now points to, or with a trouble.
 * Called once, from the loop; issuance_free() may be called from within.
 */
typedef void (*IssuanceDone)(const char *generation, const Trouble *trouble, void *userdata);

/* Return: 0, -ENOMEM. */
int issuance_start(
                const IssuanceOptions *options, IssuanceDone done, void *userdata, Issuance **ret);

/*
 * Gives up an attempt that is under way: what was presented is retracted, the order stays on disk
 * and can be resumed. The handler is not called. Accepts NULL. Return: NULL.
 */
Issuance *issuance_free(Issuance *i);

const ConfigCertificate *issuance_section(const Issuance *i);

/* A validation request for this token was answered by our listener. */
void issuance_validation_seen(Issuance *i, const char *token);

/* For status: URL of the order, NULL while there is none; and its state, never NULL. */
const char *issuance_order_url(const Issuance *i);
const char *issuance_order_state(const Issuance *i);
