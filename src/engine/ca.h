/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include <renew/session.h>

#include "config/config.h"
#include "engine/key-job.h"
#include "engine/pace.h"
#include "engine/trouble.h"
#include "net/http-client.h"
#include "store/store.h"

/*
 * One CA at run time: its connection, our account there, its session. Made for one [CA] section; a
 * reload that changes the section makes a new one, while the old one lives until its last issuance
 * lets go.
 */
typedef struct Ca Ca;
typedef struct CaWaiter CaWaiter;

/* The account is ready (trouble NULL), or cannot be had. May end the waiter's owner. */
typedef void (*CaReady)(const Trouble *trouble, void *userdata);

/* Who waits for the account; embedded in its owner, all zero while idle. */
struct CaWaiter {
        CaReady ready;
        void *userdata;
        CaWaiter **list; /* the list that it is in, NULL: none */
        CaWaiter *prev, *next;
};

/* What a CA is built from; pointers live as long as it does. */
typedef struct CaOptions {
        sd_event *event;
        Store *store;
        HttpClient *http;
        Config *config; /* a reference is taken */
        const ConfigCa *section;
} CaOptions;

/* Return: 0, -ENOMEM, -errno. */
int ca_new(const CaOptions *options, Ca **ret);
Ca *ca_ref(Ca *ca);
Ca *ca_unref(Ca *ca);
DEFINE_CLEANUP(Ca, ca_unref)

const char *ca_name(const Ca *ca);

/* Of new orders to it; the Manager's to use. */
Pace *ca_pace(Ca *ca);

/* Whether it can go on under another configuration's section of its name. If so it takes the
 * section over. */
bool ca_adopt(Ca *ca, Config *config, const ConfigCa *section);

/* Finds or makes the account. The handler is called once, and never from within. */
void ca_wait(Ca *ca, CaWaiter *waiter, CaReady ready, void *userdata);
void ca_wait_cancel(CaWaiter *waiter);

/* After it was ready once. */
RenewSession *ca_session(Ca *ca);
const RenewKey *ca_account_key(const Ca *ca);

/* What became of a request of ours; exactly one is not NULL. */
typedef void (*CaAnswer)(const RenewResponse *response, const char *failure, void *userdata);

typedef struct CaRequest {
        HttpTransfer *transfer; /* NULL: none under way */
        CaAnswer answer;
        void *userdata;
} CaRequest;

/* Sends one request of a session or order; slot is embedded in the owner. Return: 0 or -errno. */
int ca_send(Ca *ca, CaRequest *slot, const RenewRequest *request, CaAnswer answer, void *userdata);
void ca_request_cancel(CaRequest *slot);
