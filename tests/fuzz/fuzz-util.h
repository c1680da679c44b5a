/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the fuzzers of librenew share. The keys are made for them and used nowhere else; the
 * certificates in the corpora are for FUZZ_KEY. */

#include <renew/problem.h>
#include <renew/x509.h>

#include "base/text.h"
#include "base/timestamp.h"
#include "fuzz.h"

#define FUZZ_NOW (UINT64_C(1790000000) * USEC_PER_SEC) /* 2026-09-21 */

#define FUZZ_KEY                                                             \
        "-----BEGIN PRIVATE KEY-----\n"                                      \
        "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgEdMwBWBvPBN9I8xY\n" \
        "md+IOdjuGpOqs3FhXs5D1C0LyHahRANCAASEBja1wdHc4Zmsmvo1jhDsYQCVJYME\n" \
        "3ae4WtXsm5q6783qqdjj6EfjZneKV3enX9SFuYUUllDwFJM2x+hskzdI\n"         \
        "-----END PRIVATE KEY-----\n"
#define FUZZ_ACCOUNT_KEY                                                     \
        "-----BEGIN PRIVATE KEY-----\n"                                      \
        "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQggpD8T9wn5G0lTgM+\n" \
        "qOugMixuWDRJvL2UzAZbZzWg7M+hRANCAAScm/2rUnqTkUYfR1/Ylbsey1JRWnVA\n" \
        "a7cz1O3gee3Dc7ICAInidVAWgBlhMeYpxhDLMRQOm19mRVH+Btznmqfu\n"         \
        "-----END PRIVATE KEY-----\n"

static inline RenewKey *fuzz_key(const char *pem)
{
        RenewKey *key;

        check(renew_key_from_pem(pem, strlen(pem), &key) == 0);
        return key;
}

/* The names that the certificates in the corpora have. */
static const RenewIdentifier fuzz_names[] = { { RENEW_IDENTIFIER_DNS, "www.example.com" },
        { RENEW_IDENTIFIER_DNS, "example.com" }, { RENEW_IDENTIFIER_IP, "192.0.2.1" } };

/* What people are shown can be shown. */
static inline void check_text(const char *text)
{
        check(text && text_printable(text, strlen(text)) == strlen(text));
}
