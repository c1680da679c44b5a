/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* check-config: what renewd --check does; renewd itself is not asked. */

#include "config.h"
#include "config/check.h"
#include "ctl/command.h"

static int run(const Options *o)
{
        const char *path = o->n_arguments > 0 ? o->arguments[0]
                           : o->config        ? o->config
                                              : RENEWD_CONFIG_FILE;

        return config_check(path) < 0 ? CTL_FAILED : CTL_WELL;
}

const Command command_check_config = {
        .name = "check-config",
        .arguments = "[FILE]",
        .summary = "say everything that is wrong with a configuration",
        .help = "Reads FILE (default: " RENEWD_CONFIG_FILE ") and the conf.d/*.conf beside it,\n"
                "does nothing else, and says every problem as FILE:LINE.\n",
        .options = "",
        .most_n = 1,
        .run = run,
};
