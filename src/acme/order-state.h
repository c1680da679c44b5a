/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/*
 * Where our work on an order stands. This is not the CA's status of it, which is an event: whatever
 * state we are in, the CA may say that the order is ready, or invalid.
 */
typedef enum OrderState {
        ORDER_ORDERING,    /* newOrder */
        ORDER_READING,     /* asking for the order again: resumed, or its status is in doubt */
        ORDER_AUTHORIZING, /* reading the authorizations */
        ORDER_PRESENTING,  /* challenges are being made visible */
        ORDER_ANSWERING,   /* telling the CA that they are */
        ORDER_VALIDATING,  /* the CA looks at them */
        ORDER_FINALIZING,  /* handing in the CSR */
        ORDER_ISSUING,     /* the CA makes the certificate */
        ORDER_DOWNLOADING,
        ORDER_EXPLAINING, /* the order is invalid: reading the authorizations for the reason */
        ORDER_RETRACTING, /* it is known how it ends; challenges are taken away */
        ORDER_DONE,
        ORDER_FAILED,
} OrderState;

/* Whether the one may follow the other. */
bool order_state_may_follow(OrderState from, OrderState to);

/* "ordering", "reading", …: for status and journal. */
const char *order_state_to_string(OrderState state);
