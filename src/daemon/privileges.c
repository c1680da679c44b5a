/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* privileges: what a start outside of systemd has to do for itself, in the order in which it must
 * be done. */

#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "config.h"
#include "daemon/privileges.h"
#include "deploy/helper.h"

#define RENEWD_USER "renewd"

/* --- renewd-deploy ---------------------------------------------------------------------------- */

/* The one beside our own executable comes first, so that a build directory works as it is. */
static char *find_deploy_program(void)
{
        char self[4096];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        char *beside;

        if (n > 0) {
                self[n] = 0;
                beside = text_format("%s/renewd-deploy", dirname(self));
                if (!beside || access(beside, X_OK) == 0)
                        return beside;
                free(beside);
        }
        return strdup(RENEWD_DEPLOY_PROGRAM);
}

static bool is_socket(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

void privileges_start_helper(const char *config_path, const char *socket)
{
        _cleanup_free_ char *program = find_deploy_program();
        pid_t pid;

        /* A service of systemd: renewd-deploy.socket starts it. */
        if (getenv("INVOCATION_ID") && is_socket(socket))
                return;
        if (!program)
                return;
        pid = deploy_helper_start(program, config_path, socket);
        if (pid == -EADDRINUSE)
                log_info("renewd-deploy is there already");
        else if (pid < 0)
                log_warning("cannot start %s: %s; Reload= and Run= do not work", program,
                                strerror(-pid));
        else
                log_debug("started renewd-deploy (pid %d)", (int) pid);
}

/* --- directories ------------------------------------------------------------------------------ */

/*
 * A directory that we make belongs to the user that we become, and has its name only then: killed
 * half way we would find it later as one that is not ours to write. What is there already stays as
 * it is.
 */
static int make_directory(const char *path, mode_t mode, const struct passwd *user)
{
        _cleanup_free_ char *copy = strdup(path), *temporary = text_format("%s.new", path);
        struct stat st;
        int r;

        if (!copy || !temporary)
                return -ENOMEM;
        if (stat(path, &st) == 0)
                return 0;
        r = directory_make_at(AT_FDCWD, dirname(copy), 0755);
        if (r >= 0)
                r = directory_make_at(AT_FDCWD, temporary, mode);
        if (r >= 0 && user && lchown(temporary, user->pw_uid, user->pw_gid) < 0)
                r = -errno;
        if (r >= 0 && rename(temporary, path) < 0)
                r = -errno;
        return r;
}

static int make_parent(const char *path, const struct passwd *user)
{
        _cleanup_free_ char *copy = strdup(path);

        return copy ? make_directory(dirname(copy), 0755, user) : -ENOMEM;
}

/* The user to become; NULL: none. */
static const struct passwd *own_user(void)
{
        return geteuid() == 0 ? getpwnam(RENEWD_USER) : NULL;
}

int privileges_make_directories(const ConfigDaemon *config)
{
        const struct passwd *user = own_user();
        int r = make_directory(config->state_directory, 0711, user);

        if (r < 0) {
                log_error("cannot make StateDirectory=%s: %s", config->state_directory,
                                strerror(-r));
                return r;
        }
        r = make_parent(config->control_socket, user);
        for (size_t i = 0; r >= 0 && i < config->n_http_listen; i++)
                if (config->http_listen[i].path)
                        r = make_parent(config->http_listen[i].path, user);
        if (r < 0)
                log_error("cannot make the directory of a socket: %s", strerror(-r));
        return r;
}

/* --- the user --------------------------------------------------------------------------------- */

/* glibc has no wrapper for it, and libcap would be a library for one call. */
static int keep_bind_capability(void)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

        data[CAP_TO_INDEX(CAP_NET_BIND_SERVICE)].permitted = CAP_TO_MASK(CAP_NET_BIND_SERVICE);
        data[CAP_TO_INDEX(CAP_NET_BIND_SERVICE)].effective = CAP_TO_MASK(CAP_NET_BIND_SERVICE);
        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static int become(const struct passwd *user)
{
        if (prctl(PR_SET_KEEPCAPS, 1) < 0 || initgroups(user->pw_name, user->pw_gid) < 0 ||
                        setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
                        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
                return -errno;
        return keep_bind_capability();
}

int privileges_drop(void)
{
        const struct passwd *user = own_user();
        int r;

        if (geteuid() == 0 && !user)
                log_info("there is no user " RENEWD_USER " on this machine: staying root");
        if (user) {
                r = become(user);
                if (r < 0) {
                        log_error("cannot become user " RENEWD_USER ": %s", strerror(-r));
                        return r;
                }
        }
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                log_debug("no_new_privs: %s", strerror(errno));
        return 0;
}
