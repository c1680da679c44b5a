/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * strv: lists of strings, as systemd has them. They hold the values of list-like configuration keys,
 * the names of a certificate and the argv of a hook: short lists, searched from the front.
 */

#include "base/strv.h"

char **strv_free(char **l)
{
        STRV_FOREACH (s, l)
                free(*s);
        free(l);
        return NULL;
}

size_t strv_length(char *const *l)
{
        size_t n = 0;

        STRV_FOREACH (s, l)
                n++;
        return n;
}

bool strv_contains(char *const *l, const char *needle)
{
        STRV_FOREACH (s, l)
                if (streq(*s, needle))
                        return true;
        return false;
}

/* Appends s itself, which the list owns from now on, also when out of memory. */
static int strv_add_take(char ***l, char *s_take)
{
        size_t n = strv_length(*l);
        char **grown;

        if (!s_take)
                return -ENOMEM;
        grown = reallocarray(*l, n + 2, sizeof(char *));
        if (!grown) {
                free(s_take);
                return -ENOMEM;
        }
        grown[n] = s_take;
        grown[n + 1] = NULL;
        *l = grown;
        return 0;
}

int strv_add(char ***l, const char *s)
{
        return strv_add_take(l, strdup(s));
}

int strv_copy(char *const *l, char ***ret)
{
        _cleanup_strv_ char **copy = NULL;

        STRV_FOREACH (s, l)
                if (strv_add(&copy, *s) < 0)
                        return -ENOMEM;
        *ret = TAKE_PTR(copy);
        return 0;
}

int strv_split(const char *s, char ***ret)
{
        _cleanup_strv_ char **words = NULL;

        for (;;) {
                size_t n;

                s += strspn(s, " \t");
                n = strcspn(s, " \t");
                if (n == 0)
                        break;
                if (strv_add_take(&words, strndup(s, n)) < 0)
                        return -ENOMEM;
                s += n;
        }
        *ret = TAKE_PTR(words);
        return 0;
}

char *strv_join(char *const *l, const char *separator)
{
        size_t size = 1;
        char *joined, *end;

        STRV_FOREACH (s, l)
                size += strlen(*s) + strlen(separator);
        joined = malloc(size);
        if (!joined)
                return NULL;
        end = joined;
        STRV_FOREACH (s, l) {
                if (s != l)
                        end = stpcpy(end, separator);
                end = stpcpy(end, *s);
        }
        *end = '\0';
        return joined;
}

bool strv_equal(char *const *a, char *const *b)
{
        if (strv_length(a) != strv_length(b))
                return false;
        for (; a && *a; a++, b++)
                if (!streq(*a, *b))
                        return false;
        return true;
}

bool strv_equal_set(char *const *a, char *const *b)
{
        if (strv_length(a) != strv_length(b))
                return false;
        STRV_FOREACH (s, a)
                if (!strv_contains(b, *s))
                        return false;
        return true;
}
