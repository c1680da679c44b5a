/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * listen: listening sockets, and who else has one.
 *
 * A Unix socket's name outlives its process, so the name alone says nothing: whoever answers a
 * connect() lives, a refused one is stale and is replaced. The mode is right from the first
 * instant, because bind(2) creates the name under our umask; chmod(2) afterwards would leave a
 * moment for everyone.
 *
 * The holder of a port is found as ss(8) finds it: the line of /proc/self/net/tcp (which
 * ProcSubset=pid leaves, other than /proc/net) gives the socket's inode, and the process that has a
 * descriptor of that inode is the holder. An unprivileged process sees only the descriptors of its
 * own user; then the unit is named, where systemd runs it.
 */

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/text.h"
#include "net/listen.h"
#include "net/socket-unit.h"

#define LISTEN_BACKLOG 512 /* a burst of validations; the kernel cuts it to net.core.somaxconn */

typedef union ListenAddress {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
} ListenAddress;

/* Return: 0, or -EINVAL when host is not a numeric address. */
static int address_parse(const char *host, unsigned port, ListenAddress *ret, socklen_t *ret_size)
{
        ListenAddress a = { 0 };

        if (port > UINT16_MAX)
                return -EINVAL;
        if (inet_pton(AF_INET, host, &a.in.sin_addr) == 1) {
                a.in.sin_family = AF_INET;
                a.in.sin_port = htons((uint16_t) port);
                *ret_size = sizeof(a.in);
        } else if (inet_pton(AF_INET6, host, &a.in6.sin6_addr) == 1) {
                a.in6.sin6_family = AF_INET6;
                a.in6.sin6_port = htons((uint16_t) port);
                *ret_size = sizeof(a.in6);
        } else
                return -EINVAL;
        *ret = a;
        return 0;
}

