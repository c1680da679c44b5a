/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/key.h>
#include <renew/session.h>

#include "script.h"

#define CA_URL      "https://ca.example"
#define ACCOUNT_URL CA_URL "/account/1"

/* What a customer of this CA was given. */
#define CA_EAB_KEY_ID "key-1"
#define CA_EAB_KEY    "?>?>>> and some more octets here"

/*
 * The CA's side of a transcript: looks at requests as strictly as any server does, and makes the
 * certificates that answers hold.
 */
typedef struct Ca {
        RenewKey *account_key;
        RenewKey *certificate_key;
        const char *names; /* that the order is for */
        char **nonces;     /* given out and not used yet */
        unsigned n_given;
        bool check_signatures;
} Ca;

void ca_done(Ca *ca);

/* A new nonce, valid until it is used. */
const char *ca_give_nonce(Ca *ca);

/* Ends the program when the request is not what the item says, or what RFC 8555 wants. */
void ca_check_request(Ca *ca, const Item *item, const RenewRequest *request, const char *kid);

/* --- issue.c ---------------------------------------------------------------------------------- */

/*
 * The text of an answer's body. "@certificate" stands for a chain, with words for what is wrong
 * with it: names=a,b key=other root=NAME days=N start=N (days from now) with-key text ca-leaf no-
 * server; "@bytes N" for N of them. The caller frees.
 */
char *ca_expand(const Ca *ca, const Item *item, const char *body, RenewUsec now);
