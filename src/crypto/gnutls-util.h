/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509-ext.h>
#include <gnutls/x509.h>

#include "base/macros.h"

/* A cleanup attribute for every type of GnuTLS that we use, and its errors as ours. */

/* What GnuTLS says is either that memory is out or that something is wrong with the data. */
static inline int gnutls_error(int r)
{
        return r >= 0 ? 0 : r == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EIO;
}

#define DEFINE_GNUTLS_CLEANUP(type, deinit)            \
        static inline void type##_cleanup(type##_t *p) \
        {                                              \
                if (*p)                                \
                        deinit(*p);                    \
                *p = NULL;                             \
        }

DEFINE_GNUTLS_CLEANUP(gnutls_privkey, gnutls_privkey_deinit)
DEFINE_GNUTLS_CLEANUP(gnutls_pubkey, gnutls_pubkey_deinit)
DEFINE_GNUTLS_CLEANUP(gnutls_x509_privkey, gnutls_x509_privkey_deinit)
DEFINE_GNUTLS_CLEANUP(gnutls_x509_crt, gnutls_x509_crt_deinit)
DEFINE_GNUTLS_CLEANUP(gnutls_x509_crq, gnutls_x509_crq_deinit)
DEFINE_GNUTLS_CLEANUP(gnutls_subject_alt_names, gnutls_subject_alt_names_deinit)

#define _cleanup_privkey_      _cleanup_(gnutls_privkey_cleanup)
#define _cleanup_pubkey_       _cleanup_(gnutls_pubkey_cleanup)
#define _cleanup_x509_privkey_ _cleanup_(gnutls_x509_privkey_cleanup)
#define _cleanup_crt_          _cleanup_(gnutls_x509_crt_cleanup)
#define _cleanup_crq_          _cleanup_(gnutls_x509_crq_cleanup)
#define _cleanup_names_        _cleanup_(gnutls_subject_alt_names_cleanup)

/* Bytes that GnuTLS allocated. */
static inline void gnutls_datum_cleanup(gnutls_datum_t *d)
{
        gnutls_free(d->data);
        *d = (gnutls_datum_t){};
}

#define _cleanup_datum_ _cleanup_(gnutls_datum_cleanup)

/* The same for bytes that are secret. */
static inline void gnutls_secret_cleanup(gnutls_datum_t *d)
{
        if (d->data)
                gnutls_memset(d->data, 0, d->size);
        gnutls_datum_cleanup(d);
}

#define _cleanup_secret_ _cleanup_(gnutls_secret_cleanup)
