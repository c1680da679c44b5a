/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store/store.h"

/* What is in force of a certificate: the facts of the generation that live/NAME points to. */
typedef struct Issued {
        char *generation; /* NULL: nothing was ever issued */
        char *serial;
        char *fingerprint;
        char *issuer;
        char *ari_id; /* RFC 9773 section 4.1; NULL where the certificate has none */
        char **names;
        RenewKeyType key;
        uint64_t not_before;
        uint64_t not_after;
        uint64_t received; /* by our clock */
} Issued;

void issued_done(Issued *i);

static inline bool issued_is_set(const Issued *i)
{
        return i->generation != NULL;
}

/*
 * Reads it anew. @ret_warning: NULL, or what was wrong and mended; the caller frees it.
 * Return: 0 (also when there is none: i is then empty), -ENOMEM; on another failure to read i is
 * empty.
 */
int issued_load(Issued *i, Store *store, const char *certificate, char **ret_warning);
