/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JSON as renewd says it, with the few fields that a test is about, and what is rendered of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>

#include "base/timestamp.h"

/* 2026-11-24T00:00:00Z */
#define NOW (UINT64_C(1795478400) * USEC_PER_SEC)

/* A 90-day certificate: with 60 days left, 14 days left, over. */
#define ISSUED(from, until)                                                              \
        "{'generation':'g1','serial':'0a1b','fingerprint':'ff00','issuer':'CN=Test CA'," \
        "'not_before':'" from "','not_after':'" until                                    \
        "','names':['a.example','www.a.example'],'directory':'/var/lib/renewd/live/a.example'}"
#define FRESH ISSUED("2026-10-25T00:00:00Z", "2027-01-23T00:00:00Z")
#define OLD   ISSUED("2026-09-09T00:00:00Z", "2026-12-08T00:00:00Z")
#define OVER  ISSUED("2026-08-24T00:00:00Z", "2026-11-22T00:00:00Z")

/* @text: JSON with ' for ". */
static inline json_t *json_of(const char *text)
{
        char *copy = strdup(text);
        json_t *json;

        assert_non_null(copy);
        for (char *c = copy; *c; c++)
                *c = *c == '\'' ? '"' : *c;
        json = json_loads(copy, 0, NULL);
        free(copy);
        assert_non_null(json);
        return json;
}

typedef int (*Render)(json_t *json, FILE *file, bool color, uint64_t now_usec);

/* What is rendered; the caller frees it. */
static inline char *rendered(Render render, const char *text, bool color)
{
        json_t *json = json_of(text);
        char *out = NULL;
        size_t size;
        FILE *file = open_memstream(&out, &size);

        assert_non_null(file);
        assert_int_equal(render(json, file, color, NOW), 0);
        assert_int_equal(fclose(file), 0);
        json_decref(json);
        return out;
}

static inline void assert_contains(const char *text, const char *part)
{
        if (!strstr(text, part))
                fail_msg("'%s' is not in:\n%s", part, text);
}

static inline void assert_lacks(const char *text, const char *part)
{
        if (strstr(text, part))
                fail_msg("'%s' is in:\n%s", part, text);
}
