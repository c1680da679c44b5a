/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* options: getopt_long(3), and what it cannot say by itself. */

#include <getopt.h>
#include <stdio.h>

#include "config.h"
#include "daemon/options.h"

static const char usage[] =
                "renewd [OPTION...]\n"
                "\n"
                "Keeps the TLS certificates of this machine valid.\n"
                "\n"
                "  --config FILE  the configuration (default: " RENEWD_CONFIG_FILE ")\n"
                "  --check        read the configuration, say what is wrong with it, and end\n"
                "  --once         do what is due and end: 0 when all certificates are well, else "
                "1\n"
                "  --debug        say each step\n"
                "  --version      say the version\n"
                "  --help         say this\n"
                "\n"
                "Signals: SIGHUP reads the configuration anew, SIGTERM ends. See renewd(8).\n";

int options_parse(Options *o, int argc, char **argv)
{
        enum {
                CONFIG = 256,
                CHECK,
                ONCE,
                DEBUG,
                VERSION,
                HELP
        };
        static const struct option options[] = {
                { "config", required_argument, NULL, CONFIG },
                { "check", no_argument, NULL, CHECK },
                { "once", no_argument, NULL, ONCE },
                { "debug", no_argument, NULL, DEBUG },
                { "version", no_argument, NULL, VERSION },
                { "help", no_argument, NULL, HELP },
                {},
        };
        int c;

        *o = (Options){ .config = RENEWD_CONFIG_FILE };
        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case CONFIG:
                        o->config = optarg;
                        break;
                case CHECK:
                        o->check = true;
                        break;
                case ONCE:
                        o->once = true;
                        break;
                case DEBUG:
                        o->debug = true;
                        break;
                case VERSION:
                        (void) puts("renewd " RENEWD_VERSION);
                        return 1;
                case HELP:
                        (void) fputs(usage, stdout);
                        return 1;
                default:
                        return -EINVAL; /* getopt_long() said it */
                }
        if (optind < argc) {
                (void) fprintf(stderr, "renewd: it takes options only, not '%s'; see --help\n",
                                argv[optind]);
                return -EINVAL;
        }
        return 0;
}