int listen_tcp(const char *host, unsigned port)
{
        _cleanup_close_ int fd = -EBADF;
        static const int on = 1;
        ListenAddress a;
        socklen_t size;
        int r;

        r = address_parse(host, port, &a, &size);
        if (r < 0)
                return r;
        fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        /* A port with connections in TIME_WAIT is free; one with a listener is not, this changes
         * nothing. */
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
                return -errno;
        if (a.sa.sa_family == AF_INET6 &&
                        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
                return -errno;
        if (bind(fd, &a.sa, size) < 0 || listen(fd, LISTEN_BACKLOG) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* Removes path when it is a socket that nobody listens on. Return: 0, -EADDRINUSE, -errno. */
static int remove_stale(const ListenAddress *a)
{
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        if (lstat(a->un.sun_path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISSOCK(st.st_mode))
                return -EEXIST;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        /* EAGAIN is a living one's full queue; only a refused connection is a proof of death. */
        if (connect(fd, &a->sa, sizeof(a->un)) >= 0 || errno == EAGAIN)
                return -EADDRINUSE;
        if (errno != ECONNREFUSED && errno != ENOENT)
                return -errno;
        if (unlink(a->un.sun_path) < 0 && errno != ENOENT)
                return -errno;
        return 0;
}

int listen_unix(const char *path, mode_t mode)
{
        ListenAddress a = { .un.sun_family = AF_UNIX };
        _cleanup_close_ int fd = -EBADF;
        mode_t mask;
        int r;

        if (strlen(path) >= sizeof(a.un.sun_path))
                return -ENAMETOOLONG;
        memcpy(a.un.sun_path, path, strlen(path) + 1);
        r = remove_stale(&a);
        if (r < 0)
                return r;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        mask = umask(0777 & ~mode);
        r = bind(fd, &a.sa, sizeof(a.un)) < 0 ? -errno : 0;
        (void) umask(mask);
        if (r < 0)
                return r;
        if (listen(fd, LISTEN_BACKLOG) < 0) {
                r = -errno;
                (void) unlink(path);
                return r;
        }
        return TAKE_FD(fd);
}

/* The local address of a row of /proc/net/tcp{,6}: 32-bit words in hexadecimal, in host order. */
static bool row_address(const char *hex, ListenAddress *ret)
{
        uint32_t *words = ret->sa.sa_family == AF_INET ? &ret->in.sin_addr.s_addr
                                                       : ret->in6.sin6_addr.s6_addr32;
        size_t n = ret->sa.sa_family == AF_INET ? 1 : 4;

        if (strlen(hex) != 8 * n)
                return false;
        for (size_t i = 0; i < n; i++)
                if (sscanf(hex + 8 * i, "%8" SCNx32, &words[i]) != 1)
                        return false;
        return true;
}

static bool address_is_any(const ListenAddress *a)
{
        return a->sa.sa_family == AF_INET ? a->in.sin_addr.s_addr == INADDR_ANY
                                          : IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

/* Whether a listener on `held` keeps us from `wanted` (same port). [::] may be dual-stack and hold
 * both. */
static bool address_conflicts(const ListenAddress *held, const ListenAddress *wanted)
{
        if (address_is_any(held))
                return held->sa.sa_family == AF_INET6 || wanted->sa.sa_family == AF_INET;
        if (held->sa.sa_family != wanted->sa.sa_family)
                return false;
        if (address_is_any(wanted))
                return true;
        if (held->sa.sa_family == AF_INET)
                return held->in.sin_addr.s_addr == wanted->in.sin_addr.s_addr;
        return IN6_ARE_ADDR_EQUAL(&held->in6.sin6_addr, &wanted->in6.sin6_addr);
}

/* The inode of the listening socket in `table` that is in the way; 0 when none is. */
static unsigned long find_inode(
                const char *table, sa_family_t family, const ListenAddress *wanted, unsigned port)
{
        FILE *f = fopen(table, "re");
        unsigned long inode = 0, found = 0;
        char *line = NULL;
        size_t size = 0;

        if (!f)
                return 0;
        while (found == 0 && getline(&line, &size, f) >= 0) {
                ListenAddress held = { .sa.sa_family = family };
                unsigned row_port, state;
                char hex[33];

                if (sscanf(line,
                                    " %*u: %32[0-9A-F]:%4X %*[0-9A-F]:%*4X %2X %*s %*s %*s %*u %*u "
                                    "%lu",
                                    hex, &row_port, &state, &inode) != 4)
                        continue;
                if (state == TCP_LISTEN && row_port == port && row_address(hex, &held) &&
                                address_conflicts(&held, wanted))
                        found = inode;
        }
        free(line);
        (void) fclose(f);
        return found;
}

/* Whether the process has the socket among its descriptors. */
static bool process_has(int proc_fd, const char *pid, const char *link)
{
        _cleanup_free_ char *path = text_format("%s/fd", pid);
        int fd = path ? openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
        struct dirent *e;
        bool has = false;

        if (!d) {
                (void) close_fd(fd);
                return false;
        }
        while (!has && (e = readdir(d))) {
                char target[64];
                ssize_t n = readlinkat(fd, e->d_name, target, sizeof(target) - 1);

                if (n > 0) {
                        target[n] = '\0';
                        has = streq(target, link);
                }
        }
        (void) closedir(d);
        return has;
}

/* "nginx (pid 812)"; NULL when out of memory or when the process is gone. */
static char *process_describe(int proc_fd, const char *pid)
{
        _cleanup_free_ char *path = text_format("%s/comm", pid), *escaped = NULL;
        _cleanup_close_ int fd = -EBADF;
        char comm[64];
        ssize_t n;

        fd = path ? openat(proc_fd, path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd < 0)
                return NULL;
        n = read(fd, comm, sizeof(comm));
        if (n <= 0)
                return NULL;
        escaped = text_escape(comm, (size_t) n - (comm[n - 1] == '\n'), sizeof(comm));
        return escaped ? text_format("%s (pid %s)", escaped, pid) : NULL;
}

static char *find_process(unsigned long inode)
{
        _cleanup_free_ char *link = text_format("socket:[%lu]", inode);
        DIR *d = link ? opendir("/proc") : NULL;
        struct dirent *e;
        char *holder = NULL;

        if (!d)
                return NULL;
        /* Processes are listed by number: of a server and its workers the oldest, the one to stop,
         * is met first (but for numbers that went round). */
        while (!holder && (e = readdir(d)))
                if (e->d_name[0] >= '0' && e->d_name[0] <= '9' &&
                                process_has(dirfd(d), e->d_name, link))
                        holder = process_describe(dirfd(d), e->d_name);
        (void) closedir(d);
        return holder;
}

char *listen_holder(const char *host, unsigned port)
{
        unsigned long inode = 0;
        ListenAddress wanted;
        char *holder = NULL;
        socklen_t size;

        if (address_parse(host, port, &wanted, &size) >= 0) {
                inode = find_inode("/proc/self/net/tcp", AF_INET, &wanted, port);
                if (inode == 0)
                        inode = find_inode("/proc/self/net/tcp6", AF_INET6, &wanted, port);
        }
        if (inode > 0)
                holder = find_process(inode);
        if (inode > 0 && !holder)
                holder = socket_unit(inode);
        return holder ? holder : strdup("another program");
}
