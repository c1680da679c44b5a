/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Store: the state directory, opened and locked.
 *
 * One process writes, kept alone by flock(2) on the directory's own descriptor: the lock dies with
 * the process, however it dies, and no lock file can be stale. Any number of processes may read,
 * since every change is one rename.
 *
 * Whoever owns the directory (user renewd) must not lead a reader with more rights (renewd-deploy)
 * to other files. So nothing below it is opened by a path of more than one component, no link is
 * followed, and a name that was found on disk is looked at before it is used.
 */

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/strv.h"
#include "base/text.h"
#include "store/layout.h"

/* --- directories and keys --------------------------------------------------------------------- */

/* Passing through needs no permission to list, so a mere reader does not ask for it. */
static int access_flags(bool read_only)
{
        return O_DIRECTORY | O_CLOEXEC | (read_only ? O_PATH : O_RDONLY);
}

static int open_below(int dir_fd, const char *name, bool read_only)
{
        int fd = openat(dir_fd, name, access_flags(read_only) | O_NOFOLLOW);

        return fd < 0 ? -errno : fd;
}

static int directory_walk(const Store *s, mode_t mode, char *path)
{
        _cleanup_close_ int fd = -EBADF;

        for (char *p = path, *next; p; p = next) {
                int below;

                next = strchr(p, '/');
                if (next)
                        *next++ = '\0';
                if (!text_is_plain_name(p))
                        return -EINVAL;
                if (mode != 0 && !next)
                        below = directory_open_at(fd < 0 ? s->fd : fd, p, mode);
                else
                        below = open_below(fd < 0 ? s->fd : fd, p, s->read_only);
                if (below < 0)
                        return below;
                (void) close_fd(fd);
                fd = below;
        }
        return TAKE_FD(fd);
}

static size_t count_slashes(const char *s)
{
        size_t n = 0;

        while ((s = strchr(s, '/'))) {
                n++;
                s++;
        }
        return n;
}

int store_directory(const Store *s, mode_t mode, const char *format, ...)
{
        _cleanup_free_ char *path = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&path, format, ap);
        va_end(ap);
        if (n < 0) {
                path = NULL;
                return -ENOMEM;
        }
        /* A name with a slash would be two, and each of them plain. */
        if (count_slashes(path) != count_slashes(format))
                return -EINVAL;
        if (mode != 0 && s->read_only)
                return -EROFS;
        return directory_walk(s, mode, path);
}

void store_certificate_abandon(const Store *s, const char *certificate)
{
        _cleanup_close_ int fd = store_directory(s, 0, "certificates");

        if (fd >= 0)
                (void) unlinkat(fd, certificate, AT_REMOVEDIR);
}

char *store_temporary_name(const char *name)
{
        return text_format(".%s.tmp", name);
}

/* Removes a directory or whatever else has the name. Return: 0 (also when it was not there) or
 * -errno. */
static int remove_any(int dir_fd, const char *name)
{
        if (unlinkat(dir_fd, name, 0) >= 0 || errno == ENOENT)
                return 0;
        return errno == EISDIR ? directory_remove_at(dir_fd, name) : -errno;
}

int store_directory_discard(int parent_fd, const char *name)
{
        _cleanup_free_ char *temporary = store_temporary_name(name);
        int r;

        if (!temporary)
                return -ENOMEM;
        r = remove_any(parent_fd, temporary);
        if (r < 0)
                return r;
        if (renameat(parent_fd, name, parent_fd, temporary) < 0)
                return errno == ENOENT ? 0 : -errno;
        r = directory_sync(parent_fd);
        /* It is gone by now; what cannot be removed is swept at the next start. */
        (void) remove_any(parent_fd, temporary);
        return r;
}

bool store_is_damage(int r)
{
        switch (-r) {
        case ENOENT:
        case ENOTDIR:
        case EISDIR:
        case ENXIO: /* a socket in the place of a file */
        case ELOOP:
        case EINVAL:
        case E2BIG:
        case EIO:
        case EUCLEAN:
        case EBADMSG:
                return true;
        default:
                return false;
        }
}

/* GnuTLS reads a key whose last line was cut, OpenSSL and so most services do not. */
static bool is_cut(const char *pem, size_t size)
{
        while (size > 0 && (pem[size - 1] == '\n' || pem[size - 1] == '\r'))
                size--;
        return size < 5 || memcmp(pem + size - 5, "-----", 5) != 0;
}

int store_key_load(int dir_fd, const char *file, RenewKey **ret)
{
        _cleanup_free_ char *pem = NULL;
        size_t size;
        int r;

        r = file_read_at(dir_fd, file, LIMIT_STATE_FILE, &pem, &size);
        if (r < 0)
                return store_is_damage(r) && r != -EIO ? STORE_E_DAMAGED : r;
        r = is_cut(pem, size) ? STORE_E_DAMAGED : renew_key_from_pem(pem, size, ret);
        explicit_bzero(pem, size);
        return r > 0 ? STORE_E_DAMAGED : r;
}

