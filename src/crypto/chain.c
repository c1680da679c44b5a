/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RenewChain: what a CA handed out at an order's certificate URL, read strictly and written out
 * again.
 *
 * The text comes from a stranger and goes into files that servers with privileges read. So it is
 * never passed on: each block is decoded, and the PEM of the files is encoded anew from the DER.
 * Text between the blocks, a private key, an eleventh certificate refuse the whole (RFC 8555
 * section 11.4, RFC 7468). Whether the chain is the one that was asked for, chain-check.c judges.
 */

#include "crypto/chain.h"

#include <arpa/inet.h>

#include "base/buffer.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "crypto/base64url.h"

#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END   "-----END CERTIFICATE-----"

/* RFC 5280 sections 4.1.2.2 and 4.2.1.1 want at most 20 octets; some CAs need more for key ids. */
#define MAX_NUMBER 128

RENEW_PUBLIC RenewChain *renew_chain_free(RenewChain *chain)
{
        if (!chain)
                return NULL;
        for (size_t i = 0; i < chain->n; i++)
                gnutls_x509_crt_deinit(chain->certificates[i]);
        for (size_t i = 0; i < chain->n_identifiers; i++)
                free((void *) (uintptr_t) chain->identifiers[i].value);
        free(chain->identifiers);
        free(chain->leaf_pem);
        free(chain->issuers_pem);
        free(chain->full_pem);
        free(chain->serial);
        free(chain->fingerprint);
        free(chain->ari_id);
        free(chain->top_issuer);
        free(chain);
        return NULL;
}
DEFINE_CLEANUP(RenewChain, renew_chain_free)

static int refuse(char **ret_reason, const char *reason)
{
        char *copy = strdup(reason);

        if (!copy)
                return -ENOMEM;
        *ret_reason = copy;
        return RENEW_E_BAD_PEM;
}

/* --- PEM -------------------------------------------------------------------------------------- */

/* What stands between the two lines of a block: base64 and white space only. */
static bool is_base64_body(const char *s, size_t size)
{
        static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789+/=\r\n\t ";

        for (size_t i = 0; i < size; i++)
                if (!memchr(alphabet, s[i], sizeof(alphabet) - 1))
                        return false;
        return true;
}

static int chain_add(RenewChain *chain, const char *block, size_t size, char **ret_reason)
{
        const gnutls_datum_t data = { .data = (void *) (uintptr_t) block, .size = (unsigned) size };
        const char *body = block + strlen(PEM_BEGIN);
        _cleanup_crt_ gnutls_x509_crt_t crt = NULL;
        int r;

        if (chain->n == LIMIT_CHAIN)
                return refuse(ret_reason, "it holds more than 10 certificates");
        if (!is_base64_body(body, size - strlen(PEM_BEGIN) - strlen(PEM_END)))
                return refuse(ret_reason, "a certificate in it is not base64");
        r = gnutls_error(gnutls_x509_crt_init(&crt));
        if (r < 0)
                return r;
        r = gnutls_x509_crt_import(crt, &data, GNUTLS_X509_FMT_PEM);
        if (r == GNUTLS_E_MEMORY_ERROR)
                return -ENOMEM;
        if (r < 0)
                return refuse(ret_reason, "a certificate in it cannot be decoded");
        chain->certificates[chain->n++] = TAKE_PTR(crt);
        return 0;
}

static int chain_parse(RenewChain *chain, const char *pem, size_t size, char **ret_reason)
{
        const char *end = size > 0 ? pem + size : pem; /* of nothing, which may be at NULL */

        for (;;) {
                const char *last;
                int r;

                while (pem < end && strchr(" \t\r\n", *pem) && *pem)
                        pem++;
                if (pem == end)
                        return chain->n > 0 ? 0 : refuse(ret_reason, "it holds no certificate");
                if ((size_t) (end - pem) < strlen(PEM_BEGIN) ||
                                memcmp(pem, PEM_BEGIN, strlen(PEM_BEGIN)) != 0)
                        return refuse(ret_reason, "it holds something that is not a certificate");
                last = memmem(pem, (size_t) (end - pem), PEM_END, strlen(PEM_END));
                if (!last)
                        return refuse(ret_reason, "its last certificate is cut off");
                last += strlen(PEM_END);
                r = chain_add(chain, pem, (size_t) (last - pem), ret_reason);
                if (r != 0)
                        return r;
                pem = last;
        }
}

