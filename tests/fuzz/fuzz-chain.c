/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-chain: what a CA hands out as a certificate, read and judged.
 *
 * The first octet says in which form the rest is: 'D' for certificates in DER, each with its length
 * in two octets before it, so that a changed octet is one of the certificate and not of its base64;
 * else the PEM text itself.
 */

#include <gnutls/x509.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "fuzz-util.h"

static void append_pem(Buffer *text, const uint8_t *der, size_t size)
{
        const gnutls_datum_t data = { .data = (void *) (uintptr_t) der, .size = (unsigned) size };
        gnutls_datum_t pem = {};

        if (gnutls_pem_base64_encode2("CERTIFICATE", &data, &pem) >= 0)
                (void) !buffer_append(text, pem.data, pem.size);
        gnutls_free(pem.data);
}

static void der_to_pem(Buffer *text, const uint8_t *data, size_t size)
{
        while (size > 2) {
                size_t n = (size_t) data[0] << 8 | data[1];

                data += 2;
                size -= 2;
                n = MIN(n, size);
                append_pem(text, data, n);
                data += n;
                size -= n;
        }
}

static void check_facts(const RenewChain *chain)
{
        size_t n;
        const RenewIdentifier *names = renew_chain_identifiers(chain, &n);

        for (size_t i = 0; i < n; i++)
                check_text(names[i].value);
        check(renew_chain_length(chain) >= 1 && renew_chain_length(chain) <= LIMIT_CHAIN);
        check(strlen(renew_chain_fingerprint(chain)) == 64);
        check_text(renew_chain_serial(chain));
        check_text(renew_chain_top_issuer(chain));
        if (renew_chain_ari_id(chain))
                check_text(renew_chain_ari_id(chain));
}

/* What is written to files is read again as the same, and written again as the same. */
static void check_files(const RenewChain *chain)
{
        const char *full = renew_chain_full_pem(chain);
        _cleanup_free_ char *joined = text_format(
                        "%s%s", renew_chain_leaf_pem(chain), renew_chain_issuers_pem(chain));
        RenewChain *again;
        char *reason = NULL;

        check(joined && streq(joined, full));
        /* Lines of 64 may make it larger than what came in lines of any length. */
        if (strlen(full) > LIMIT_HTTP_BODY)
                return;
        check(renew_chain_from_pem(full, strlen(full), &again, &reason) == 0);
        check(streq(renew_chain_full_pem(again), full));
        check(streq(renew_chain_fingerprint(again), renew_chain_fingerprint(chain)));
        check(renew_chain_length(again) == renew_chain_length(chain));
        renew_chain_free(again);
}

static void check_verdict(const RenewChain *chain, const RenewKey *key)
{
        _cleanup_free_ char *reason = NULL;
        int r = renew_chain_check(
                        chain, key, fuzz_names, ELEMENTSOF(fuzz_names), FUZZ_NOW, &reason);

        if (r == 0) {
                check(!reason && renew_chain_matches_key(chain, key));
                check(renew_chain_not_after(chain) > FUZZ_NOW);
                return;
        }
        check(r == RENEW_E_BAD_CERTIFICATE);
        check_text(reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static RenewKey *key;
        Buffer text = BUFFER_INIT(4 * LIMIT_HTTP_BODY);
        RenewChain *chain = NULL;
        char *reason = NULL;
        int r;

        if (!key)
                key = fuzz_key(FUZZ_KEY);
        if (size > 0 && *data == 'D') {
                der_to_pem(&text, data + 1, size - 1);
                data = (const uint8_t *) text.data;
                size = text.size;
        }
        r = renew_chain_from_pem((const char *) data, size, &chain, &reason);
        if (r == 0) {
                check(!reason);
                check_facts(chain);
                check_files(chain);
                check_verdict(chain, key);
        } else {
                check(r == RENEW_E_BAD_PEM && !chain);
                check_text(reason);
        }
        renew_chain_free(chain);
        free(reason);
        buffer_done(&text);
        return 0;
}
