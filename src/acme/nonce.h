/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/http.h>

#include "base/macros.h"

/* Nonces of one CA that were handed out with its answers and not used yet (RFC 8555 section 6.5).
 */

#define NONCE_POOL_SIZE 10U

typedef struct NoncePool {
        struct {
                char *value;
                RenewUsec received;
        } items[NONCE_POOL_SIZE];
        size_t n;
} NoncePool;

void nonce_pool_done(NoncePool *pool);

/* A copy of the response's Replay-Nonce; *ret is NULL when it has none, or one that is not
 * base64url (section 6.5.1). Return: 0, -ENOMEM. */
int nonce_from_response(const RenewResponse *response, char **ret);

/* Takes a nonce over (NULL: nothing); the oldest makes room. */
void nonce_pool_put(NoncePool *pool, char *nonce_take, RenewUsec now);

/* The youngest, which the caller frees; NULL when there is none that may still be good. */
char *nonce_pool_take(NoncePool *pool, RenewUsec now);
