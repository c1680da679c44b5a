/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The few macros that every room uses: cleanup attributes, so that a function returns where it
 * fails and leaks nothing, and the attributes that let the compiler check formats and results.
 */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(f)         __attribute__((cleanup(f)))
#define _printf_(a, b)       __attribute__((format(printf, a, b)))
#define _must_check_         __attribute__((warn_unused_result))
#define _cleanup_free_       _cleanup_(cleanup_freep)
#define _cleanup_close_      _cleanup_(cleanup_closep)
#define ELEMENTSOF(a)        (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)            ((a) < (b) ? (a) : (b))
#define MAX(a, b)            ((a) > (b) ? (a) : (b))
#define assert_not_reached() (assert(!"not reached"), abort())

/* The value of a pointer whose ownership moves on; what is left behind is NULL. */
#define TAKE_PTR(p)                                          \
        ({                                                   \
                __typeof__(p) *_pp_ = &(p), _value_ = *_pp_; \
                *_pp_ = NULL;                                \
                _value_;                                     \
        })

/* The same for a file descriptor; what is left behind is -EBADF. */
#define TAKE_FD(fd)                                   \
        ({                                            \
                int *_fdp_ = &(fd), _value_ = *_fdp_; \
                *_fdp_ = -EBADF;                      \
                _value_;                              \
        })

/* DEFINE_CLEANUP(Foo, foo_free): foo_freep() for _cleanup_(foo_freep) Foo *foo = NULL. */
#define DEFINE_CLEANUP(type, function)           \
        static inline void function##p(type **p) \
        {                                        \
                if (*p)                          \
                        *p = function(*p);       \
        }

static inline void cleanup_freep(void *p)
{
        free(*(void **) p);
}

/* Closes what is open and keeps errno, so that it can stand in an error path. */
static inline int close_fd(int fd)
{
        int saved = errno;

        if (fd >= 0)
                (void) close(fd);
        errno = saved;
        return -EBADF;
}

static inline void cleanup_closep(int *fd)
{
        (void) close_fd(*fd);
}

static inline bool streq(const char *a, const char *b)
{
        return strcmp(a, b) == 0;
}

/* Equal, or both NULL. */
static inline bool streq_ptr(const char *a, const char *b)
{
        return a && b ? streq(a, b) : a == b;
}

static inline bool has_prefix(const char *s, const char *prefix)
{
        return strncmp(s, prefix, strlen(prefix)) == 0;
}
