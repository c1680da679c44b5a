/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/x509.h>

#include "base/limits.h"
#include "crypto/gnutls-util.h"

/* What the reader and the judge of chains share. */
struct RenewChain {
        gnutls_x509_crt_t certificates[LIMIT_CHAIN]; /* the leaf first */
        size_t n;

        /* as files */
        char *leaf_pem;
        char *issuers_pem;
        char *full_pem;

        /* of the leaf */
        RenewUsec not_before;
        RenewUsec not_after;
        char *serial;
        char *fingerprint;
        char *ari_id;
        RenewIdentifier *identifiers; /* values are ours */
        size_t n_identifiers;
        size_t n_other_names; /* subjectAltNames that are neither a DNS name nor an address */

        char *top_issuer;
};

/* Validity of any certificate; what GnuTLS cannot read is an empty span. */
RenewUsec chain_activation(gnutls_x509_crt_t crt);
RenewUsec chain_expiration(gnutls_x509_crt_t crt);
