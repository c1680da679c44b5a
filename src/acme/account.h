/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/key.h>
#include <renew/session.h>

#include "acme/directory.h"
#include "base/macros.h"

/* Our registration at a CA (RFC 8555 section 7.3): what is sent to get it and what is kept of it.
 */
typedef struct Account {
        char *url;           /* "kid", as the Location of newAccount had it; NULL: unknown */
        char *terms;         /* URL of the terms that the operator consented to, NULL: none */
        RenewUsec agreed_at; /* when that was sent */
        char **contacts;     /* mailto: URLs */
        char *eab_key_id;    /* NULL: no external binding */
        void *eab_key;       /* secret, wiped once it was used */
        size_t eab_key_size;
} Account;

void account_done(Account *a);
void account_wipe_binding(Account *a);

/* Return: 0, -ENOMEM, -EINVAL when it is no address, or one that no CA takes. */
int account_add_contact(Account *a, const char *contact);

/* Return: 0, -ENOMEM, -EINVAL when the key is not base64. */
int account_set_binding(Account *a, const char *key_id, const char *key);

/* The payload of newAccount that asks for an existing account (section 7.3.1), of static storage.
 */
const char *account_find_payload(void);

/* The payload that creates one (sections 7.3 and 7.3.4); the caller frees. Return: 0, -ENOMEM,
 * -EIO. */
int account_create_payload(const Account *a, const Directory *directory, const RenewKey *key,
                bool agreed, char **ret);

/* What is saved of it, and read again. Return: 0, -ENOMEM, RENEW_E_BAD_STATE. */
int account_save(const Account *a, const char *directory_url, char **ret);
int account_load(Account *a, const char *directory_url, bool plain_http, const char *state);
