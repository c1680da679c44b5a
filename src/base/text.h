/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/*
 * Text of strangers. What a CA or a client sends is shown to people only through text_escape().
 */

/*
 * A copy of at most max bytes of UTF-8 text in which control characters, DEL, C1 controls and what is
 * not UTF-8 are written as \xNN; what was cut ends in "...". The caller frees it.
 * Return: the copy, NULL when out of memory.
 */
char *text_escape(const char *s, size_t size, size_t max);

/* How many bytes from the front are printable UTF-8, in the sense of text_escape(). */
size_t text_printable(const char *s, size_t size);

/* Whether each character is one of the base64url alphabet (RFC 4648 section 5); false when empty. */
bool text_is_base64url(const char *s);

/* Whether s is [A-Za-z0-9._-]+, does not start with a dot and fits in a file's name: a section's
 * name, which becomes a directory. */
bool text_is_plain_name(const char *s);

/* Formats into a new string; the caller frees it. NULL when out of memory. */
char *text_format(const char *format, ...) _printf_(1, 2);

/* A whole decimal number, digits only. Return: 0, -EINVAL, -ERANGE when above max. */
int text_parse_u64(const char *s, uint64_t max, uint64_t *ret);

/* Lower-case hexadecimal; the caller frees it. NULL when out of memory. */
char *text_hex(const void *data, size_t size);

/* Frees a string after overwriting it; accepts NULL. Return: NULL. */
char *text_wipe_free(char *s);
DEFINE_CLEANUP(char, text_wipe_free)
