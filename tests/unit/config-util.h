/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A configuration of a test's own in a directory of its own, and what is said about it. */

#include "config/config.h"
#include "scratch.h"

typedef struct Fixture {
        Scratch scratch;
        char path[128];
        Config *config;
        ConfigProblems problems;
} Fixture;

static inline void fixture_open(Fixture *f)
{
        *f = (Fixture){};
        scratch_open(&f->scratch);
        (void) snprintf(f->path, sizeof(f->path), "%s/renewd.conf", f->scratch.path);
}

static inline void fixture_close(Fixture *f)
{
        config_unref(f->config);
        config_problems_done(&f->problems);
        scratch_close(&f->scratch);
}

static inline void fixture_write(Fixture *f, const char *name, const char *text)
{
        if (strchr(name, '/'))
                assert_int_equal(directory_make_at(f->scratch.fd, "conf.d", 0755), 0);
        assert_int_equal(file_write_at(f->scratch.fd, name, text, strlen(text), 0644), 0);
}

static inline int fixture_load(Fixture *f)
{
        f->config = config_unref(f->config);
        config_problems_done(&f->problems);
        return config_load(f->path, &f->problems, &f->config);
}

static inline void fixture_print(const Fixture *f)
{
        for (size_t i = 0; i < f->problems.n; i++) {
                _cleanup_free_ char *text = config_problem_format(&f->problems.items[i]);

                print_message("%s\n", text);
        }
}

/* Loads the text as the main file; it must be good. */
static inline void fixture_good(Fixture *f, const char *text)
{
        int r;

        fixture_write(f, "renewd.conf", text);
        r = fixture_load(f);
        if (r < 0)
                fixture_print(f);
        assert_int_equal(r, 0);
        assert_int_equal(f->problems.n, 0);
}

/* The n-th problem is "NAME:LINE: text" with NAME in the directory of the test. */
static inline void fixture_check(const Fixture *f, size_t n, const char *expected)
{
        _cleanup_free_ char *whole = NULL, *text = NULL;

        if (n >= f->problems.n)
                fixture_print(f);
        assert_true(n < f->problems.n);
        text = config_problem_format(&f->problems.items[n]);
        whole = text_format("%s/%s", f->scratch.path, expected);
        assert_string_equal(text, whole);
}

/* Loads the text as the main file; it must have this one problem. */
static inline void fixture_bad(Fixture *f, const char *text, const char *expected)
{
        fixture_write(f, "renewd.conf", text);
        assert_int_equal(fixture_load(f), -EINVAL);
        assert_null(f->config);
        if (f->problems.n != 1)
                fixture_print(f);
        fixture_check(f, 0, expected);
        assert_int_equal(f->problems.n, 1);
}