static int chain_format(RenewChain *chain)
{
        Buffer issuers = BUFFER_INIT(2 * LIMIT_HTTP_BODY);
        int r = 0;

        for (size_t i = 0; r == 0 && i < chain->n; i++) {
                _cleanup_datum_ gnutls_datum_t pem = {};

                r = gnutls_error(gnutls_x509_crt_export2(
                                chain->certificates[i], GNUTLS_X509_FMT_PEM, &pem));
                if (r < 0)
                        break;
                if (i > 0) {
                        r = buffer_append(&issuers, pem.data, pem.size);
                        continue;
                }
                chain->leaf_pem = strndup((const char *) pem.data, pem.size);
                r = chain->leaf_pem ? 0 : -ENOMEM;
        }
        if (r == 0) {
                chain->full_pem = text_format("%s%s", chain->leaf_pem, issuers.data ?: "");
                chain->issuers_pem = buffer_take(&issuers);
                if (!chain->full_pem || !chain->issuers_pem)
                        r = -ENOMEM;
        }
        buffer_done(&issuers);
        return r;
}

/* --- what the leaf says ----------------------------------------------------------------------- */

static RenewUsec usec_from_time(time_t t)
{
        return t == (time_t) -1 || t < 0 ? 0 : (RenewUsec) t * USEC_PER_SEC;
}

RenewUsec chain_activation(gnutls_x509_crt_t crt)
{
        time_t t = gnutls_x509_crt_get_activation_time(crt);

        return t == (time_t) -1 ? RENEW_USEC_NEVER : usec_from_time(t);
}

RenewUsec chain_expiration(gnutls_x509_crt_t crt)
{
        return usec_from_time(gnutls_x509_crt_get_expiration_time(crt));
}

/* RFC 9773 section 4.1: key identifier "." serial, the serial with the 00 its sign may need. */
static int chain_read_numbers(RenewChain *chain)
{
        unsigned char serial[MAX_NUMBER], key_id[MAX_NUMBER], digest[32];
        size_t serial_size = sizeof(serial), key_id_size = sizeof(key_id), size = sizeof(digest);
        _cleanup_free_ char *first = NULL, *second = NULL;
        gnutls_x509_crt_t leaf = chain->certificates[0];
        int r;

        if (gnutls_x509_crt_get_serial(leaf, serial, &serial_size) < 0)
                return RENEW_E_BAD_PEM;
        r = gnutls_error(gnutls_x509_crt_get_fingerprint(leaf, GNUTLS_DIG_SHA256, digest, &size));
        if (r < 0)
                return r;
        chain->serial = text_hex(serial, serial_size);
        chain->fingerprint = text_hex(digest, size);
        if (!chain->serial || !chain->fingerprint)
                return -ENOMEM;
        if (gnutls_x509_crt_get_authority_key_id(leaf, key_id, &key_id_size, NULL) < 0)
                return 0;
        r = base64url_encode(key_id, key_id_size, &first);
        if (r == 0)
                r = base64url_encode(serial, serial_size, &second);
        if (r < 0)
                return r;
        chain->ari_id = text_format("%s.%s", first, second);
        return chain->ari_id ? 0 : -ENOMEM;
}

static char *name_to_text(const gnutls_datum_t *name)
{
        char *text = text_escape((const char *) name->data, name->size, LIMIT_DNS_NAME);

        /* Not tolower(), which asks the locale of whatever program this is part of. */
        for (char *p = text; p && *p; p++)
                if (*p >= 'A' && *p <= 'Z')
                        *p += 'a' - 'A';
        return text;
}

static char *address_to_text(const gnutls_datum_t *address)
{
        char text[INET6_ADDRSTRLEN];
        int family = address->size == sizeof(struct in_addr) ? AF_INET : AF_INET6;

        if (family == AF_INET6 && address->size != sizeof(struct in6_addr))
                return strdup("an address of an odd size");
        return inet_ntop(family, address->data, text, sizeof(text)) ? strdup(text) : NULL;
}

