/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/renew.h>

#include "base/strv.h"
#include "ca.h"
#include "script.h"

/*
 * One conversation of a session and an order with the CA of a script, as far as it is wanted.
 */
typedef struct Run {
        const Script *script;
        const Item *item; /* at hand, for messages */
        Ca ca;
        RenewUsec now;
        RenewSession *session;
        RenewOrder *order;
        RenewOrder *other; /* in the same session, not driven at the moment */
        bool in_session;   /* the order asked for its session */
        bool tolerant;     /* an allocation may fail */
        bool bad_state;    /* what was saved was refused: the script is to say so */
        char *kid;         /* the account of the requests that come */
        char *saved_session, *saved_order;
        char **visible; /* tokens that are presented */
} Run;

enum {
        RUN_FOLLOWED,
        RUN_LEFT, /* an allocation failed: what comes of it is not the script's to say */
};

/* The certificate's key is the Ca's. Return: RUN_FOLLOWED, RUN_LEFT. */
int run_begin(Run *run, const Script *script, RenewKey *account_key, RenewKey *certificate_key,
                bool tolerant);
void run_done(Run *run);

/* Follows the first n items; ends the program where something else happens than they say. */
int run_follow(Run *run, size_t n);

/* It is given up. */
int run_cancel(Run *run);

/* The program dies and is started again: nothing is left but what was saved. */
int run_restart(Run *run);

/*
 * To the end without the script: no request arrives any more, time passes. Ends the program unless
 * this comes to DONE with a good chain or to FAILED, and with no token left visible.
 */
void run_to_end(Run *run);
