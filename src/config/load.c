/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * load: the files of a configuration, in their order: the main file, then the conf.d/ *.conf beside
 * it. A file that cannot be read is a problem like a wrong line in one: a certificate that silently
 * is not there any more would be found out about when it expires.
 */

#include <fcntl.h>
#include <limits.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/strv.h"
#include "base/text.h"
#include "config/config-internal.h"
#include "config/grammar.h"
#include "config/validate.h"

#define SUFFIX ".conf"

/* Keeps a file's name, which sections and problems point to. Return: it, NULL when out of memory.
 */
static const char *files_add(Config *config, const char *path)
{
        char **grown = reallocarray(config->files, config->n_files + 2, sizeof(*grown));
        char *copy;

        if (!grown)
                return NULL;
        config->files = grown;
        copy = grown[config->n_files] = strdup(path);
        if (!copy)
                return NULL;
        grown[++config->n_files] = NULL;
        return copy;
}

static void explain(const char *path, int error, ConfigProblems *problems)
{
        const char *text = strerror(error);

        if (error == EINVAL)
                text = "is not a regular file";
        else if (error == E2BIG)
                text = "is larger than 4 MB, which no configuration is; split it into conf.d/";
        else if (error == EACCES)
                text = "may not be read by the user renewd; chmod a+r it, or give it to renewd's "
                       "group";
        config_problem(problems, path, 0, "%s", text);
}

static int read_file(Config *config, const char *path, ConfigProblems *problems)
{
        _cleanup_free_ char *text = NULL, *real = NULL;
        const char *file = files_add(config, path);
        size_t size;
        int r;

        if (!file)
                return -ENOMEM;
        /* Links are followed: they are how many people keep /etc under version control. */
        real = realpath(path, NULL);
        r = real ? file_read_at(AT_FDCWD, real, LIMIT_CONFIG_FILE, &text, &size) : -errno;
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                explain(file, -r, problems);
                return 0;
        }
        return grammar_read(config, file, text, size, problems);
}

/* An editor's backup and hidden files are no part of it. */
static bool is_config_name(const char *name)
{
        size_t n = strlen(name);

        return *name != '.' && n > strlen(SUFFIX) && streq(name + n - strlen(SUFFIX), SUFFIX);
}

/* Return: 0 and the names in order, also when the directory is missing; -errno. */
static int list_directory(const char *path, char ***ret)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0 && errno == ENOENT)
                return 0;
        return fd < 0 ? -errno : directory_list(fd, ret);
}

static int read_directory(Config *config, const char *path, ConfigProblems *problems)
{
        _cleanup_strv_ char **names = NULL;
        int r;

        r = list_directory(path, &names);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                explain(path, -r, problems);
        STRV_FOREACH (name, names) {
                _cleanup_free_ char *file = NULL;

                if (!is_config_name(*name))
                        continue;
                if (config->n_files >= LIMIT_CONFIG_FILES) {
                        config_problem(problems, path, 0, "has more than %zu files",
                                        LIMIT_CONFIG_FILES);
                        break;
                }
                file = text_format("%s/%s", path, *name);
                r = file ? read_file(config, file, problems) : -ENOMEM;
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The conf.d beside the main file; the caller frees it. NULL when out of memory. */
static char *beside(const char *path)
{
        const char *slash = strrchr(path, '/');

        return text_format("%.*sconf.d", slash ? (int) (slash - path) + 1 : 0, path);
}

static int load(const char *path, bool secrets, ConfigProblems *problems, Config **ret)
{
        _cleanup_(config_unrefp) Config *config = calloc(1, sizeof(*config));
        _cleanup_free_ char *directory = beside(path);
        int r;

        if (!config)
                return -ENOMEM;
        config->n_ref = 1;
        config->path = strdup(path);
        if (!config->path || !directory)
                return -ENOMEM;
        r = grammar_init(config);
        if (r >= 0)
                r = read_file(config, path, problems);
        if (r >= 0)
                r = read_directory(config, directory, problems);
        if (r >= 0)
                r = config_validate(config, secrets, problems);
        if (r < 0)
                return r;
        if (problems->n > 0 || problems->n_left_out > 0)
                return -EINVAL;
        *ret = TAKE_PTR(config);
        return 0;
}

int config_load(const char *path, ConfigProblems *problems, Config **ret)
{
        return load(path, true, problems, ret);
}

int config_load_without_secrets(const char *path, ConfigProblems *problems, Config **ret)
{
        return load(path, false, problems, ret);
}