int store_key_create(int dir_fd, const char *file, const RenewKey *key)
{
        char *pem;
        int r;

        r = renew_key_to_pem(key, &pem);
        if (r < 0)
                return r;
        r = file_create_at(dir_fd, file, pem, strlen(pem), MODE_SECRET);
        renew_secret_free(pem);
        return r;
}

/* --- sweeping --------------------------------------------------------------------------------- */

/* What base/file.h and we name things that are not finished yet. */
static bool is_temporary(const char *name)
{
        size_t n = strlen(name);

        return n > strlen("..tmp") && name[0] == '.' && streq(name + n - strlen(".tmp"), ".tmp");
}

/* Removes what a crash left in the directory and, to the given depth, in those below it. A thing
 * that cannot be removed is in nobody's way. */
static void sweep(int dir_fd, unsigned depth)
{
        _cleanup_strv_ char **names = NULL;

        if (directory_list(dir_fd, &names) < 0)
                return;
        STRV_FOREACH (name, names) {
                _cleanup_close_ int fd = -EBADF;

                if (is_temporary(*name)) {
                        (void) remove_any(dir_fd, *name);
                } else if (depth > 0 && text_is_plain_name(*name)) {
                        fd = open_below(dir_fd, *name, false);
                        if (fd >= 0)
                                sweep(fd, depth - 1);
                }
        }
}

/* --- opening and closing ---------------------------------------------------------------------- */

/* The directories of the first level, and the sweeping of what lies below them. */
static int store_prepare(const Store *s)
{
        static const struct {
                const char *name;
                mode_t mode;
                unsigned depth; /* levels below it at which something is written */
        } rooms[] = {
                { "accounts", MODE_PRIVATE, 2 },     /* <ca>/<thumbprint> */
                { "certificates", MODE_PASSAGE, 2 }, /* <name>/order */
                { "live", MODE_PASSAGE, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rooms); i++) {
                _cleanup_close_ int fd = store_directory(s, rooms[i].mode, "%s", rooms[i].name);

                if (fd < 0)
                        return fd;
                /* A crash between mkdir(2) and chmod(2) must not keep services out for ever. */
                if (fchmod(fd, rooms[i].mode) < 0)
                        return -errno;
                sweep(fd, rooms[i].depth);
        }
        return 0;
}

static int store_new(const char *path, bool read_only, Store **ret)
{
        _cleanup_(store_closep) Store *s = calloc(1, sizeof(Store));

        if (!s)
                return -ENOMEM;
        s->read_only = read_only;
        s->fd = -EBADF;
        s->path = strdup(path);
        if (!s->path)
                return -ENOMEM;
        /* The one link that is followed: where the state lies is the administrator's to say. */
        s->fd = open(path, access_flags(read_only));
        if (s->fd < 0)
                return -errno;
        *ret = TAKE_PTR(s);
        return 0;
}

int store_open(const char *path, Store **ret)
{
        _cleanup_(store_closep) Store *s = NULL;
        int r;

        r = directory_make_at(AT_FDCWD, path, MODE_PASSAGE);
        if (r < 0)
                return r;
        r = store_new(path, false, &s);
        if (r < 0)
                return r;
        if (flock(s->fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        r = store_prepare(s);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

int store_open_readonly(const char *path, Store **ret)
{
        return store_new(path, true, ret);
}

Store *store_close(Store *s)
{
        if (!s)
                return NULL;
        (void) close_fd(s->fd);
        free(s->path);
        free(s);
        return NULL;
}

const char *store_path(const Store *s)
{
        return s->path;
}

/* --- what there is ---------------------------------------------------------------------------- */

static bool is_directory(int dir_fd, const char *name)
{
        struct stat st;

        return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISDIR(st.st_mode);
}

int store_certificates(Store *s, char ***ret)
{
        _cleanup_close_ int fd = store_directory(s, 0, "certificates");
        _cleanup_strv_ char **names = NULL;
        size_t n = 0;
        int r;

        if (fd < 0 && fd != -ENOENT)
                return fd;
        if (fd >= 0) {
                r = directory_list(fd, &names);
                if (r < 0)
                        return r;
        }
        /* Foreign things are left out where they stand in the list. */
        for (size_t i = 0; names && names[i]; i++) {
                char *name = names[i];

                names[i] = NULL;
                if (text_is_plain_name(name) && is_directory(fd, name))
                        names[n++] = name;
                else
                        free(name);
        }
        *ret = TAKE_PTR(names);
        return 0;
}
