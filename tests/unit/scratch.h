/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A directory for one test, and file systems of a known size in it. Mounts live in a mount
 * namespace of the test's own, so nothing is left behind however it ends. Without the right to
 * mount, a test that needs it says so and is skipped.
 */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"

typedef struct Scratch {
        char path[64];
        int fd;
        bool mounted;
} Scratch;

static inline void scratch_open(Scratch *s)
{
        *s = (Scratch){ .path = "/tmp/renewd-test-XXXXXX" };
        assert_non_null(mkdtemp(s->path));
        s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(s->fd >= 0);
}

static inline void scratch_close(Scratch *s)
{
        (void) close_fd(s->fd);
        if (s->mounted)
                (void) umount2(s->path, MNT_DETACH);
        assert_int_equal(directory_remove_at(AT_FDCWD, s->path), 0);
}

static inline bool scratch_may_mount(void)
{
        static int allowed = -1;

        if (allowed < 0)
                allowed = unshare(CLONE_NEWNS) >= 0 &&
                          mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) >= 0;
        if (!allowed)
                print_message("SKIPPED: mounting is not permitted here (run as root)\n");
        return allowed;
}

/* Puts a tmpfs of that size over the directory, or changes the size of the one that is there. */
static inline void scratch_mount(Scratch *s, size_t size, unsigned long flags)
{
        _cleanup_free_ char *options = text_format("size=%zu,mode=0700", size);

        assert_int_equal(mount("tmpfs", s->path, "tmpfs", flags | (s->mounted ? MS_REMOUNT : 0),
                                         options),
                        0);
        s->mounted = true;
        (void) close_fd(s->fd);
        s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(s->fd >= 0);
}

static inline mode_t scratch_mode(int dir_fd, const char *path)
{
        struct stat st;

        assert_int_equal(fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
        return st.st_mode & 07777;
}

static inline bool scratch_exists(int dir_fd, const char *path)
{
        return faccessat(dir_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
