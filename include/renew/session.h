/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RENEW_SESSION_H
#define RENEW_SESSION_H

/**
 * @file session.h
 * One CA: its directory (RFC 8555 section 7.1.1), a pool of nonces (6.5) and our account there
 * (7.3).
 *
 * A session is driven like an order: ask for the next step, do it, feed what happened, ask again.
 * When it says DONE, orders can be made; any number of them share it. It finds the account by its
 * key before it creates one, and creates none without the operator's consent to the terms of
 * service.
 */

#include <stdbool.h>

#include <renew/http.h>
#include <renew/key.h>
#include <renew/problem.h>
#include <renew/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum RenewAction {
        RENEW_ACTION_SEND,    /**< send .request, then feed the response or the failure */
        RENEW_ACTION_SAVE,    /**< write .state durably, then feed_saved() */
        RENEW_ACTION_PRESENT, /**< make .challenge visible, then renew_order_feed_presented() */
        RENEW_ACTION_RETRACT, /**< take .challenge away, then renew_order_feed_retracted() */
        RENEW_ACTION_WAIT,    /**< ask again at .until, or when something was fed */
        RENEW_ACTION_SESSION, /**< drive the order's session until it is done, then ask again */
        RENEW_ACTION_DONE,
        RENEW_ACTION_FAILED,
} RenewAction;

/** A challenge to be answered (RFC 8555 section 8). Owned by the order, valid until it is fed. */
typedef struct RenewChallenge {
        const char *type; /**< "http-01" */
        RenewIdentifier identifier;
        const char *token;             /**< base64url alphabet only, at most 255 characters */
        const char *key_authorization; /**< token "." thumbprint (section 8.1) */
} RenewChallenge;

/** What is wanted next. Pointers belong to the object asked and live until it is fed. */
typedef struct RenewStep {
        RenewAction action;
        const RenewRequest *request; /**< SEND */
        const char *state; /**< SAVE: JSON text, for ..._new() after a restart; no secret in it */
        const RenewChallenge
                        *challenge; /**< PRESENT, RETRACT (then key_authorization may be NULL) */
        RenewUsec until;            /**< WAIT */
} RenewStep;

typedef struct RenewSession RenewSession;

/** Everything is copied. */
typedef struct RenewSessionOptions {
        const char *directory_url; /**< https only */
        const char *user_agent;    /**< RFC 8555 section 6.1 */
        const char *const *
                        contacts; /**< e-mail addresses or mailto: URLs, NULL-terminated; may be NULL */
        const char *state;        /**< the last SAVE of this account, NULL when new */
        const char *eab_key_id;   /**< external account binding (section 7.3.4), or NULL */
        const char *eab_hmac_key; /**< base64 or base64url, padded or not; wiped after use */
        bool terms_agreed;        /**< the operator consented to whatever terms the CA names */
        bool reregister; /**< make a new account when the CA forgot ours (private and test CAs) */
        bool allow_plain_http; /**< for tests only: take http:// URLs */
} RenewSessionOptions;

/**
 * @param account_key  a reference is taken
 * Return: 0, -ENOMEM, -EINVAL for a URL that is not https, an address that is none, or an EAB key
 * that is not base64; RENEW_E_BAD_STATE when options->state is damaged or of another CA.
 */
RENEW_PUBLIC int renew_session_new(const RenewSessionOptions *options, RenewKey *account_key,
                RenewSession **ret_session);

RENEW_PUBLIC RenewSession *renew_session_ref(RenewSession *session);

/** Drops a reference; accepts NULL. Return: NULL. */
RENEW_PUBLIC RenewSession *renew_session_unref(RenewSession *session);

/**
 * What is wanted next: SEND, SAVE, WAIT, DONE or FAILED. Asking twice without feeding answers the
 * same. DONE means that the directory is known (not older than a day) and the account was found or
 * created. FAILED stays until renew_session_restart().
 *
 * @param now  wall time
 * Return: 0, -ENOMEM, -EIO when signing fails.
 */
RENEW_PUBLIC int renew_session_step(RenewSession *session, RenewUsec now, RenewStep *ret_step);

/** Feeds the answer to the last SEND. Return: 0, -ENOMEM, -EINVAL when none is awaited. */
RENEW_PUBLIC int renew_session_feed_response(
                RenewSession *session, RenewUsec now, const RenewResponse *response);

/**
 * Feeds that the last SEND failed on the way; reason is a sentence for people.
 * Return: 0, -ENOMEM, -EINVAL when no answer is awaited.
 */
RENEW_PUBLIC int renew_session_feed_failure(
                RenewSession *session, RenewUsec now, const char *reason);

/** Feeds that the last SAVE is durable. Return: 0, -EINVAL when none was asked for. */
RENEW_PUBLIC int renew_session_feed_saved(RenewSession *session);

/** Begins anew after a failure, or for a fresh look at the directory; keeps account and nonces. */
RENEW_PUBLIC void renew_session_restart(RenewSession *session);

/** Why the session failed; NULL when it did not. */
RENEW_PUBLIC const RenewProblem *renew_session_problem(const RenewSession *session);

/** The account URL ("kid"), NULL while unknown. CAA records may name it (RFC 8657). */
RENEW_PUBLIC const char *renew_session_account_url(const RenewSession *session);

/** URL of the terms of service as the directory has it, but printable and at most 2048 bytes long; NULL
 * while unknown or where there are none. */
RENEW_PUBLIC const char *renew_session_terms_url(const RenewSession *session);

/** Whether the CA offers renewal information (RFC 9773). */
RENEW_PUBLIC bool renew_session_has_renewal_info(const RenewSession *session);

/**
 * The names by which the CA goes in CAA records (RFC 8555 section 7.1.1, caaIdentities): domain
 * names, NULL-terminated, never NULL; none while the directory is unknown or where it names none.
 * They belong to the session and change with its directory.
 */
RENEW_PUBLIC const char *const *renew_session_caa_identities(const RenewSession *session);

/**
 * The request for a certificate's renewal information (RFC 9773 section 4.1): a plain GET, which
 * needs no account. Its answer goes to renew_renewal_info_read().
 *
 * @param ari_id       renew_chain_ari_id() of a certificate of this CA
 * @param ret_request  the session's, until it is asked for the next one or freed
 * Return: 0, -ENOMEM, -ENOTSUP where the directory is not known or has no renewal information.
 */
RENEW_PUBLIC int renew_session_renewal_info_request(
                RenewSession *session, const char *ari_id, const RenewRequest **ret_request);

/** Whether the directory advertises the profile (draft-ietf-acme-profiles). */
RENEW_PUBLIC bool renew_session_has_profile(const RenewSession *session, const char *profile);

#ifdef __cplusplus
}
#endif

#endif
