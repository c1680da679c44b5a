/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Linked with -Wl,--wrap: calls of malloc() and its kin in our objects arrive at __wrap_malloc().
 */

#include "allocation.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

static unsigned fail_at, count;
static bool armed, failed, scanning;

void allocation_fail_at(unsigned n)
{
        fail_at = n;
        count = 0;
        failed = false;
}

void allocation_arm(bool on)
{
        armed = on;
}

bool allocation_has_failed(void)
{
        return failed;
}

static bool fails(void)
{
        if (!armed || ++count != fail_at)
                return false;
        failed = true;
        errno = ENOMEM;
        return true;
}

/* Names that the linker gives. */
#define WRAP(type, name, parameters, arguments)                  \
        type __real_##name parameters;                           \
        type __wrap_##name parameters;                           \
        type __wrap_##name parameters                            \
        {                                                        \
                return fails() ? NULL : __real_##name arguments; \
        }

WRAP(void *, malloc, (size_t size), (size))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, (void *p, size_t size), (p, size))
WRAP(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
WRAP(char *, strdup, (const char *s), (s))
WRAP(char *, strndup, (const char *s, size_t n), (s, n))

int __real_vasprintf(char **ret, const char *format, va_list ap);
int __wrap_vasprintf(char **ret, const char *format, va_list ap) _printf_(2, 0);
int __wrap_vasprintf(char **ret, const char *format, va_list ap)
{
        return fails() ? -1 : __real_vasprintf(ret, format, ap);
}

/* What vasprintf() becomes with -D_FORTIFY_SOURCE. */
int __real___vasprintf_chk(char **ret, int flag, const char *format, va_list ap);
int __wrap___vasprintf_chk(char **ret, int flag, const char *format, va_list ap) _printf_(3, 0);
int __wrap___vasprintf_chk(char **ret, int flag, const char *format, va_list ap)
{
        return fails() ? -1 : __real___vasprintf_chk(ret, flag, format, ap);
}

/*
 * jansson 2.14 does not look whether the buffer into which it copies each token could grow, and
 * runs past its end when it could not. There is nothing that a caller can do about it, so this
 * one thing never fails: while a text is read, sizes that double from 16 on (strbuffer.c).
 */
static bool is_scan_buffer(size_t size)
{
        return scanning && size > 16 && (size & (size - 1)) == 0;
}

static void *json_allocate(size_t size)
{
        return is_scan_buffer(size) ? __real_malloc(size) : malloc(size);
}

json_t *__real_json_loadb(const char *text, size_t size, size_t flags, json_error_t *error);
json_t *__wrap_json_loadb(const char *text, size_t size, size_t flags, json_error_t *error);
json_t *__wrap_json_loadb(const char *text, size_t size, size_t flags, json_error_t *error)
{
        json_t *j;

        scanning = true;
        j = __real_json_loadb(text, size, flags, error);
        scanning = false;
        return j;
}

json_t *__wrap_json_loads(const char *text, size_t flags, json_error_t *error);
json_t *__wrap_json_loads(const char *text, size_t flags, json_error_t *error)
{
        return __wrap_json_loadb(text, strlen(text), flags, error);
}

void allocation_init(void)
{
        json_set_alloc_funcs(json_allocate, free);
}
