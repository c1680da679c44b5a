/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pool of nonces of one CA. Last in, first out: CAs forget old ones first. What is older than
 * an hour is dropped rather than tried (Let's Encrypt binds nonces to a data centre and forgets
 * them).
 */

#include "acme/nonce.h"

#include "acme/header.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/timestamp.h"

#define NONCE_LIFETIME USEC_PER_HOUR

void nonce_pool_done(NoncePool *pool)
{
        while (pool->n > 0)
                free(pool->items[--pool->n].value);
}

int nonce_from_response(const RenewResponse *response, char **ret)
{
        const char *value = header_find(response, "Replay-Nonce");
        char *copy = NULL;

        if (value && strlen(value) <= LIMIT_NONCE && text_is_base64url(value)) {
                copy = strdup(value);
                if (!copy)
                        return -ENOMEM;
        }
        *ret = copy;
        return 0;
}

void nonce_pool_put(NoncePool *pool, char *nonce_take, RenewUsec now)
{
        if (!nonce_take)
                return;
        if (pool->n == NONCE_POOL_SIZE) {
                free(pool->items[0].value);
                memmove(&pool->items[0], &pool->items[1], --pool->n * sizeof(pool->items[0]));
        }
        pool->items[pool->n].value = nonce_take;
        pool->items[pool->n++].received = now;
}

char *nonce_pool_take(NoncePool *pool, RenewUsec now)
{
        if (pool->n > 0) {
                RenewUsec received = pool->items[pool->n - 1].received;

                /* Also when the clock was set back: then nobody knows how old it is. */
                if (received <= now && now - received <= NONCE_LIFETIME)
                        return pool->items[--pool->n].value;
        }
        nonce_pool_done(pool); /* the youngest is too old, and so are all below it */
        return NULL;
}
