/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The states of RenewOrder and the edges between them.
 *
 *     ordering, reading --> authorizing --> presenting --> answering --> validating
 *            |                   |    ^                        |             |
 *            |                   |    +-- the reply was lost --+             |
 *            |                   +--------- nothing left to prove -----------+
 *            v                                                               v
 *     (whatever the CA says the order is) --> finalizing --> issuing --> downloading --+
 *            |                                                                         |
 *            +--> explaining --> retracting --> done, failed                           |
 *                                    ^-------------------------------------------------+
 *
 * A status of the CA leads from every state that reads the order to the same five places, which are
 * written once.
 */

#include "acme/order-state.h"

#define TO(state) (1U << ORDER_##state)

/* Where what the CA says of the order leads (RFC 8555 section 7.1.6); any trouble ends in
 * RETRACTING, and an account that the CA forgot begins anew. */
#define BY_STATUS                                                                            \
        (TO(AUTHORIZING) | TO(VALIDATING) | TO(FINALIZING) | TO(ISSUING) | TO(DOWNLOADING) | \
                        TO(EXPLAINING) | TO(RETRACTING) | TO(ORDERING))

static const struct {
        const char *name;
        unsigned edges;
} states[] = {
        [ORDER_ORDERING] = { "ordering", BY_STATUS },
        [ORDER_READING] = { "reading", BY_STATUS },
        [ORDER_AUTHORIZING] = { "authorizing", TO(PRESENTING) | TO(VALIDATING) | TO(EXPLAINING) |
                                                               TO(RETRACTING) | TO(ORDERING) },
        [ORDER_PRESENTING] = { "presenting", TO(ANSWERING) | TO(RETRACTING) | TO(ORDERING) },
        [ORDER_ANSWERING] = { "answering",
                        TO(VALIDATING) | TO(AUTHORIZING) | TO(RETRACTING) | TO(ORDERING) },
        [ORDER_VALIDATING] = { "validating", BY_STATUS },
        [ORDER_FINALIZING] = { "finalizing", BY_STATUS | TO(READING) },
        [ORDER_ISSUING] = { "issuing", BY_STATUS },
        [ORDER_DOWNLOADING] = { "downloading", TO(RETRACTING) | TO(ORDERING) },
        [ORDER_EXPLAINING] = { "explaining", TO(RETRACTING) | TO(ORDERING) },
        [ORDER_RETRACTING] = { "retracting", TO(DONE) | TO(FAILED) },
        [ORDER_DONE] = { "done", 0 },
        [ORDER_FAILED] = { "failed", 0 },
};

bool order_state_may_follow(OrderState from, OrderState to)
{
        return states[from].edges & 1U << to;
}

const char *order_state_to_string(OrderState state)
{
        return states[state].name;
}
