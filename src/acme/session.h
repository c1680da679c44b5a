/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/session.h>

#include "acme/directory.h"
#include "acme/exchange.h"

/* What an order sees of its session. */

/* Whether orders can be sent: the directory is known and so is the account. */
bool session_is_ready(const RenewSession *s, RenewUsec now);

/* For exchange_...(). Only while it is ready. */
ExchangePeer session_peer(RenewSession *s);

const Directory *session_directory(const RenewSession *s);
const RenewKey *session_key(const RenewSession *s);
bool session_takes_plain_http(const RenewSession *s);

/* When the account was created or found by this very session, 0 when it was known before. */
RenewUsec session_account_since(const RenewSession *s);

/* A URL of the directory led nowhere: the next steps fetch it anew. */
void session_refresh(RenewSession *s, RenewUsec now);

/* The CA does not know the account any more: the next steps find it or make it anew. */
void session_forget_account(RenewSession *s);
