/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-state: any text as what an account or an order saved. What is taken can be driven: an order
 * that is given up takes away what its former life presented, and its tokens are fit to be part of
 * a path.
 */

#include <renew/order.h>

#include "acme/header.h"
#include "base/limits.h"
#include "fuzz-util.h"

#define DIRECTORY_URL "https://ca.example/directory"

static void check_session(RenewKey *key, const char *state)
{
        const RenewSessionOptions options = {
                .directory_url = DIRECTORY_URL, .user_agent = "fuzz", .state = state
        };
        RenewSession *session = NULL;
        RenewStep step;
        int r = renew_session_new(&options, key, &session);

        if (r != 0) {
                check(r == RENEW_E_BAD_STATE && !session);
                return;
        }
        check(url_is_usable(renew_session_account_url(session), false));
        check(renew_session_step(session, FUZZ_NOW, &step) == 0);
        check(step.action == RENEW_ACTION_SEND && streq(step.request->url, DIRECTORY_URL));
        check(!renew_session_unref(session));
}

static void check_retraction(RenewOrder *order)
{
        RenewStep step;
        unsigned n = 0;

        for (;;) {
                check(renew_order_step(order, FUZZ_NOW, &step) == 0);
                if (step.action == RENEW_ACTION_SAVE) {
                        check(renew_order_feed_saved(order) == 0);
                        continue;
                }
                if (step.action != RENEW_ACTION_RETRACT)
                        break;
                check(text_is_base64url(step.challenge->token));
                check(strlen(step.challenge->token) <= LIMIT_TOKEN);
                check(renew_order_feed_retracted(order) == 0);
                check(++n < 1000000);
        }
        check(step.action == RENEW_ACTION_FAILED);
}

static void check_order(RenewSession *session, RenewKey *key, const char *state)
{
        const RenewOrderOptions options = { .identifiers = fuzz_names,
                .n_identifiers = ELEMENTSOF(fuzz_names),
                .challenge_type = "http-01",
                .state = state };
        RenewOrder *order = NULL;
        int r = renew_order_new(session, key, &options, &order);

        if (r != 0) {
                check(r == RENEW_E_BAD_STATE && !order);
                return;
        }
        check(url_is_usable(renew_order_url(order), false));
        renew_order_cancel(order);
        check_retraction(order);
        check_text(renew_order_problem(order)->detail);
        check(!renew_order_chain(order));
        check(!renew_order_free(order));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const RenewSessionOptions options = { .directory_url = DIRECTORY_URL,
                .user_agent = "fuzz" };
        static RenewKey *account_key, *key;
        _cleanup_free_ char *state = strndup((const char *) data, size);
        RenewSession *session;

        if (!key) {
                account_key = fuzz_key(FUZZ_ACCOUNT_KEY);
                key = fuzz_key(FUZZ_KEY);
        }
        check(state);
        check_session(account_key, state);
        check(renew_session_new(&options, account_key, &session) == 0);
        check_order(session, key, state);
        check(!renew_session_unref(session));
        return 0;
}
