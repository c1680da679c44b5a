/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Buffer: bytes up to a ceiling.
 *
 * Everything that a peer can make long goes through one of these. The ceiling is an argument of
 * birth, so that no call site can forget it, and passing it is an error like any other.
 */

#include <stdarg.h>
#include <stdio.h>

#include "base/buffer.h"

void buffer_done(Buffer *b)
{
        free(b->data);
        *b = BUFFER_INIT(b->limit);
}

void buffer_wipe(Buffer *b)
{
        if (b->data)
                explicit_bzero(b->data, b->allocated);
        buffer_done(b);
}

/* Makes room for size more bytes and the terminator. */
static int buffer_reserve(Buffer *b, size_t size)
{
        size_t want, allocate;
        char *data;

        if (size > b->limit || b->size > b->limit - size)
                return -E2BIG;
        want = b->size + size + 1;
        if (want <= b->allocated)
                return 0;

        allocate = MAX(want, MIN(b->allocated * 2, b->limit + 1));
        allocate = MAX(allocate, (size_t) 64);
        data = realloc(b->data, allocate);
        if (!data)
                return -ENOMEM;
        b->data = data;
        b->allocated = allocate;
        b->data[b->size] = '\0';
        return 0;
}

int buffer_append(Buffer *b, const void *data, size_t size)
{
        int r = buffer_reserve(b, size);

        if (r < 0)
                return r;
        if (size > 0)
                memcpy(b->data + b->size, data, size);
        b->size += size;
        b->data[b->size] = '\0';
        return 0;
}

int buffer_append_string(Buffer *b, const char *s)
{
        return buffer_append(b, s, strlen(s));
}

int buffer_append_format(Buffer *b, const char *format, ...)
{
        va_list ap, again;
        int n, r;

        va_start(ap, format);
        va_copy(again, ap);
        n = vsnprintf(NULL, 0, format, ap);
        va_end(ap);
        r = n < 0 ? -EINVAL : buffer_reserve(b, (size_t) n);
        if (r >= 0) {
                (void) vsnprintf(b->data + b->size, (size_t) n + 1, format, again);
                b->size += (size_t) n;
        }
        va_end(again);
        return r;
}

char *buffer_take(Buffer *b)
{
        char *data;

        if (buffer_reserve(b, 0) < 0)
                return NULL;
        data = TAKE_PTR(b->data);
        buffer_done(b);
        return data;
}