static int chain_add_identifier(RenewChain *chain, unsigned type, const gnutls_datum_t *name)
{
        RenewIdentifier *list;
        char *value;

        if (type != GNUTLS_SAN_DNSNAME && type != GNUTLS_SAN_IPADDRESS) {
                chain->n_other_names++;
                return 0;
        }
        list = reallocarray(chain->identifiers, chain->n_identifiers + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        chain->identifiers = list;
        value = type == GNUTLS_SAN_DNSNAME ? name_to_text(name) : address_to_text(name);
        if (!value)
                return -ENOMEM;
        list[chain->n_identifiers++] = (RenewIdentifier){
                .type = type == GNUTLS_SAN_DNSNAME ? RENEW_IDENTIFIER_DNS : RENEW_IDENTIFIER_IP,
                .value = value,
        };
        return 0;
}

static int chain_read_names(RenewChain *chain)
{
        _cleanup_names_ gnutls_subject_alt_names_t names = NULL;
        _cleanup_datum_ gnutls_datum_t extension = {};
        int r = gnutls_error(gnutls_subject_alt_names_init(&names));

        if (r < 0)
                return r;
        r = gnutls_x509_crt_get_extension_by_oid2(
                        chain->certificates[0], GNUTLS_X509EXT_OID_SAN, 0, &extension, NULL);
        if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
                return 0;
        if (r < 0)
                return r == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : RENEW_E_BAD_PEM;
        r = gnutls_x509_ext_import_subject_alt_names(&extension, names, 0);
        if (r < 0)
                return r == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : RENEW_E_BAD_PEM;
        for (unsigned i = 0;; i++) {
                gnutls_datum_t name;
                unsigned type;

                if (gnutls_subject_alt_names_get(names, i, &type, &name, NULL) < 0)
                        return 0;
                r = chain_add_identifier(chain, type, &name);
                if (r < 0)
                        return r;
        }
}

static int chain_read_top_issuer(RenewChain *chain)
{
        gnutls_x509_crt_t top = chain->certificates[chain->n - 1];
        _cleanup_datum_ gnutls_datum_t whole = {};
        char name[LIMIT_PEER_TEXT];
        size_t size = sizeof(name);

        if (gnutls_x509_crt_get_issuer_dn_by_oid(
                            top, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size) >= 0)
                chain->top_issuer = text_escape(name, size, LIMIT_PEER_TEXT);
        else if (gnutls_x509_crt_get_issuer_dn3(top, &whole, 0) >= 0)
                chain->top_issuer = text_escape(
                                (const char *) whole.data, whole.size, LIMIT_PEER_TEXT);
        else
                chain->top_issuer = strdup("");
        return chain->top_issuer ? 0 : -ENOMEM;
}

/* The first thing that cannot be read ends it. */
static int chain_read(RenewChain *chain, char **ret_reason)
{
        int r = chain_read_numbers(chain);

        chain->not_before = chain_activation(chain->certificates[0]);
        chain->not_after = chain_expiration(chain->certificates[0]);
        if (r == 0)
                r = chain_read_names(chain);
        if (r == RENEW_E_BAD_PEM)
                return refuse(ret_reason,
                                "the serial number or the names of its certificate cannot be read");
        return r < 0 ? r : chain_read_top_issuer(chain);
}

RENEW_PUBLIC int renew_chain_from_pem(
                const char *pem, size_t size, RenewChain **ret_chain, char **ret_reason)
{
        _cleanup_(renew_chain_freep) RenewChain *chain = NULL;
        int r;

        if (size > LIMIT_HTTP_BODY)
                return refuse(ret_reason, "it is larger than 256 kB");
        chain = calloc(1, sizeof(*chain));
        if (!chain)
                return -ENOMEM;
        r = chain_parse(chain, pem, size, ret_reason);
        if (r == 0)
                r = chain_read(chain, ret_reason);
        if (r == 0)
                r = chain_format(chain);
        if (r != 0)
                return r;
        *ret_chain = TAKE_PTR(chain);
        return 0;
}

/* --- accessors -------------------------------------------------------------------------------- */

RENEW_PUBLIC const char *renew_chain_leaf_pem(const RenewChain *chain)
{
        return chain->leaf_pem;
}

RENEW_PUBLIC const char *renew_chain_issuers_pem(const RenewChain *chain)
{
        return chain->issuers_pem;
}

RENEW_PUBLIC const char *renew_chain_full_pem(const RenewChain *chain)
{
        return chain->full_pem;
}

RENEW_PUBLIC size_t renew_chain_length(const RenewChain *chain)
{
        return chain->n;
}

RENEW_PUBLIC RenewUsec renew_chain_not_before(const RenewChain *chain)
{
        return chain->not_before;
}

RENEW_PUBLIC RenewUsec renew_chain_not_after(const RenewChain *chain)
{
        return chain->not_after;
}

RENEW_PUBLIC const char *renew_chain_serial(const RenewChain *chain)
{
        return chain->serial;
}

RENEW_PUBLIC const char *renew_chain_fingerprint(const RenewChain *chain)
{
        return chain->fingerprint;
}

RENEW_PUBLIC const char *renew_chain_top_issuer(const RenewChain *chain)
{
        return chain->top_issuer;
}

RENEW_PUBLIC const char *renew_chain_ari_id(const RenewChain *chain)
{
        return chain->ari_id;
}

RENEW_PUBLIC const RenewIdentifier *renew_chain_identifiers(const RenewChain *chain, size_t *ret_n)
{
        *ret_n = chain->n_identifiers;
        return chain->identifiers;
}
