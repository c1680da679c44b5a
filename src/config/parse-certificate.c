/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* parse-certificate: what only a certificate has: its names, and who is told when it is new. */

#include "base/limits.h"
#include "base/strv.h"
#include "config/names.h"
#include "config/parse.h"

/* The longest name that systemd takes. */
#define UNIT_NAME_MAX 255U

static int names_add(const ConfigPlace *place, char ***names, const char *word)
{
        _cleanup_free_ char *name = NULL, *reason = NULL;
        int r;

        r = name_normalize(word, &name, &reason);
        if (r == -EINVAL)
                parse_problem(place, word, "%s", reason);
        if (r < 0)
                return r == -EINVAL ? 0 : r;
        if (strv_contains(*names, name))
                return 0;
        if (strv_length(*names) >= LIMIT_NAMES) {
                parse_problem(place, word, "a certificate has at most %zu names", LIMIT_NAMES);
                return 0;
        }
        return strv_add(names, name);
}

int parse_names(const ConfigPlace *place, const char *value, void *field)
{
        _cleanup_strv_ char **words = NULL;
        char ***names = field;
        int r;

        if (!*value)
                *names = strv_free(*names);
        r = strv_split(value, &words);
        STRV_FOREACH (word, words)
                if (r >= 0)
                        r = names_add(place, names, *word);
        return r;
}

int parse_challenge(const ConfigPlace *place, const char *value, void *field)
{
        if (!streq(value, "http-01"))
                parse_problem(place, value, "http-01 is the one challenge that renewd answers");
        return 0;
}

static bool has_unit_suffix(const char *name)
{
        static const char *const suffixes[] = { ".service", ".socket", ".target", ".timer", ".path",
                ".mount", ".automount", ".swap", ".slice", ".scope", ".device" };
        const char *dot = strrchr(name, '.');

        for (size_t i = 0; dot && i < ELEMENTSOF(suffixes); i++)
                if (dot > name && streq(dot, suffixes[i]))
                        return true;
        return false;
}

/* The rules of systemd.unit(5). Return: whether the problem is none. */
static bool check_unit(const ConfigPlace *place, const char *name)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789:_.\\@-";
        const char *at = strchr(name, '@');

        if (name[strspn(name, allowed)])
                parse_problem(place, name,
                                "is not the name of a unit; write one like nginx.service");
        else if (strlen(name) > UNIT_NAME_MAX)
                parse_problem(place, name, "a unit's name has at most %u characters",
                                UNIT_NAME_MAX);
        else if (!has_unit_suffix(name))
                parse_problem(place, name,
                                "a unit's name ends in its type, did you mean %s.service?", name);
        else if (at == name)
                parse_problem(place, name, "is not the name of a unit");
        else if (at && at[1] == '.' && strrchr(name, '.') == at + 1)
                parse_problem(place, name, "is a template; name one instance of it");
        else
                return true;
        return false;
}

int parse_units(const ConfigPlace *place, const char *value, void *field)
{
        _cleanup_strv_ char **words = NULL;
        char ***units = field;
        int r;

        if (!*value)
                *units = strv_free(*units);
        r = strv_split(value, &words);
        STRV_FOREACH (word, words)
                if (r >= 0 && check_unit(place, *word))
                        r = parse_add(place, units, *word);
        return r;
}

/* Somebody who quotes expects a shell, or systemd's own splitting, and gets neither. */
static bool has_quotes(char *const *words)
{
        STRV_FOREACH (word, words)
                if (**word == '"' || **word == '\'')
                        return true;
        return false;
}

int parse_command(const ConfigPlace *place, const char *value, void *field)
{
        _cleanup_strv_ char **words = NULL;
        char ***command = field;
        int r;

        r = strv_split(value, &words);
        if (r < 0)
                return r;
        if (words && *words && **words != '/')
                parse_problem(place, value,
                                "write the program as an absolute path, one that starts with /");
        else if (has_quotes(words))
                parse_problem(place, value,
                                "words are split at spaces and quotes mean nothing; put the "
                                "command in a script");
        else if (strv_length(words) > LIMIT_CONFIG_ITEMS)
                parse_problem(place, value, "more than %zu words", LIMIT_CONFIG_ITEMS);
        else {
                strv_free(*command);
                *command = TAKE_PTR(words);
        }
        return 0;
}
