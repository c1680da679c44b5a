/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * main of renewd-deploy(8): options -> the inherited socket -> READY=1 -> loop -> end.
 *
 * It never makes a socket of its own: its socket unit does, or renewd that started it. In the
 * second case there is a pipe besides, whose end is renewd's end and so ours.
 */

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "config.h"
#include "deployd/server.h"

/* Names of inherited descriptors: FileDescriptorName= in renewd-deploy.socket, src/deploy/helper.h.
 */
#define SOCKET_NAME "deploy"
#define PARENT_NAME "parent"

typedef struct Options {
        const char *config;
        uint64_t idle_usec;
        bool debug;
} Options;

static const char usage[] =
                "renewd-deploy [OPTION...]\n"
                "\n"
                "Reloads units and runs commands for renewd, as the configuration says.\n"
                "It is started by its socket or by renewd, not by hand.\n"
                "\n"
                "  --config FILE   the configuration (default: " RENEWD_CONFIG_FILE ")\n"
                "  --idle SECONDS  ends when nothing was asked for so long (default: never)\n"
                "  --debug         say each step\n"
                "  --version       say the version\n"
                "  --help          say this\n"
                "\n"
                "See renewd-deploy(8).\n";

/* Return: 0, 1 when there is nothing more to do, -EINVAL when it was said what is wrong. */
static int options_set_idle(Options *o, const char *text)
{
        uint64_t seconds;

        if (text_parse_u64(text, UINT32_MAX, &seconds) < 0 || seconds == 0) {
                (void) fprintf(stderr, "renewd-deploy: --idle takes seconds, 1 or more\n");
                return -EINVAL;
        }
        o->idle_usec = seconds * USEC_PER_SEC;
        return 0;
}

static int options_parse(Options *o, int argc, char **argv)
{
        static const struct option options[] = {
                { "config", required_argument, NULL, 'c' },
                { "idle", required_argument, NULL, 'i' },
                { "debug", no_argument, NULL, 'd' },
                { "version", no_argument, NULL, 'v' },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        int c;

        *o = (Options){ .config = RENEWD_CONFIG_FILE, .idle_usec = USEC_INFINITY };
        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 'c':
                        o->config = optarg;
                        break;
                case 'i':
                        if (options_set_idle(o, optarg) < 0)
                                return -EINVAL;
                        break;
                case 'd':
                        o->debug = true;
                        break;
                case 'v':
                        (void) puts("renewd-deploy " RENEWD_VERSION);
                        return 1;
                case 'h':
                        (void) fputs(usage, stdout);
                        return 1;
                default:
                        return -EINVAL; /* getopt_long() said it */
                }
        if (optind < argc) {
                (void) fprintf(stderr, "renewd-deploy: it takes options only, not '%s'\n",
                                argv[optind]);
                return -EINVAL;
        }
        return 0;
}

/* --- inherited descriptors -------------------------------------------------------------------- */

typedef struct Inherited {
        int socket_fd; /* -EBADF: none */
        int parent_fd;
} Inherited;

/* Return: 0 or -errno. */
static int inherited_take(Inherited *ret)
{
        _cleanup_strv_ char **names = NULL;
        int n = sd_listen_fds_with_names(1, &names);

        *ret = (Inherited){ .socket_fd = -EBADF, .parent_fd = -EBADF };
        for (int i = 0; i < n; i++) {
                int fd = SD_LISTEN_FDS_START + i;

                if (streq(names[i], SOCKET_NAME) && ret->socket_fd < 0)
                        ret->socket_fd = fd;
                else if (streq(names[i], PARENT_NAME) && ret->parent_fd < 0)
                        ret->parent_fd = fd;
                else
                        (void) close_fd(fd);
        }
        if (n < 0)
                return n;
        if (sd_is_socket(ret->socket_fd, AF_UNIX, SOCK_STREAM, 1) <= 0) {
                log_error("there is no listening Unix socket named '" SOCKET_NAME
                          "' among the inherited descriptors: renewd-deploy is started by "
                          "renewd-deploy.socket or by renewd");
                return -ENOTSOCK;
        }
        return 0;
}

static int on_parent(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        log_debug("renewd has gone: ends");
        return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* --- the daemon ------------------------------------------------------------------------------- */

/* Return: 0 or -errno. */
static int add_sources(sd_event *event, int parent_fd)
{
        static const int blocked[] = { SIGTERM, SIGINT, SIGCHLD };
        sigset_t set;
        int r;

        (void) sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTSOF(blocked); i++)
                (void) sigaddset(&set, blocked[i]);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        (void) signal(SIGPIPE, SIG_IGN);
        /* Without a handler the loop ends, with status 0. */
        r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
        if (r >= 0 && parent_fd >= 0)
                r = sd_event_add_io(event, NULL, parent_fd, EPOLLIN, on_parent, NULL);
        return r;
}

static int serve(const Options *o)
{
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(server_freep) Server *server = NULL;
        Inherited inherited;
        int r;

        r = inherited_take(&inherited);
        if (r < 0)
                return r;
        r = sd_event_default(&event);
        if (r >= 0)
                r = add_sources(event, inherited.parent_fd);
        if (r >= 0)
                r = server_new(event, inherited.socket_fd, o->config, o->idle_usec, &server);
        if (r >= 0) {
                (void) sd_event_set_watchdog(event, true);
                (void) sd_notify(0, "READY=1\nSTATUS=Waiting for renewd");
                r = sd_event_loop(event);
                (void) sd_notify(0, "STOPPING=1");
        }
        if (r < 0)
                log_error("ends: %s", strerror(-r));
        return r;
}

int main(int argc, char **argv)
{
        Options options;
        int r = options_parse(&options, argc, argv);

        if (r != 0)
                return r < 0 ? 2 : EXIT_SUCCESS;
        log_open("renewd-deploy", options.debug ? LOG_DEBUG : LOG_INFO);
        /* Commands inherit it: what systemd gives to a service, not what renewd has for its keys.
         */
        (void) umask(0022);
        return serve(&options) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
