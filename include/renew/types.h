/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RENEW_TYPES_H
#define RENEW_TYPES_H

/**
 * @file types.h
 * What all of librenew shares: the error contract, time, identifiers.
 *
 * librenew is the ACME protocol (RFC 8555) without I/O. It opens no socket, reads no clock, touches
 * no file and logs nothing: objects say what they want next (RenewStep in session.h) and are fed
 * with what happened. Nothing in it is locked; an object belongs to one thread at a time.
 *
 * Error contract of every function that returns int: below zero is a negative errno (-ENOMEM;
 * -EINVAL for an argument or text that is no such thing), zero is success, above zero is a
 * condition named in that function's documentation (RENEW_E_*), which the direct caller handles.
 * Outputs are set on success and untouched on failure. After -ENOMEM an object may be asked again
 * or freed; what was fed is lost.
 *
 * Ownership: what a function returns through a `ret_` argument belongs to the caller; what an
 * accessor returns as const belongs to the object and lives until its next change.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define RENEW_PUBLIC __attribute__((visibility("default")))
#else
#define RENEW_PUBLIC
#endif

/** A point in time in microseconds since 1970-01-01 00:00 UTC, or a span of microseconds. */
typedef uint64_t RenewUsec;

/** An instant that never comes. */
#define RENEW_USEC_NEVER UINT64_MAX

/** Positive conditions. Each function's documentation says which of them it can return. */
enum {
        RENEW_E_BAD_PEM = 1,     /**< not strict PEM, or PEM of something else (RFC 7468) */
        RENEW_E_BAD_CERTIFICATE, /**< the CA's certificate is not what was asked for */
        RENEW_E_BAD_STATE,       /**< saved state is damaged or of another version */
        RENEW_E_WEAK_KEY,        /**< a key that no CA takes */
        RENEW_E_NO_RENEWAL_INFO, /**< the CA suggests no window */
};

/** What a certificate names (RFC 8555 section 9.7.7, RFC 8738). */
typedef enum RenewIdentifierType {
        RENEW_IDENTIFIER_DNS, /**< a domain name in lower-case A-labels */
        RENEW_IDENTIFIER_IP,  /**< an IPv4 address, or an IPv6 address as RFC 5952 writes it */
} RenewIdentifierType;

typedef struct RenewIdentifier {
        RenewIdentifierType type;
        const char *value;
} RenewIdentifier;

#ifdef __cplusplus
}
#endif

#endif
