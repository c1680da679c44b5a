/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a chain is the one that was asked for: the last gate before files are switched.
 *
 * A CA that mixes up two orders, a proxy that answers for it, a clock that is wrong by years: each
 * is found here while the old certificate is still in place. GnuTLS verifies the links without its
 * own clock and without the common name, which no client reads any more; sizes of keys we check
 * ourselves, because GnuTLS is content with RSA 1024.
 */

#include "base/text.h"
#include "base/timestamp.h"
#include "crypto/chain.h"
#include "crypto/key.h"

/* A CA's clock may be ahead of ours; more than this is a clock to be mended first. */
#define ALLOWED_SKEW USEC_PER_HOUR

#define MIN_RSA_BITS 2048
#define MIN_EC_BITS  256

static int refuse(char **ret_reason, char *reason_take)
{
        if (!reason_take)
                return -ENOMEM;
        *ret_reason = reason_take;
        return RENEW_E_BAD_CERTIFICATE;
}

RENEW_PUBLIC bool renew_chain_matches_key(const RenewChain *chain, const RenewKey *key)
{
        unsigned char ours[64], theirs[64];
        size_t ours_size = sizeof(ours), theirs_size = sizeof(theirs);

        return gnutls_x509_privkey_get_key_id(
                               key->x509, GNUTLS_KEYID_USE_SHA256, ours, &ours_size) >= 0 &&
               gnutls_x509_crt_get_key_id(chain->certificates[0], GNUTLS_KEYID_USE_SHA256, theirs,
                               &theirs_size) >= 0 &&
               ours_size == theirs_size && memcmp(ours, theirs, ours_size) == 0;
}

/* --- names ------------------------------------------------------------------------------------ */

static const RenewIdentifier *find_identifier(
                const RenewIdentifier *list, size_t n, const RenewIdentifier *wanted)
{
        for (size_t i = 0; i < n; i++)
                if (list[i].type == wanted->type && strcasecmp(list[i].value, wanted->value) == 0)
                        return &list[i];
        return NULL;
}

static int check_names(const RenewChain *chain, const RenewIdentifier *identifiers, size_t n,
                char **ret_reason)
{
        if (chain->n_other_names > 0)
                return refuse(ret_reason, text_format("it names something that is neither a DNS "
                                                      "name nor an address"));
        for (size_t i = 0; i < n; i++)
                if (!find_identifier(chain->identifiers, chain->n_identifiers, &identifiers[i]))
                        return refuse(ret_reason,
                                        text_format("it does not name %s", identifiers[i].value));
        for (size_t i = 0; i < chain->n_identifiers; i++)
                if (!find_identifier(identifiers, n, &chain->identifiers[i]))
                        return refuse(ret_reason,
                                        text_format("it names %s, which was not asked for",
                                                        chain->identifiers[i].value));
        return 0;
}

/* --- each certificate ------------------------------------------------------------------------- */

static int check_validity(
                gnutls_x509_crt_t crt, const char *which, RenewUsec now, char **ret_reason)
{
        char at[TIMESTAMP_MAX], clock[TIMESTAMP_MAX];
        RenewUsec from = chain_activation(crt), until = chain_expiration(crt);

        (void) timestamp_format(clock, now);
        if (from > usec_add(now, ALLOWED_SKEW))
                return refuse(ret_reason,
                                text_format("%s is valid only from %s on (our clock says %s)",
                                                which, timestamp_format(at, from), clock));
        if (until <= now)
                return refuse(ret_reason, text_format("%s ended at %s (our clock says %s)", which,
                                                          timestamp_format(at, until), clock));
        return 0;
}

