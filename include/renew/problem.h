/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RENEW_PROBLEM_H
#define RENEW_PROBLEM_H

/**
 * @file problem.h
 * Why something failed: the CA's problem document (RFC 7807, RFC 8555 section 6.7) or librenew's
 * own finding, in one form; and the one function that says what to do about it.
 */

#include <renew/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum RenewProblemType {
        /* RFC 8555 section 6.7 */
        RENEW_PROBLEM_ACCOUNT_DOES_NOT_EXIST,
        RENEW_PROBLEM_ALREADY_REVOKED,
        RENEW_PROBLEM_BAD_CSR,
        RENEW_PROBLEM_BAD_NONCE,
        RENEW_PROBLEM_BAD_PUBLIC_KEY,
        RENEW_PROBLEM_BAD_REVOCATION_REASON,
        RENEW_PROBLEM_BAD_SIGNATURE_ALGORITHM,
        RENEW_PROBLEM_CAA,
        RENEW_PROBLEM_COMPOUND,
        RENEW_PROBLEM_CONNECTION,
        RENEW_PROBLEM_DNS,
        RENEW_PROBLEM_EXTERNAL_ACCOUNT_REQUIRED,
        RENEW_PROBLEM_INCORRECT_RESPONSE,
        RENEW_PROBLEM_INVALID_CONTACT,
        RENEW_PROBLEM_MALFORMED,
        RENEW_PROBLEM_ORDER_NOT_READY,
        RENEW_PROBLEM_RATE_LIMITED,
        RENEW_PROBLEM_REJECTED_IDENTIFIER,
        RENEW_PROBLEM_SERVER_INTERNAL,
        RENEW_PROBLEM_TLS,
        RENEW_PROBLEM_UNAUTHORIZED,
        RENEW_PROBLEM_UNSUPPORTED_CONTACT,
        RENEW_PROBLEM_UNSUPPORTED_IDENTIFIER,
        RENEW_PROBLEM_USER_ACTION_REQUIRED,
        /* beside it */
        RENEW_PROBLEM_ALREADY_REPLACED, /**< RFC 9773 section 7.4 */
        RENEW_PROBLEM_INVALID_PROFILE,  /**< draft-ietf-acme-profiles */
        RENEW_PROBLEM_CONFLICT,         /**< boulder's own */
        RENEW_PROBLEM_PAUSED,           /**< rateLimited with a link by which a human ends it */
        RENEW_PROBLEM_UNKNOWN,          /**< judged by its HTTP status */
        /* found by us */
        RENEW_PROBLEM_TRANSPORT,       /**< the CA could not be reached or did not finish */
        RENEW_PROBLEM_BAD_RESPONSE,    /**< an answer that is not ACME */
        RENEW_PROBLEM_BAD_CERTIFICATE, /**< the certificate is not what was asked for */
        RENEW_PROBLEM_CHALLENGE,       /**< no usable challenge, or ours could not be presented */
        RENEW_PROBLEM_TIMED_OUT,       /**< the CA did not decide in time */
        RENEW_PROBLEM_EXPIRED,         /**< the order ended before it was done */
        RENEW_PROBLEM_TERMS,           /**< the terms of service await the operator's consent */
        RENEW_PROBLEM_CONFIGURATION,   /**< something that only the operator can mend */
} RenewProblemType;

/** What to do about a problem; the engine acts on this alone. */
typedef enum RenewRetry {
        RENEW_RETRY_NOW,        /**< at once, with the same intent (badNonce) */
        RENEW_RETRY_NETWORK,    /**< the network or the CA is in trouble: later, persistently */
        RENEW_RETRY_VALIDATION, /**< validation or something unknown failed: later, and slower */
        RENEW_RETRY_DAILY,      /**< a human must act; one probe a day */
        RENEW_RETRY_HELD,       /**< nothing to hope for until the configuration changes */
} RenewRetry;

/** One identifier's part of a problem (RFC 8555 section 6.7.1). Strings are escaped, never NULL. */
typedef struct RenewSubproblem {
        RenewProblemType type;
        char *detail;
        char *identifier;
} RenewSubproblem;

/**
 * A problem. All text of the CA is printable and at most 512 bytes long (.instance: 2048), and ends
 * in "..." where it was cut. Owned by the object whose accessor returned it.
 */
typedef struct RenewProblem {
        RenewProblemType type;
        unsigned status; /**< of the HTTP response, 0 where there was none */
        char *urn;       /**< "urn:ietf:params:acme:error:caa"; ours: "renewd:bad-certificate" */
        char *detail;    /**< a sentence, never NULL */
        char *where;     /**< "newOrder", "challenge of www.example.com", …, never NULL */
        char *instance;  /**< URL for a human (terms, unpause), or NULL */
        RenewUsec not_before; /**< the CA asks for no retry before this instant; 0: it does not */
        RenewSubproblem *subproblems;
        size_t n_subproblems;
} RenewProblem;

/** The retry class (a property of the problem, wherever it came from; RFC 8555 section 6.7). */
RENEW_PUBLIC RenewRetry renew_problem_retry(const RenewProblem *problem);

/** "connection", "rate-limited", "bad-certificate", …: for status, journal and metrics. */
RENEW_PUBLIC const char *renew_problem_type_to_string(RenewProblemType type);

/** "now", "network", "validation", "daily", "held". */
RENEW_PUBLIC const char *renew_retry_to_string(RenewRetry retry);

/** Return: 0 or -EINVAL. */
RENEW_PUBLIC int renew_retry_from_string(const char *s, RenewRetry *ret_retry);

#ifdef __cplusplus
}
#endif

#endif
