/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * parse: the values that keys of every section have: yes or no, a text, a path, one word of
 * several. Each says what it saw and what would be right, and leaves the field alone when it
 * refuses.
 */

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <sys/un.h>

#include "base/limits.h"
#include "base/strv.h"
#include "base/text.h"
#include "config/config-internal.h"
#include "config/parse.h"

/* Of a value in a message: enough to find it in the line that is named. */
#define SHOWN_MAX ((size_t) 80)

void parse_problem(const ConfigPlace *place, const char *value, const char *format, ...)
{
        _cleanup_free_ char *shown = text_escape(value, strlen(value), SHOWN_MAX), *mend = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&mend, format, ap) < 0)
                mend = NULL;
        va_end(ap);
        config_problem(place->problems, place->file, place->line, "%s=%s: %s", place->key,
                        shown ? shown : "", mend ? mend : "bad value");
}

int parse_add(const ConfigPlace *place, char ***list, const char *item)
{
        size_t n = strv_length(*list);

        if (strv_contains(*list, item))
                return 0;
        if (n >= LIMIT_CONFIG_ITEMS) {
                if (n == LIMIT_CONFIG_ITEMS)
                        parse_problem(place, item, "more than %zu items", LIMIT_CONFIG_ITEMS);
                return 0;
        }
        return strv_add(list, item);
}

/* The words of systemd.syntax(7). */
int parse_bool(const ConfigPlace *place, const char *value, void *field)
{
        static const char *const words[][2] = { { "no", "yes" }, { "false", "true" },
                { "off", "on" }, { "0", "1" }, { "n", "y" }, { "f", "t" } };
        bool *b = field;

        if (!*value)
                *b = false;
        for (size_t i = 0; *value; i++) {
                if (i == ELEMENTSOF(words)) {
                        parse_problem(place, value, "write yes or no");
                        break;
                }
                if (strcasecmp(value, words[i][0]) == 0 || strcasecmp(value, words[i][1]) == 0) {
                        *b = strcasecmp(value, words[i][1]) == 0;
                        break;
                }
        }
        return 0;
}

int parse_text(const ConfigPlace *place, const char *value, void *field)
{
        char **s = field, *copy = NULL;

        if (*value) {
                copy = strdup(value);
                if (!copy)
                        return -ENOMEM;
        }
        free(*s);
        *s = copy;
        return 0;
}

int parse_path(const ConfigPlace *place, const char *value, void *field)
{
        if (*value && *value != '/') {
                parse_problem(place, value, "write an absolute path, one that starts with /");
                return 0;
        }
        if (strlen(value) >= PATH_MAX) {
                parse_problem(place, value, "a path has at most %d characters", PATH_MAX - 1);
                return 0;
        }
        return parse_text(place, value, field);
}

/* renewd-deploy's socket stands beside ours, and its path must fit in a sockaddr_un as well. */
int parse_socket_path(const ConfigPlace *place, const char *value, void *field)
{
        size_t max = sizeof(((struct sockaddr_un *) NULL)->sun_path) - sizeof("deploy.sock");

        if (strlen(value) > max) {
                parse_problem(place, value, "a socket's path has at most %zu characters here", max);
                return 0;
        }
        if (*value && value[strlen(value) - 1] == '/') {
                parse_problem(place, value, "write the path of a socket, not of a directory");
                return 0;
        }
        return parse_path(place, value, field);
}

/* Keeps a value for later, with the place where it stands. */
static int parse_written(const ConfigPlace *place, const char *value, ConfigWritten *written)
{
        written->file = place->file;
        written->line = place->line;
        return parse_text(place, value, &written->text);
}

int parse_secret_path(const ConfigPlace *place, const char *value, void *field)
{
        const char *name = value + strlen("credential:");

        if (has_prefix(value, "credential:") && !text_is_plain_name(name))
                parse_problem(place, value,
                                "a credential's name consists of letters, digits, '.', '_' and "
                                "'-', and does not start with a dot");
        else if (!has_prefix(value, "credential:") && *value && *value != '/')
                parse_problem(place, value,
                                "write the absolute path of a file, or credential:NAME for one of "
                                "systemd's LoadCredential=");
        else
                return parse_written(place, value, field);
        return 0;
}

/* A boolean whose default is that of another section, which may come later. */
int parse_later_bool(const ConfigPlace *place, const char *value, void *field)
{
        size_t problems = place->problems->n;
        bool yes = false;
        int r = parse_bool(place, value, &yes);

        if (r < 0 || place->problems->n > problems)
                return r;
        return parse_written(place, *value ? (yes ? "yes" : "no") : "", field);
}

int parse_ca_name(const ConfigPlace *place, const char *value, void *field)
{
        if (*value && !text_is_plain_name(value)) {
                parse_problem(place, value, "write the name of one CA, like letsencrypt");
                return 0;
        }
        return parse_written(place, value, field);
}

int parse_parallel(const ConfigPlace *place, const char *value, void *field)
{
        uint64_t n;

        if (text_parse_u64(value, 100, &n) < 0 || n == 0)
                parse_problem(place, value, "write a number from 1 to 100");
        else
                *(unsigned *) field = (unsigned) n;
        return 0;
}

int parse_key_type(const ConfigPlace *place, const char *value, void *field)
{
        RenewKeyType type;

        if (renew_key_type_from_string(value, &type) < 0)
                parse_problem(place, value,
                                "write ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072 or rsa-4096");
        else
                *(RenewKeyType *) field = type;
        return 0;
}

int parse_fallback(const ConfigPlace *place, const char *value, void *field)
{
        ConfigFallback *fallback = field;

        if (streq(value, "not-found"))
                *fallback = CONFIG_FALLBACK_NOT_FOUND;
        else if (streq(value, "redirect"))
                *fallback = CONFIG_FALLBACK_REDIRECT;
        else
                parse_problem(place, value, "write not-found or redirect");
        return 0;
}
