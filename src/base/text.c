/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text: small acts on strings, and above all the one door through which a stranger's text reaches a
 * terminal, a journal or a JSON document. An escape sequence in a problem document must not be able to
 * repaint an administrator's screen.
 */

#include <stdarg.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"

/*
 * Length in bytes of the well-formed, printable UTF-8 character at s, or 0. Overlong forms,
 * surrogates, C0, DEL, C1 controls, and the bidirectional controls that reorder a line are not
 * printable here.
 */
static size_t printable_length(const unsigned char *s, size_t size)
{
        static const uint32_t least[] = { 0, 0x20, 0xa0, 0x800, 0x10000 };
        uint32_t c = s[0];
        size_t n;

        n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
        if (n == 0 || n > size)
                return 0;
        if (n > 1)
                c &= 0x7fU >> n;
        for (size_t i = 1; i < n; i++) {
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (s[i] & 0x3fU);
        }
        if (c < least[n] || c == 0x7f || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;
        if ((c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
                        c == 0x200f || c == 0x61c)
                return 0;
        return n;
}

size_t text_printable(const char *s, size_t size)
{
        const unsigned char *p = (const unsigned char *) s;
        size_t n, done = 0;

        while (done < size && (n = printable_length(p + done, size - done)) > 0)
                done += n;
        return done;
}

char *text_escape(const char *s, size_t size, size_t max)
{
        Buffer b = BUFFER_INIT(max + sizeof("...") - 1);
        const unsigned char *p = (const unsigned char *) s, *end = p + size;
        int r = 0;

        while (p < end && r >= 0) {
                size_t n = printable_length(p, (size_t) (end - p));

                if (b.size + (n ? n : 4) > max) {
                        r = buffer_append_string(&b, "...");
                        break;
                }
                if (n > 0)
                        r = buffer_append(&b, p, n);
                else
                        r = buffer_append_format(&b, "\\x%02x", (unsigned) *p);
                p += n ? n : 1;
        }
        if (r < 0) {
                buffer_done(&b);
                return NULL;
        }
        return buffer_take(&b);
}

static bool is_base64url(char c)
{
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
}

bool text_is_base64url(const char *s)
{
        if (!*s)
                return false;
        for (; *s; s++)
                if (!is_base64url(*s))
                        return false;
        return true;
}

bool text_is_plain_name(const char *s)
{
        if (!*s || *s == '.' || strlen(s) > LIMIT_SECTION_NAME)
                return false;
        for (; *s; s++)
                if (!is_base64url(*s) && *s != '.')
                        return false;
        return true;
}

char *text_format(const char *format, ...)
{
        va_list ap;
        char *s;
        int n;

        va_start(ap, format);
        n = vasprintf(&s, format, ap);
        va_end(ap);
        return n < 0 ? NULL : s;
}

int text_parse_u64(const char *s, uint64_t max, uint64_t *ret)
{
        uint64_t n = 0;

        if (!*s || s[strspn(s, "0123456789")])
                return -EINVAL;
        for (; *s; s++) {
                if (__builtin_mul_overflow(n, (uint64_t) 10, &n) ||
                                __builtin_add_overflow(n, (uint64_t) (*s - '0'), &n) || n > max)
                        return -ERANGE;
        }
        *ret = n;
        return 0;
}

char *text_hex(const void *data, size_t size)
{
        static const char digits[] = "0123456789abcdef";
        const unsigned char *p = data;
        char *hex = malloc(size * 2 + 1);

        if (!hex)
                return NULL;
        for (size_t i = 0; i < size; i++) {
                hex[2 * i] = digits[p[i] >> 4];
                hex[2 * i + 1] = digits[p[i] & 15];
        }
        hex[2 * size] = '\0';
        return hex;
}

char *text_wipe_free(char *s)
{
        if (s)
                explicit_bzero(s, strlen(s));
        free(s);
        return NULL;
}
