/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * file: durable files.
 *
 * The order of system calls is the whole point: the new content is written beside the old with its
 * final mode, reaches the disk (fsync), takes the old one's name (rename is atomic), and then the
 * directory reaches the disk too, without which a power cut can bring the old name back. Every
 * temporary name starts with a dot and ends in ".tmp", so that a start can sweep what a crash left.
 */

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"

int file_read_at(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_size)
{
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *data = NULL;
        size_t size = 0, expected;
        struct stat st;

        /* Not blocking: a FIFO in the place of a file must not stop us before fstat() sees it. */
        fd = openat(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if ((uint64_t) st.st_size > max)
                return -E2BIG;

        expected = (size_t) st.st_size;
        data = malloc(expected + 1);
        if (!data)
                return -ENOMEM;
        while (size < expected) {
                ssize_t n = read(fd, data + size, expected - size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                size += (size_t) n;
        }
        data[size] = '\0';
        *ret = TAKE_PTR(data);
        if (ret_size)
                *ret_size = size;
        return 0;
}

static int write_all(int fd, const char *data, size_t size)
{
        while (size > 0) {
                ssize_t n = write(fd, data, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -EIO;
                data += n;
                size -= (size_t) n;
        }
        return 0;
}

int directory_sync(int dir_fd)
{
        return fsync(dir_fd) < 0 ? -errno : 0;
}

static const char *last_component(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/*
 * Opens the directory that path lies in, before anything is changed: after a rename nothing may
 * fail any more for want of memory or descriptors. Return: a descriptor that the caller closes, or
 * -errno.
 */
static int parent_open(int dir_fd, const char *path)
{
        _cleanup_free_ char *parent = NULL;
        const char *slash = strrchr(path, '/');
        int fd;

        parent = slash ? strndup(path, (size_t) (slash - path) + 1) : strdup(".");
        if (!parent)
                return -ENOMEM;
        fd = openat(dir_fd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* In the same directory, as rename() demands. A name that fills NAME_MAX loses its end. */
static char *temporary_name(const char *name)
{
        return text_format(".%.*s.tmp", (int) (NAME_MAX - strlen("..tmp")), name);
}

static int fill_file(int fd, const void *data, size_t size, mode_t mode)
{
        int r;

        if (fchmod(fd, mode) < 0) /* whatever the umask was */
                return -errno;
        r = write_all(fd, data, size);
        if (r < 0)
                return r;
        return fsync(fd) < 0 ? -errno : 0;
}

int file_create_at(int dir_fd, const char *path, const void *data, size_t size, mode_t mode)
{
        int fd, r;

        fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                        mode & 0600);
        if (fd < 0)
                return -errno;
        r = fill_file(fd, data, size, mode);
        /* Some file systems (NFS, quota) report a failed write only here. */
        if (close(fd) < 0 && r >= 0)
                r = -errno;
        if (r < 0)
                (void) unlinkat(dir_fd, path, 0);
        return r;
}

/* Gives what was made under the temporary name its name. On failure nothing of it remains. */
static int take_name(int dir_fd, const char *temporary, const char *name)
{
        int r;

        if (renameat(dir_fd, temporary, dir_fd, name) < 0) {
                r = -errno;
                (void) unlinkat(dir_fd, temporary, 0);
                return r;
        }
        return directory_sync(dir_fd);
}

int file_write_at(int dir_fd, const char *path, const void *data, size_t size, mode_t mode)
{
        _cleanup_free_ char *temporary = NULL;
        _cleanup_close_ int parent = -EBADF;
        const char *name = last_component(path);
        int r;

        parent = parent_open(dir_fd, path);
        if (parent < 0)
                return parent;
        temporary = temporary_name(name);
        if (!temporary)
                return -ENOMEM;
        /* What a crash left behind goes; O_EXCL makes sure that we write to what we created. */
        if (unlinkat(parent, temporary, 0) < 0 && errno != ENOENT)
                return -errno;
        r = file_create_at(parent, temporary, data, size, mode);
        return r < 0 ? r : take_name(parent, temporary, name);
}

int file_remove_at(int dir_fd, const char *path)
{
        _cleanup_free_ char *temporary = NULL;
        _cleanup_close_ int parent = -EBADF;
        const char *name = last_component(path);

        parent = parent_open(dir_fd, path);
        if (parent < 0)
                return parent == -ENOENT ? 0 : parent;
        temporary = temporary_name(name);
        if (!temporary)
                return -ENOMEM;
        (void) unlinkat(parent, temporary, 0);
        if (unlinkat(parent, name, 0) < 0)
                return errno == ENOENT ? 0 : -errno;
        return directory_sync(parent);
}

int file_symlink_at(int dir_fd, const char *target, const char *path)
{
        _cleanup_free_ char *temporary = NULL;
        _cleanup_close_ int parent = -EBADF;
        const char *name = last_component(path);

        parent = parent_open(dir_fd, path);
        if (parent < 0)
                return parent;
        temporary = temporary_name(name);
        if (!temporary)
                return -ENOMEM;
        if (unlinkat(parent, temporary, 0) < 0 && errno != ENOENT)
                return -errno;
        if (symlinkat(target, parent, temporary) < 0)
                return -errno;
        return take_name(parent, temporary, name);
}

/* Return: 0 also when it was there, whatever it is. */
static int make_one_at(int dir_fd, const char *path, mode_t mode)
{
        _cleanup_close_ int parent = -EBADF;

        if (mkdirat(dir_fd, path, mode) < 0)
                return errno == EEXIST ? 0 : -errno;
        if (fchmodat(dir_fd, path, mode, 0) < 0) /* whatever the umask was */
                return -errno;
        parent = parent_open(dir_fd, path);
        return parent < 0 ? parent : directory_sync(parent);
}

int directory_make_at(int dir_fd, const char *path, mode_t mode)
{
        _cleanup_free_ char *copy = strdup(path);
        struct stat st;
        int r;

        if (!copy)
                return -ENOMEM;
        for (char *p = copy + strspn(copy, "/"); *p;) {
                char *slash = p + strcspn(p, "/"), c = *slash;

                *slash = '\0';
                r = make_one_at(dir_fd, copy, mode);
                if (r < 0)
                        return r;
                *slash = c;
                p = slash + strspn(slash, "/");
        }
        if (fstatat(dir_fd, path, &st, 0) < 0)
                return -errno;
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int directory_open_at(int dir_fd, const char *path, mode_t mode)
{
        int fd, r;

        r = make_one_at(dir_fd, path, mode);
        if (r < 0)
                return r;
        fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static int compare_strings(const void *a, const void *b)
{
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static DIR *directory_stream(int dir_fd)
{
        int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d;

        if (fd < 0)
                return NULL;
        d = fdopendir(fd);
        if (!d)
                (void) close_fd(fd);
        return d;
}

int directory_list(int dir_fd, char ***ret)
{
        _cleanup_strv_ char **names = NULL;
        DIR *d = directory_stream(dir_fd);
        struct dirent *e;
        int r = 0;

        if (!d)
                return -errno;
        while (r >= 0 && (errno = 0, e = readdir(d)))
                if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
                        r = strv_add(&names, e->d_name);
        if (r >= 0 && errno != 0)
                r = -errno;
        (void) closedir(d);
        if (r < 0)
                return r;
        if (names)
                qsort(names, strv_length(names), sizeof(char *), compare_strings);
        *ret = TAKE_PTR(names);
        return 0;
}

int directory_remove_at(int dir_fd, const char *path)
{
        _cleanup_close_ int fd = -EBADF;
        _cleanup_strv_ char **names = NULL;
        int r, first = 0;

        fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        r = directory_list(fd, &names);
        if (r < 0)
                return r;
        STRV_FOREACH (name, names) {
                if (unlinkat(fd, *name, 0) >= 0)
                        continue;
                r = errno == EISDIR || errno == EPERM ? directory_remove_at(fd, *name) : -errno;
                if (r < 0 && first == 0)
                        first = r;
        }
        if (first < 0)
                return first;
        return unlinkat(dir_fd, path, AT_REMOVEDIR) < 0 ? -errno : 0;
}
