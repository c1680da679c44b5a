/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/key.h>

#include "base/macros.h"

/*
 * JSON Web Signatures as RFC 8555 section 6.2 wants them: flattened JSON, one signature, everything
 * in the protected header.
 */

typedef struct JwsHeader {
        const char *url;   /* byte for byte the request URL (section 6.4) */
        const char *nonce; /* NULL: none (inner JWS, sections 7.3.4 and 7.3.5) */
        const char *kid;   /* the account URL; NULL: the public key as "jwk" instead */
} JwsHeader;

/*
 * Signs with ES256, ES384 or RS256 as the key asks for; ECDSA signatures are R || S of fixed width
 * (RFC 7518 section 3.4). payload "" is POST-as-GET (section 6.3). The caller frees *ret.
 * Return: 0, -ENOMEM, -EIO.
 */
int jws_sign(const RenewKey *key, const JwsHeader *header, const char *payload, char **ret);

/*
 * The HS256 JWS of an external account binding (section 7.3.4) over the public key of account_key.
 * Return: 0, -ENOMEM, -EIO.
 */
int jws_bind(const RenewKey *account_key, const char *eab_key_id, const void *mac_key,
                size_t mac_key_size, const char *url, char **ret);
