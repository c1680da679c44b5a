/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The certificate signing request (RFC 2986) of an order: names and key, nothing else.
 *
 * No common name (it would have to be one of the names, at most 64 octets long and no address; the
 * CA promotes one if its profile has one), no key usage and no extended key usage (CAs have begun
 * to refuse what they would not put in), no must-staple (Let's Encrypt refuses it since 2025).
 */

#include "crypto/csr.h"

#include <arpa/inet.h>

#include "crypto/base64url.h"
#include "crypto/key.h"

static int csr_add_name(gnutls_x509_crq_t crq, const RenewIdentifier *identifier)
{
        unsigned char address[sizeof(struct in6_addr)];
        const char *value = identifier->value;
        unsigned size;

        if (identifier->type == RENEW_IDENTIFIER_DNS)
                return gnutls_error(gnutls_x509_crq_set_subject_alt_name(crq, GNUTLS_SAN_DNSNAME,
                                value, (unsigned) strlen(value), GNUTLS_FSAN_APPEND));
        if (inet_pton(AF_INET, value, address) == 1)
                size = sizeof(struct in_addr);
        else if (inet_pton(AF_INET6, value, address) == 1)
                size = sizeof(struct in6_addr);
        else
                return -EINVAL;
        return gnutls_error(gnutls_x509_crq_set_subject_alt_name(
                        crq, GNUTLS_SAN_IPADDRESS, address, size, GNUTLS_FSAN_APPEND));
}

int csr_format(const RenewKey *key, const RenewIdentifier *identifiers, size_t n_identifiers,
                char **ret)
{
        _cleanup_crq_ gnutls_x509_crq_t crq = NULL;
        _cleanup_datum_ gnutls_datum_t der = {};
        int r = gnutls_error(gnutls_x509_crq_init(&crq));

        if (r == 0)
                r = gnutls_error(gnutls_x509_crq_set_version(crq, 1));
        if (r == 0)
                r = gnutls_error(gnutls_x509_crq_set_pubkey(crq, key->public));
        for (size_t i = 0; r == 0 && i < n_identifiers; i++)
                r = csr_add_name(crq, &identifiers[i]);
        if (r == 0)
                r = gnutls_error(gnutls_x509_crq_privkey_sign(
                                crq, key->private, key_digest(key), 0));
        if (r == 0)
                r = gnutls_error(gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_DER, &der));
        return r < 0 ? r : base64url_encode(der.data, der.size, ret);
}
