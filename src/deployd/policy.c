/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policy: who may say what renewd-deploy does.
 *
 * It is read anew for each request, so that a renewd-deploy that has been there for a while does
 * what is on disk, and never with a part of it: while there is a problem anywhere nothing is done.
 *
 * Every file of it has to belong to root, or to the user that we are where we have no privilege to
 * lend, and nobody else may write it or put another in its place. Otherwise renewd taken over could
 * write a Run= of its own.
 */

#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>

#include "base/strv.h"
#include "base/text.h"
#include "deployd/policy.h"

/* Return: 0, -EPERM when somebody else may write it, -errno. */
static int check_owner(const char *path)
{
        struct stat st;

        if (stat(path, &st) < 0)
                return -errno;
        if (st.st_uid != 0 && st.st_uid != geteuid())
                return -EPERM;
        if (st.st_mode & S_IWGRP && st.st_gid != 0 && st.st_gid != getegid())
                return -EPERM;
        /* In a sticky directory nobody replaces another's file. */
        if (st.st_mode & S_IWOTH && !(S_ISDIR(st.st_mode) && st.st_mode & S_ISVTX))
                return -EPERM;
        return 0;
}

/* Return: 0, -EPERM, -errno; *ret_culprit is the path that is meant. */
static int check_file(const char *file, char **ret_culprit)
{
        _cleanup_free_ char *path = strdup(file), *directory = NULL;
        int r;

        if (!path)
                return -ENOMEM;
        r = check_owner(file);
        if (r >= 0) {
                directory = strdup(dirname(path));
                if (!directory)
                        return -ENOMEM;
                r = check_owner(directory);
        }
        if (r < 0)
                *ret_culprit = directory ? TAKE_PTR(directory) : strdup(file);
        return r;
}

/* Return: 0, -EPERM, -errno. */
static int check_files(const Config *config, char **ret_reason)
{
        int r = 0;

        STRV_FOREACH (file, config->files) {
                _cleanup_free_ char *culprit = NULL;

                r = check_file(*file, &culprit);
                if (r == -EPERM)
                        *ret_reason = text_format(
                                        "%s may be written by others than root: renewd-deploy does "
                                        "not do what it says (chown root, chmod go-w)",
                                        culprit ? culprit : *file);
                else if (r < 0)
                        *ret_reason = text_format(
                                        "%s: %s", culprit ? culprit : *file, strerror(-r));
                if (r < 0)
                        break;
        }
        return r;
}

/* "FILE:LINE: text (and 3 more problems)" */
static char *describe_problems(const char *path, const ConfigProblems *problems)
{
        size_t others = problems->n + problems->n_left_out;
        _cleanup_free_ char *first = NULL;

        if (problems->n == 0)
                return text_format("%s: out of memory", path);
        first = config_problem_format(&problems->items[0]);
        if (!first || --others == 0)
                return TAKE_PTR(first);
        return text_format("%s (and %zu more problem%s)", first, others, others == 1 ? "" : "s");
}

int policy_load(const char *path, Config **ret, char **ret_reason)
{
        _cleanup_config_problems_ ConfigProblems problems = {};
        _cleanup_(config_unrefp) Config *config = NULL;
        int r;

        r = config_load_without_secrets(path, &problems, &config);
        if (r < 0) {
                *ret_reason = describe_problems(path, &problems);
                return r;
        }
        r = check_files(config, ret_reason);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(config);
        return 0;
}
