/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * socket-unit: which service a socket is of, also of another user.
 *
 * The kernel tells anybody the cgroup that a socket was made in (sock_diag(7)), while a process's
 * descriptors are for its own user's eyes and root's. A cgroup's id is the inode of its directory,
 * and systemd names that directory after the unit.
 */

#include <dirent.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/text.h"
#include "net/socket-unit.h"

#define ANSWER_SIZE   ((size_t) 16 * 1024)
#define UNIT_NAME_MAX ((size_t) 256)

/* --- the cgroup's id -------------------------------------------------------------------------- */

/* Return: 0 or -errno. */
static int ask_for_listeners(int fd, unsigned char family)
{
        struct {
                struct nlmsghdr header;
                struct inet_diag_req_v2 body;
        } request = {
                .header = { .nlmsg_len = sizeof(request),
                                .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                                .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
                .body = { .sdiag_family = family,
                                .sdiag_protocol = IPPROTO_TCP,
                                .idiag_states = 1U << TCP_LISTEN },
        };

        return send(fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

/* 0: a kernel that does not tell, before 5.8. */
static uint64_t message_cgroup(struct nlmsghdr *h)
{
        struct inet_diag_msg *m = NLMSG_DATA(h);
        struct rtattr *a = (struct rtattr *) (m + 1);
        int size = (int) (h->nlmsg_len - NLMSG_LENGTH(sizeof(*m)));
        uint64_t id = 0;

        for (; RTA_OK(a, size); a = RTA_NEXT(a, size))
                if (a->rta_type == INET_DIAG_CGROUP_ID && RTA_PAYLOAD(a) == sizeof(id))
                        memcpy(&id, RTA_DATA(a), sizeof(id));
        return id;
}

/* Return: whether the answer goes on; *id is set when the socket was among this part of it. */
static bool read_part(int fd, unsigned long inode, uint64_t *id)
{
        union {
                struct nlmsghdr first;
                char bytes[ANSWER_SIZE];
        } answer;
        ssize_t n = recv(fd, &answer, sizeof(answer), 0);
        size_t size = n > 0 ? (size_t) n : 0;

        if (size == 0)
                return false;
        for (struct nlmsghdr *h = &answer.first; NLMSG_OK(h, size); h = NLMSG_NEXT(h, size)) {
                struct inet_diag_msg *m = NLMSG_DATA(h);

                if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
                        return false;
                if (m->idiag_inode == inode)
                        *id = message_cgroup(h);
        }
        return true;
}

static uint64_t find_cgroup(unsigned long inode, unsigned char family)
{
        /* The kernel has its answer ready when it is asked; there is nothing to wait for. */
        _cleanup_close_ int fd = socket(
                        AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
        uint64_t id = 0;

        if (fd < 0 || ask_for_listeners(fd, family) < 0)
                return 0;
        while (id == 0 && read_part(fd, inode, &id))
                ;
        return id;
}

/* --- its name --------------------------------------------------------------------------------- */

static bool is_unit(const char *name)
{
        const char *dot = strrchr(name, '.');

        return dot && (streq(dot, ".service") || streq(dot, ".scope"));
}

/* Return: whether the cgroup is in this directory; *ret is the innermost unit on the way to it. */
static bool search(int parent_fd, const char *name, uint64_t id, char **ret)
{
        int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
        struct dirent *e;
        bool found = false;

        if (!d) {
                (void) close_fd(fd);
                return false;
        }
        while (!found && (e = readdir(d))) {
                if (e->d_type != DT_DIR || streq(e->d_name, ".") || streq(e->d_name, ".."))
                        continue;
                found = e->d_ino == id || search(fd, e->d_name, id, ret);
                if (found && !*ret && is_unit(e->d_name))
                        *ret = text_escape(e->d_name, strlen(e->d_name), UNIT_NAME_MAX);
        }
        (void) closedir(d);
        return found;
}

char *socket_unit(unsigned long inode)
{
        uint64_t id = find_cgroup(inode, AF_INET);
        char *unit = NULL;

        if (id == 0)
                id = find_cgroup(inode, AF_INET6);
        /* A machine with the old hierarchies has the one of systemd beside them. */
        if (id > 0 && !search(AT_FDCWD, "/sys/fs/cgroup/unified", id, &unit))
                (void) search(AT_FDCWD, "/sys/fs/cgroup", id, &unit);
        return unit;
}
