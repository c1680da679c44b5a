/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * secret: the HMAC key of an external account (RFC 8555 section 7.3.4), from the file that
 * EabKeyFile= names or from a credential that systemd hands over. It is read on load, because
 * renewd may well be unable to do so later, and lives in ConfigCa until the configuration is freed.
 */

#include <fcntl.h>
#include <limits.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "config/config-internal.h"

#define CREDENTIAL "credential:"
#define SPACES     " \t\r\n"
#define BASE64     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"

#define problem(written, problems, ...) \
        config_problem((problems), (written)->file, (written)->line, __VA_ARGS__)

/* The path of what is written. Return: 0 with *ret NULL after a problem, -ENOMEM. */
static int locate(const ConfigWritten *written, ConfigProblems *problems, char **ret)
{
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        const char *name = written->text + strlen(CREDENTIAL);

        *ret = NULL;
        if (!has_prefix(written->text, CREDENTIAL))
                *ret = strdup(written->text);
        else if (directory)
                *ret = text_format("%s/%s", directory, name);
        else {
                problem(written, problems,
                                "EabKeyFile=%s: there are no credentials here; give one with "
                                "LoadCredential=%s:FILE in a drop-in of renewd.service",
                                written->text, name);
                return 0;
        }
        return *ret ? 0 : -ENOMEM;
}

static void explain(const ConfigWritten *written, ConfigProblems *problems, int error)
{
        const char *text = written->text;

        if (error == EACCES || error == EPERM)
                problem(written, problems,
                                "EabKeyFile=%s: %s; renewd reads it as its own user: chown renewd "
                                "and chmod 0400 it",
                                text, strerror(error));
        else if (error == ENOENT && has_prefix(text, CREDENTIAL))
                problem(written, problems,
                                "EabKeyFile=%s: there is no such credential; give it with "
                                "LoadCredential=%s:FILE in a drop-in of renewd.service",
                                text, text + strlen(CREDENTIAL));
        else if (error == EINVAL)
                problem(written, problems, "EabKeyFile=%s: is not a regular file", text);
        else if (error == E2BIG)
                problem(written, problems,
                                "EabKeyFile=%s: is larger than 4 kB; it holds the HMAC key alone",
                                text);
        else
                problem(written, problems, "EabKeyFile=%s: %s", text, strerror(error));
}

/* The key without the spaces around it, in place. Return: it, or NULL when it is none. */
static const char *trim(char *key, size_t size)
{
        size_t n;

        if (memchr(key, 0, size))
                return NULL;
        while (size > 0 && strchr(SPACES, key[size - 1]))
                key[--size] = 0;
        key += strspn(key, SPACES);
        n = strspn(key, BASE64);
        return n > 0 && key[n + strspn(key + n, "=")] == 0 ? key : NULL;
}

int config_read_eab_key(ConfigCaEntry *ca, ConfigProblems *problems)
{
        const ConfigWritten *written = &ca->eab_key_file;
        _cleanup_free_ char *path = NULL, *real = NULL;
        _cleanup_(text_wipe_freep) char *content = NULL;
        const char *key;
        size_t size;
        int r;

        r = locate(written, problems, &path);
        if (r < 0 || !path)
                return r;
        /* A link is the administrator's way of saying where it lies. */
        real = realpath(path, NULL);
        r = real ? file_read_at(AT_FDCWD, real, LIMIT_EAB_KEY, &content, &size) : -errno;
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                explain(written, problems, -r);
                return 0;
        }
        key = trim(content, size);
        if (!key) {
                problem(written, problems,
                                "EabKeyFile=%s: is not a key in base64; the file holds the HMAC "
                                "key alone, as the CA gives it",
                                written->text);
                return 0;
        }
        ca->section.eab_hmac_key = strdup(key);
        return ca->section.eab_hmac_key ? 0 : -ENOMEM;
}
