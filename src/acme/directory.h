/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/http.h>
#include <renew/problem.h>

#include "base/macros.h"

/* What a CA says of itself (RFC 8555 section 7.1.1). All URLs are its own, byte for byte. */
typedef struct Directory {
        char *new_nonce; /* these three are always there */
        char *new_account;
        char *new_order;
        char *renewal_info; /* RFC 9773; NULL: not offered */
        char *terms;        /* any scheme; NULL: none */
        bool account_binding_required;
        char **profiles;       /* names */
        char **caa_identities; /* domain names (RFC 8659 section 4.2) */
} Directory;

void directory_done(Directory *d);

/*
 * Reads the answer to GET of the directory URL.
 * Return: 0, -ENOMEM, >0 when it is no directory: *ret_problem says so.
 */
int directory_read(const RenewResponse *response, RenewUsec now, bool plain_http, Directory *ret,
                RenewProblem **ret_problem);
