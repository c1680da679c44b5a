/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-base64url: any bytes there and back; any text either refused or the one spelling. */

#include "crypto/base64url.h"
#include "fuzz-util.h"

static void check_octets(const void *data, size_t size)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_free_ void *again = NULL, *lenient = NULL;
        size_t n, m;

        check(base64url_encode(data, size, &text) == 0);
        check(strlen(text) == (size * 4 + 2) / 3);
        check(size == 0 || text_is_base64url(text));
        check(base64url_decode(text, &again, &n) == 0);
        check(n == size && memcmp(again, data, size) == 0);
        check(base64_decode_lenient(text, &lenient, &m) == 0);
        check(m == size && memcmp(lenient, data, size) == 0);
}

static void check_string(const char *s)
{
        _cleanup_free_ void *strict = NULL, *lenient = NULL;
        _cleanup_free_ char *again = NULL;
        size_t n, m;
        int r = base64url_decode(s, &strict, &n);

        check(r == 0 || r == -EINVAL);
        if (r == 0) {
                check(base64url_encode(strict, n, &again) == 0);
                check(streq(again, s));
        }
        if (base64_decode_lenient(s, &lenient, &m) == 0)
                check(r < 0 || (n == m && memcmp(strict, lenient, n) == 0));
        else
                check(r == -EINVAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *s = strndup((const char *) data, size);

        check(s);
        check_octets(data, size);
        check_string(s);
        return 0;
}