static int check_strength(gnutls_x509_crt_t crt, const char *which, char **ret_reason)
{
        unsigned bits = 0;
        int algorithm = gnutls_x509_crt_get_pk_algorithm(crt, &bits);
        bool good;

        switch (algorithm) {
        case GNUTLS_PK_RSA:
        case GNUTLS_PK_RSA_PSS:
                good = bits >= MIN_RSA_BITS;
                break;
        case GNUTLS_PK_ECDSA:
        case GNUTLS_PK_EDDSA_ED25519:
        case GNUTLS_PK_EDDSA_ED448:
                good = bits >= MIN_EC_BITS - 1; /* Ed25519 counts 255 or 256 */
                break;
        default:
                good = false;
        }
        if (good)
                return 0;
        return refuse(ret_reason,
                        text_format("%s has a key that is too weak (%s, %u bits)", which,
                                        algorithm < 0 ? "unknown"
                                                      : gnutls_pk_get_name((gnutls_pk_algorithm_t)
                                                                                        algorithm),
                                        bits));
}

static int check_purpose(gnutls_x509_crt_t leaf, char **ret_reason)
{
        int r = gnutls_x509_crt_get_ca_status(leaf, NULL);

        if (r > 0)
                return refuse(ret_reason, strdup("it is a CA's own certificate"));
        if (r < 0 && r != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
                return refuse(ret_reason, strdup("whether it is a CA's own certificate cannot be "
                                                 "read"));
        /* A CA cannot sign with the key that only we have: somebody handed our own back. */
        if (gnutls_x509_crt_check_issuer(leaf, leaf))
                return refuse(ret_reason, strdup("no CA signed it: it is its own issuer"));
        if (!gnutls_x509_crt_check_key_purpose(leaf, GNUTLS_KP_TLS_WWW_SERVER, 0))
                return refuse(ret_reason, strdup("it may not be used by servers (no serverAuth)"));
        return 0;
}

/* --- links ------------------------------------------------------------------------------------ */

static int check_link(const RenewChain *chain, size_t i, char **ret_reason)
{
        gnutls_x509_crt_t crt = chain->certificates[i], issuer = chain->certificates[i + 1];
        unsigned status = 0;
        int r;

        if (!gnutls_x509_crt_check_issuer(crt, issuer))
                return refuse(ret_reason,
                                text_format("its chain is broken: certificate %zu is not issued by "
                                            "certificate %zu",
                                                i + 1, i + 2));
        r = gnutls_x509_crt_verify(crt, &issuer, 1,
                        GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_CRL_CHECKS,
                        &status);
        if (r == GNUTLS_E_MEMORY_ERROR)
                return -ENOMEM;
        if (r < 0 || status != 0)
                return refuse(ret_reason,
                                text_format("its chain is broken: certificate %zu's signature by "
                                            "certificate %zu is not good",
                                                i + 1, i + 2));
        return 0;
}

static int check_chain(const RenewChain *chain, RenewUsec now, char **ret_reason)
{
        for (size_t i = 0; i < chain->n; i++) {
                _cleanup_free_ char *which = i == 0 ? strdup("it")
                                                    : text_format("certificate %zu of its chain",
                                                                      i + 1);
                int r;

                if (!which)
                        return -ENOMEM;
                r = check_validity(chain->certificates[i], which, now, ret_reason);
                if (r == 0)
                        r = check_strength(chain->certificates[i], which, ret_reason);
                if (r == 0 && i + 1 < chain->n)
                        r = check_link(chain, i, ret_reason);
                if (r != 0)
                        return r;
        }
        return 0;
}

RENEW_PUBLIC int renew_chain_check(const RenewChain *chain, const RenewKey *key,
                const RenewIdentifier *identifiers, size_t n_identifiers, RenewUsec now,
                char **ret_reason)
{
        int r;

        if (!renew_chain_matches_key(chain, key))
                return refuse(ret_reason, strdup("it is for another key than ours"));
        r = check_names(chain, identifiers, n_identifiers, ret_reason);
        if (r == 0)
                r = check_purpose(chain->certificates[0], ret_reason);
        return r != 0 ? r : check_chain(chain, now, ret_reason);
}
