/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/order.h>

#include "engine/issuance.h"

/* What issuance.c and issuance-order.c share and nobody else calls. */

struct Issuance {
        sd_event *event;
        Store *store;
        Ca *ca;
        Config *config;
        const ConfigCertificate *section;
        char *replaces; /* ARI id of the predecessor, while it may be told */
        char *replaces_account;

        ChallengeSolver *listener; /* not owned */
        ChallengeSolver *webroot;  /* owned; NULL: the listener is used */
        HttpClient *http;          /* not owned */
        IssuanceFindings findings;

        /* what is under way */
        Preflight *preflight;
        CaWaiter waiter;
        CaRequest request;
        KeyJob *key_job;
        sd_event_source *timer; /* WAIT */
        StoreOrder stored;
        RenewOrder *order;

        /* how it ended */
        sd_event_source *end; /* armed when it did */
        char *generation;
        Trouble trouble;
        IssuanceDone done;
        void *userdata;
};

/*
 * An order of librenew for what is on disk.
 * Return: 0, -ENOMEM, -EINVAL and RENEW_E_BAD_STATE as renew_order_new().
 */
int issuance_order_open(const Issuance *i, const StoreOrder *stored, RenewOrder **ret);

/* Takes away what an order that ends here still presents. */
void issuance_order_give_up(RenewOrder *order, ChallengeSolver *solver);

/*
 * Looks for an order of an earlier attempt that can go on: i->stored is it then. Another one is
 * given up. Return: 1 when there is one, 0 when there is none, -errno.
 */
int issuance_order_resume(Issuance *i);

/* Fills i->stored for a new order with this key. Return: 0 or -ENOMEM. */
int issuance_order_describe(Issuance *i, RenewKey *key_take);
