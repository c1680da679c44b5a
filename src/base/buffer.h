/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/*
 * A string of bytes that grows up to a ceiling given at its birth. It is always terminated by a NUL
 * that does not count in size.
 */
typedef struct Buffer {
        char *data;
        size_t size;
        size_t allocated;
        size_t limit; /* bytes that it may hold at most */
} Buffer;

#define BUFFER_INIT(limit_) ((Buffer){ .limit = (limit_) })

/* Frees what the buffer holds; it can be used again with the same ceiling. */
void buffer_done(Buffer *b);

/* Like buffer_done(), but overwrites the bytes first. */
void buffer_wipe(Buffer *b);

/*
 * Append bytes, a string, or formatted text.
 * Return: 0, -E2BIG when the ceiling would be passed (nothing is appended), -ENOMEM.
 */
int buffer_append(Buffer *b, const void *data, size_t size) _must_check_;
int buffer_append_string(Buffer *b, const char *s) _must_check_;
int buffer_append_format(Buffer *b, const char *format, ...) _printf_(2, 3) _must_check_;

/* Hands the bytes over to the caller, who frees them; never NULL but when out of memory. */
char *buffer_take(Buffer *b);
