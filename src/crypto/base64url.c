/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base64url, on top of GnuTLS's base64: the other alphabet and no padding.
 *
 * What a peer or an operator wrote is decoded through here; what does not encode back to the same
 * text (GnuTLS takes an "A" too many at the end) is refused, because two texts for one value are one
 * too many.
 */

#include "crypto/base64url.h"

#include "base/text.h"
#include "crypto/gnutls-util.h"

static void translate(char *s, const char from[static 2], const char to[static 2])
{
        for (; *s; s++)
                if (*s == from[0])
                        *s = to[0];
                else if (*s == from[1])
                        *s = to[1];
}

int base64url_encode(const void *data, size_t size, char **ret)
{
        _cleanup_datum_ gnutls_datum_t encoded = {};
        char *s;
        int r;

        if (size > 0) {
                const gnutls_datum_t plain = { .data = (void *) (uintptr_t) data,
                        .size = (unsigned) size };

                r = gnutls_base64_encode2(&plain, &encoded);
                if (r < 0)
                        return -ENOMEM; /* nothing else can go wrong with it */
        }
        s = strndup((const char *) encoded.data ?: "", encoded.size);
        if (!s)
                return -ENOMEM;
        translate(s, "+/", "-_");
        s[strcspn(s, "=")] = '\0';
        *ret = s;
        return 0;
}

/* What is decoded may be the key of an external account, so no copy of it is left behind. */
int base64url_decode(const char *s, void **ret, size_t *ret_size)
{
        _cleanup_(text_wipe_freep) char *padded = NULL, *again = NULL;
        _cleanup_secret_ gnutls_datum_t decoded = {};
        gnutls_datum_t text;
        void *data;
        int r;

        if (*s && !text_is_base64url(s))
                return -EINVAL;
        if (*s) {
                padded = text_format("%s%.*s", s, (int) (-strlen(s) & 3), "===");
                if (!padded)
                        return -ENOMEM;
                translate(padded, "-_", "+/");
                text = (gnutls_datum_t){ .data = (void *) padded,
                        .size = (unsigned) strlen(padded) };
                r = gnutls_base64_decode2(&text, &decoded);
                if (r < 0)
                        return r == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EINVAL;
        }
        r = base64url_encode(decoded.data, decoded.size, &again);
        if (r < 0)
                return r;
        if (!streq(again, s))
                return -EINVAL;
        data = malloc((size_t) decoded.size + 1);
        if (!data)
                return -ENOMEM;
        if (decoded.size > 0)
                memcpy(data, decoded.data, decoded.size);
        ((char *) data)[decoded.size] = '\0';
        *ret = data;
        *ret_size = decoded.size;
        return 0;
}

int base64_decode_lenient(const char *s, void **ret, size_t *ret_size)
{
        _cleanup_(text_wipe_freep) char *plain = strdup(s);
        size_t n;

        if (!plain)
                return -ENOMEM;
        translate(plain, "+/", "-_");
        n = strlen(plain);
        for (unsigned padding = 0; padding < 2 && n > 0 && plain[n - 1] == '='; padding++)
                plain[--n] = '\0';
        return base64url_decode(plain, ret, ret_size);
}
