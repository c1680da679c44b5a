/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RENEW_RENEWAL_H
#define RENEW_RENEWAL_H

/**
 * @file renewal.h
 * When: pure arithmetic on instants. Randomness is an argument (any 64 random bits), so that the
 * same question has the same answer and a caller that persists the number keeps the instant.
 */

#include <stdbool.h>

#include <renew/http.h>
#include <renew/problem.h>
#include <renew/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How long before notAfter a renewal is wanted. All zero: the rule below. */
typedef struct RenewBefore {
        unsigned percent; /**< of the lifetime, 1 to 90; 0 = not given so */
        RenewUsec span;   /**< a duration; 0 = not given so */
} RenewBefore;

/**
 * The instant to renew at without renewal information: when a third of the lifetime is left, or a
 * half of a lifetime below ten days, less a jitter of up to a fiftieth of the lifetime. A wish in
 * `before` replaces the fraction, but never asks for a renewal before a tenth of the lifetime has
 * passed (30 days before the end of a certificate that lives for six must not loop).
 */
RENEW_PUBLIC RenewUsec renew_renewal_due(RenewUsec not_before, RenewUsec not_after,
                const RenewBefore *before, uint64_t random);

/** The latest instant for a renewal, whatever a CA suggests: when a sixth of the lifetime is left, or a
 * quarter of one below ten days. */
RENEW_PUBLIC RenewUsec renew_renewal_latest(RenewUsec not_before, RenewUsec not_after);

/** What a CA suggests for one certificate (RFC 9773 section 4.2). All zero: nothing. */
typedef struct RenewRenewalInfo {
        RenewUsec start, end;  /**< the window; start < end */
        char *explanation_url; /**< a page for the operator, printable; NULL: none */
        RenewUsec poll_at;     /**< when to ask again */
} RenewRenewalInfo;

/** Frees what it holds. */
RENEW_PUBLIC void renew_renewal_info_done(RenewRenewalInfo *info);

/**
 * Reads the answer to renew_session_renewal_info_request(). poll_at is what Retry-After asks for,
 * between a minute and a day, six hours where it asks for nothing (section 4.3.2).
 *
 * @param ret  the caller frees it with renew_renewal_info_done()
 * Return: 0, -ENOMEM, RENEW_E_NO_RENEWAL_INFO for anything but a window that begins before it ends.
 */
RENEW_PUBLIC int renew_renewal_info_read(
                const RenewResponse *response, RenewUsec now, RenewRenewalInfo *ret);

/**
 * When to ask again after renew_renewal_info_read() found nothing, or no answer came: after 1, 2,
 * 4, … 32 minutes of a server in trouble (5xx), else after six hours (section 4.3.3), and not
 * before Retry-After.
 *
 * @param response  NULL: none came
 * @param failures  in a row, this one counted
 */
RENEW_PUBLIC RenewUsec renew_renewal_info_retry_at(
                const RenewResponse *response, unsigned failures, RenewUsec now);

/**
 * The instant to renew at: drawn once, evenly from the window; to be kept until the window changes
 * (drawing again at every poll would draw early). What would be past is now, spread by up to half
 * an hour and a fiftieth of the lifetime, inside the window while it lasts.
 *
 * @param random  64 random bits
 */
RENEW_PUBLIC RenewUsec renew_renewal_pick(
                const RenewRenewalInfo *info, RenewUsec lifetime, RenewUsec now, uint64_t random);

/** What is remembered of a streak of failures. Zero: none. */
typedef struct RenewFailures {
        unsigned count;       /**< failures in a row, saturating */
        RenewUsec first;      /**< instant of the first one */
        RenewUsec last;       /**< instant of the last one */
        RenewRetry retry;     /**< class of the last one */
        RenewUsec not_before; /**< the CA's wish with the last one, 0 = none */
} RenewFailures;

/**
 * The instant of the next attempt after a failure.
 *
 * Network trouble: after 1, 10, 100 minutes, then every 6 hours but at most a tenth of the time
 * left and at least 30 minutes. Validation: the same for the first day of failing, then daily, with
 * the same bounds. Expired or never issued (not_after 0 or past): after 1 and 10 minutes (a machine
 * that boots before its network must not wait an hour), then hourly for 30 days and then daily;
 * validation likewise hourly for the first day, daily for 30 days, then weekly; the 30 days count
 * from the end of the certificate. RENEW_RETRY_DAILY: a day. RENEW_RETRY_HELD: never. Every
 * interval plus up to a quarter; for lifetimes under a day all of them are multiplied by lifetime /
 * 1 day and are at least 1 second. Nothing overflows, however many failures there were, and never
 * before failures->not_before.
 *
 * @param failures   count >= 1
 * @param not_before, not_after  of the certificate in force, both 0 when there is none
 */
RENEW_PUBLIC RenewUsec renew_renewal_retry_at(const RenewFailures *failures, RenewUsec not_before,
                RenewUsec not_after, uint64_t random);

#ifdef __cplusplus
}
#endif

#endif
