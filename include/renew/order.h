/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RENEW_ORDER_H
#define RENEW_ORDER_H

/**
 * @file order.h
 * One order (RFC 8555 section 7.4), from newOrder to a checked certificate chain, in every order of
 * events that the RFC allows; also resumed after a restart from what it asked to be saved.
 *
 * The loop of a caller:
 *
 *     for (;;) {
 *             renew_order_step(order, now, &step);
 *             switch (step.action) { … do it, feed what happened, or wait … }
 *     }
 *
 * The first SAVE comes as soon as the CA gave the order a URL, and before anything else is asked
 * for; others follow whenever something must survive a crash (tokens about to be presented, a
 * certificate's URL). Presented challenges are retracted before DONE and FAILED, also those of a
 * former life that ended in a crash.
 */

#include <renew/session.h>
#include <renew/x509.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct RenewOrder RenewOrder;

/** Everything is copied. */
typedef struct RenewOrderOptions {
        const RenewIdentifier *identifiers; /**< no duplicates, no wildcard with http-01 */
        size_t n_identifiers;
        const char *challenge_type; /**< "http-01" */
        const char *profile;   /**< asked for if the CA advertises it; NULL for the CA's default */
        bool profile_required; /**< fail where it is not advertised */
        const char *replaces;  /**< ARI id of the predecessor (RFC 9773 section 5), or NULL */
        const char *preferred_chain; /**< issuer common name of the chain's top, or NULL */
        const char *state; /**< the last SAVE of this order: resume it, or make another where it is
                            * gone or has ended; NULL for a new one */
} RenewOrderOptions;

/**
 * @param session  a reference is taken; several orders may share it
 * @param key      the certificate's private key, already on disk; a reference is taken. Never the
 *                 account's key (section 11.1).
 * Return: 0, -ENOMEM, -EINVAL (no identifiers, the account's key), RENEW_E_BAD_STATE when
 * options->state is damaged or of other identifiers.
 */
RENEW_PUBLIC int renew_order_new(RenewSession *session, RenewKey *key,
                const RenewOrderOptions *options, RenewOrder **ret_order);

/** Frees the order, whatever its state; accepts NULL. Return: NULL. */
RENEW_PUBLIC RenewOrder *renew_order_free(RenewOrder *order);

/**
 * What is wanted next. Asking twice without feeding answers the same.
 * Return: 0, -ENOMEM, -EIO when signing fails.
 */
RENEW_PUBLIC int renew_order_step(RenewOrder *order, RenewUsec now, RenewStep *ret_step);

/** Feeds the answer to the last SEND. Return: 0, -ENOMEM, -EINVAL when none is awaited. */
RENEW_PUBLIC int renew_order_feed_response(
                RenewOrder *order, RenewUsec now, const RenewResponse *response);

/**
 * Feeds that the last SEND failed on the way; reason is a sentence for people. It goes on with WAIT
 * and another SEND where that can help.
 * Return: 0, -ENOMEM, -EINVAL when no answer is awaited.
 */
RENEW_PUBLIC int renew_order_feed_failure(RenewOrder *order, RenewUsec now, const char *reason);

/** Feeds that the last SAVE is durable. Return: 0, -EINVAL when none was asked for. */
RENEW_PUBLIC int renew_order_feed_saved(RenewOrder *order);

/**
 * Feeds that the challenge of the last PRESENT is visible, or why it cannot be (reason not NULL:
 * the order fails, and what was presented is retracted).
 * Return: 0, -ENOMEM, -EINVAL when none was asked for.
 */
RENEW_PUBLIC int renew_order_feed_presented(RenewOrder *order, RenewUsec now, const char *reason);

/**
 * Feeds that the challenge of the last RETRACT is gone (or cannot be removed: it is not asked
 * again).
 * Return: 0, -EINVAL when none was asked for.
 */
RENEW_PUBLIC int renew_order_feed_retracted(RenewOrder *order);

/**
 * Feeds that a validation request for this token was seen: polling starts now instead of after a
 * few seconds (section 7.5.1 asks not to poll before). Unknown tokens are ignored.
 */
RENEW_PUBLIC void renew_order_feed_validation_seen(
                RenewOrder *order, RenewUsec now, const char *token);

/**
 * Feeds that the session failed; its problem becomes the order's.
 * Return: 0, -ENOMEM, -EINVAL when the session did not fail or the order is at its end.
 */
RENEW_PUBLIC int renew_order_feed_session_failed(RenewOrder *order);

/**
 * Gives up: presented challenges are retracted, then FAILED. The order at the CA is left as it is
 * (its authorizations are never deactivated, section 7.5.2) and can be resumed.
 */
RENEW_PUBLIC void renew_order_cancel(RenewOrder *order);

/** The checked chain after DONE, else NULL. */
RENEW_PUBLIC const RenewChain *renew_order_chain(const RenewOrder *order);

/** Why it FAILED, else NULL. */
RENEW_PUBLIC const RenewProblem *renew_order_problem(const RenewOrder *order);

/**
 * After FAILED: whether the order at the CA is over (invalid, gone, expired, or never made), so
 * that what was saved of it is of no use; false means that it may be resumed later (network
 * trouble, time-out).
 */
RENEW_PUBLIC bool renew_order_is_over(const RenewOrder *order);

/** The order's URL, NULL while it has none. */
RENEW_PUBLIC const char *renew_order_url(const RenewOrder *order);

/** The state for status and journal: "ordering", "validating", … */
RENEW_PUBLIC const char *renew_order_state(const RenewOrder *order);

#ifdef __cplusplus
}
#endif

#endif
