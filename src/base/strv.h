/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/*
 * A list of strings that ends with NULL, as argv does. NULL is the empty list. The list owns its
 * strings.
 */
char **strv_free(char **l);

static inline void strv_freep(char ***l)
{
        *l = strv_free(*l);
}
#define _cleanup_strv_ _cleanup_(strv_freep)

#define STRV_FOREACH(s, l) for (char *const *s = (l); s && *s; s++)

size_t strv_length(char *const *l);
bool strv_contains(char *const *l, const char *s);

/* Appends a copy of s. Return: 0 or -ENOMEM, and then the list is as before. */
int strv_add(char ***l, const char *s) _must_check_;

/* Return: 0 or -ENOMEM. */
int strv_copy(char *const *l, char ***ret) _must_check_;

/* Splits at runs of spaces and tabs. Return: 0 or -ENOMEM. */
int strv_split(const char *s, char ***ret) _must_check_;

/* One string with separator between the items; the caller frees it. NULL when out of memory. */
char *strv_join(char *const *l, const char *separator);

/* The same strings in the same order. */
bool strv_equal(char *const *a, char *const *b);

/* The same strings in any order (neither list has duplicates). */
bool strv_equal_set(char *const *a, char *const *b);
