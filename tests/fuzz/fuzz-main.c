/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-main: runs a fuzzer over files, without libFuzzer: over its corpus in the ordinary tests,
 * and over one file to look at a crash. Arguments are files and directories of files.
 *
 * Each input lies in memory that ends with it, so that a sanitizer or valgrind sees a step too far.
 */

#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "fuzz.h"

#define INPUT_MAX ((size_t) 16 * 1024 * 1024)

static int run_file(const char *path, unsigned *n)
{
        _cleanup_free_ char *text = NULL, *data = NULL;
        size_t size;
        int r;

        r = file_read_at(AT_FDCWD, path, INPUT_MAX, &text, &size);
        if (r < 0) {
                (void) fprintf(stderr, "%s: %s\n", path, strerror(-r));
                return r;
        }
        data = malloc(size ? size : 1);
        if (!data)
                return -ENOMEM;
        memcpy(data, text, size);
        (void) LLVMFuzzerTestOneInput((const uint8_t *) data, size);
        (*n)++;
        return 0;
}

static int run_directory(int fd, const char *path, unsigned *n)
{
        _cleanup_strv_ char **names = NULL;
        int r;

        r = directory_list(fd, &names);
        STRV_FOREACH (name, names) {
                _cleanup_free_ char *file = text_format("%s/%s", path, *name);

                if (r >= 0)
                        r = file ? run_file(file, n) : -ENOMEM;
        }
        return r;
}

int main(int argc, char *argv[])
{
        unsigned n = 0;
        int r = 0;

        for (int i = 1; i < argc && r >= 0; i++) {
                _cleanup_close_ int fd = open(argv[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                r = fd >= 0 ? run_directory(fd, argv[i], &n) : run_file(argv[i], &n);
        }
        (void) printf("%u inputs\n", n);
        /* A corpus that is not found must not look like a test that passes. */
        return r >= 0 && n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
