/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RENEW_X509_H
#define RENEW_X509_H

/**
 * @file x509.h
 * A certificate with the issuers that the CA handed out with it, and every check that is due before
 * a file is touched. Parsed strictly: RFC 8555 section 11.4 wants nothing but certificates in the
 * PEM.
 */

#include <stdbool.h>

#include <renew/key.h>
#include <renew/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct RenewChain RenewChain;

/**
 * Parses "application/pem-certificate-chain" (RFC 8555 section 9.1): the end-entity certificate
 * first. At most 10 certificates and 256 kB; any PEM block but CERTIFICATE, and any text outside
 * the blocks but white space, refuses the whole.
 *
 * @param ret_reason  a sentence for people when the result is RENEW_E_BAD_PEM; the caller frees it
 * Return: 0, -ENOMEM, RENEW_E_BAD_PEM.
 */
RENEW_PUBLIC int renew_chain_from_pem(
                const char *pem, size_t size, RenewChain **ret_chain, char **ret_reason);

/** Accepts NULL. Return: NULL. */
RENEW_PUBLIC RenewChain *renew_chain_free(RenewChain *chain);

/**
 * Everything that must hold before the chain replaces an older one: the leaf has our key; its
 * subjectAltNames are exactly the identifiers, as sets; notBefore <= now + 1 h and notAfter > now;
 * it permits serverAuth, is not a CA and not its own issuer; every link's name and signature
 * verify; issuers are valid now; no key is below RSA 2048 or P-256. Trust in the root is not asked
 * for (private CAs).
 *
 * @param now         wall time
 * @param ret_reason  what is wrong, a sentence for people; the caller frees it
 * Return: 0, -ENOMEM, RENEW_E_BAD_CERTIFICATE.
 */
RENEW_PUBLIC int renew_chain_check(const RenewChain *chain, const RenewKey *key,
                const RenewIdentifier *identifiers, size_t n_identifiers, RenewUsec now,
                char **ret_reason);

/** Whether the leaf's public key belongs to the private key. */
RENEW_PUBLIC bool renew_chain_matches_key(const RenewChain *chain, const RenewKey *key);

/** PEM of the leaf, of the issuers (empty when there are none), of both. Each ends in a newline. */
RENEW_PUBLIC const char *renew_chain_leaf_pem(const RenewChain *chain);
RENEW_PUBLIC const char *renew_chain_issuers_pem(const RenewChain *chain);
RENEW_PUBLIC const char *renew_chain_full_pem(const RenewChain *chain);

/** Certificates in the chain, the leaf counted. */
RENEW_PUBLIC size_t renew_chain_length(const RenewChain *chain);

/** Validity of the leaf (notAfter is the last moment at which it is valid). */
RENEW_PUBLIC RenewUsec renew_chain_not_before(const RenewChain *chain);
RENEW_PUBLIC RenewUsec renew_chain_not_after(const RenewChain *chain);

/** Lower-case hexadecimal of the serial number's content octets, a leading 00 included. */
RENEW_PUBLIC const char *renew_chain_serial(const RenewChain *chain);

/** Lower-case hexadecimal SHA-256 of the leaf's DER. */
RENEW_PUBLIC const char *renew_chain_fingerprint(const RenewChain *chain);

/** Common name of the issuer of the topmost certificate (or its whole name), for people and for
 * choosing between alternate chains. */
RENEW_PUBLIC const char *renew_chain_top_issuer(const RenewChain *chain);

/** The ARI certificate id (RFC 9773 section 4.1); NULL where the leaf has no key identifier of its
 * issuer. */
RENEW_PUBLIC const char *renew_chain_ari_id(const RenewChain *chain);

/** The subjectAltNames of the leaf. */
RENEW_PUBLIC const RenewIdentifier *renew_chain_identifiers(const RenewChain *chain, size_t *ret_n);

#ifdef __cplusplus
}
#endif

#endif
