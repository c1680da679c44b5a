/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include <renew/problem.h>
#include <renew/types.h>

#include "base/macros.h"

/* One authorization of an order (RFC 8555 section 7.1.4) with the one challenge of it that we use.
 */

typedef enum AuthzStatus {
        AUTHZ_PENDING,
        AUTHZ_VALID,
        AUTHZ_INVALID, /* also deactivated, expired, revoked and what we do not know */
} AuthzStatus;

typedef struct Authz {
        char *url;
        RenewIdentifierType type;
        char *name; /* as it was asked for, with "*." of a wildcard; NULL until it was read */
        AuthzStatus status;
        char *challenge_url; /* NULL: no challenge of our type */
        char *token;
        bool processing; /* the CA was told before and is at it */
        bool answered;   /* we told it in this life */
        bool seen;       /* its validation request came by */
} Authz;

void authz_done(Authz *a);

/*
 * Reads what the CA says of it. An unknown challenge type, or a challenge without a usable token,
 * is passed over.
 *
 * @where        for problems
 * @ret_problem  set when the authorization is invalid: why, with the identifier; and when the
 *               object makes no sense
 * Return: 0, -ENOMEM, >0 when it makes no sense.
 */
int authz_read(Authz *a, const json_t *object, const char *challenge_type, bool plain_http,
                RenewProblem **ret_problem);
