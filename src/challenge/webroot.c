/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * webroot: http-01 through a directory that a web server shows as /.well-known/acme-challenge/.
 *
 * One file for each token, named by it, readable by all (it is an answer to anybody who asks, RFC
 * 8555 section 8.3), complete from the instant it is there, removed on retract. The token comes
 * from the CA and becomes a file's name, so it is checked first, every time; what stands in the
 * directory under that name, a link for instance, is replaced and not followed.
 *
 * The directory is opened anew for each act: an administrator may have moved it meanwhile.
 */

#include <fcntl.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "challenge/webroot.h"

typedef struct Webroot {
        ChallengeSolver solver;
        char *directory;
} Webroot;

static Webroot *solver_webroot(ChallengeSolver *s)
{
        return (Webroot *) (void *) ((char *) s - offsetof(Webroot, solver));
}

/* A file's name of base64url cannot leave the directory, nor be "." or "..". */
static bool is_file_name(const char *token)
{
        return strlen(token) <= LIMIT_TOKEN && text_is_base64url(token);
}

/* What is wrong with the directory and how to mend it; the caller frees it. NULL when out of
 * memory. */
static char *explain(const Webroot *w, int error)
{
        const char *d = w->directory;

        switch (error) {
        case ENOENT:
                return text_format("Webroot=%s does not exist; create it: install -d -o renewd -m "
                                   "0711 %s",
                                d, d);
        case ENOTDIR:
                return text_format("Webroot=%s is not a directory", d);
        case EACCES:
        case EPERM:
                return text_format("may not write to Webroot=%s: %s; give it to renewd: chown "
                                   "renewd %s",
                                d, strerror(error), d);
        case EROFS:
                return text_format(
                                "Webroot=%s is read-only for renewd; where systemd's sandbox "
                                "makes it so, add a drop-in (systemctl edit renewd.service) with "
                                "the lines '[Service]' and 'ReadWritePaths=%s', and restart "
                                "renewd",
                                d, d);
        case ENOSPC:
        case EDQUOT:
                return text_format("no space left in Webroot=%s; make room there", d);
        default:
                return text_format("cannot write to Webroot=%s: %s", d, strerror(error));
        }
}

static int open_directory(const Webroot *w)
{
        int fd = open(w->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int webroot_present(ChallengeSolver *s, const RenewChallenge *challenge, char **ret_reason)
{
        Webroot *w = solver_webroot(s);
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!is_file_name(challenge->token)) {
                *ret_reason = strdup("the CA's token is not one (RFC 8555 section 8.3)");
                return -EINVAL;
        }
        r = fd = open_directory(w);
        if (r >= 0)
                r = file_write_at(fd, challenge->token, challenge->key_authorization,
                                strlen(challenge->key_authorization), 0644);
        if (r < 0)
                *ret_reason = explain(w, -r);
        return MIN(r, 0);
}

static void webroot_retract(ChallengeSolver *s, const RenewChallenge *challenge)
{
        _cleanup_close_ int fd = -EBADF;

        if (!is_file_name(challenge->token))
                return;
        /* A token that stays is an answer to a question that nobody will ask again: no harm, and
         * nothing that anybody could do about it now. */
        fd = open_directory(solver_webroot(s));
        if (fd >= 0)
                (void) file_remove_at(fd, challenge->token);
}

static ChallengeSolver *webroot_free(ChallengeSolver *s)
{
        Webroot *w = solver_webroot(s);

        free(w->directory);
        free(w);
        return NULL;
}

static const ChallengeVtable webroot_vtable = {
        .name = "webroot",
        .present = webroot_present,
        .retract = webroot_retract,
        .free = webroot_free,
};

int webroot_new(const char *directory, ChallengeSolver **ret)
{
        Webroot *w = calloc(1, sizeof(*w));

        if (!w)
                return -ENOMEM;
        w->solver.vtable = &webroot_vtable;
        w->directory = strdup(directory);
        if (!w->directory) {
                free(w);
                return -ENOMEM;
        }
        *ret = &w->solver;
        return 0;
}
