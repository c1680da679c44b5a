/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * main of renewctl(1): options -> the command -> its exit code. Everything that it shows comes from
 * renewd by its control socket, or from a configuration file.
 */

#include <stdio.h>

#include "base/log.h"
#include "ctl/command.h"

/* A full disk, or a reader that went away, must not look like success. */
static bool stdout_is_whole(void)
{
        return fflush(stdout) == 0 && !ferror(stdout);
}

int main(int argc, char **argv)
{
        Options options;
        int r;

        log_open("renewctl", LOG_INFO);
        r = options_parse(&options, argc, argv);
        if (r < 0)
                return CTL_USAGE;
        r = r > 0 ? CTL_WELL : options.command->run(&options);
        if (r == CTL_WELL && !stdout_is_whole()) {
                log_error("cannot write: %s", strerror(errno));
                return CTL_FAILED;
        }
        return r;
}
