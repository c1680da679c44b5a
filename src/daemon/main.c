/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * main of renewd(8): options -> configuration -> renewd-deploy -> user -> lock -> listen -> READY=1
 * -> loop -> end.
 *
 * Nothing on this way asks a CA, a name server or a service: renewd is ready while all of them are
 * dead. Whatever is wrong with the configuration or the state directory ends it here, with the
 * reason; what is wrong with a single certificate never does.
 */

#include <inttypes.h>
#include <libgen.h>
#include <signal.h>
#include <sys/stat.h>

#include <renew/journal.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "config/check.h"
#include "control/control.h"
#include "control/notify.h"
#include "control/reload.h"
#include "daemon/options.h"
#include "daemon/privileges.h"

/* Name of the challenge port's sockets in renewd-http.socket (FileDescriptorName=). */
#define HTTP_SOCKET_NAME "http"

static int load(const Options *o, Config **ret)
{
        _cleanup_config_problems_ ConfigProblems problems = {};
        int r = config_load(o->config, &problems, ret);

        log_config_problems(&problems);
        if (r < 0 && problems.n == 0)
                log_error("cannot load %s: %s", o->config, strerror(-r));
        return r;
}

/* renewd-deploy is beside the control socket. */
static char *deploy_socket_path(const Config *config)
{
        _cleanup_free_ char *copy = strdup(config->daemon.control_socket);

        return copy ? text_format("%s/deploy.sock", dirname(copy)) : NULL;
}

static int open_store(const Config *config, Store **ret)
{
        const char *path = config->daemon.state_directory;
        int r = store_open(path, ret);

        if (r == -EBUSY)
                log_error("%s is in use: another renewd is running", path);
        else if (r == -EACCES || r == -EPERM)
                log_error("cannot use %s: %s; it has to belong to the user that renewd runs as",
                                path, strerror(-r));
        else if (r < 0)
                log_error("cannot use %s: %s", path, strerror(-r));
        return r;
}

/* --- signals ---------------------------------------------------------------------------------- */

static int on_hangup(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        _cleanup_config_problems_ ConfigProblems problems = {};

        (void) reload_configuration(userdata, &problems);
        return 0;
}

static int add_signals(sd_event *event, Manager *m)
{
        static const int blocked[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
        sigset_t set;
        int r;

        sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTSOF(blocked); i++)
                sigaddset(&set, blocked[i]);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        (void) signal(SIGPIPE, SIG_IGN);
        /* Without a handler the loop ends, with status 0. */
        r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGHUP, on_hangup, m);
        return r;
}

/* --- sockets from systemd --------------------------------------------------------------------- */

static int add_inherited_sockets(Manager *m)
{
        char **names = NULL;
        int n = sd_listen_fds_with_names(1, &names), r = 0;

        for (int i = 0; i < n; i++) {
                int fd = SD_LISTEN_FDS_START + i;

                if (streq(names[i], HTTP_SOCKET_NAME) || (n == 1 && streq(names[i], "unknown")))
                        r = manager_add_http_socket(m, fd);
                else
                        log_warning("an inherited socket named '%s' is not used", names[i]);
                if (r < 0)
                        break;
        }
        strv_free(names);
        return n < 0 ? n : r;
}

/* --- the end of --once ------------------------------------------------------------------------ */

static bool report(const Manager *m)
{
        uint64_t now = clock_realtime_usec();
        bool well = true;

        for (const Certificate *c = m->certificates; c; c = c->hh.next) {
                if (!c->section || certificate_is_well(c, now))
                        continue;
                well = false;
                certificate_log(c, LOG_ERR, NULL, "is not well: %s",
                                c->deployment == DEPLOYMENT_FAILED
                                                ? c->remembered.deploy_problem.detail
                                : c->remembered.problem.detail ? c->remembered.problem.detail
                                : m->listen_problem            ? m->listen_problem
                                                               : "see above");
        }
        if (well)
                log_notice("all certificates are well");
        return well;
}

/* --- the daemon ------------------------------------------------------------------------------- */

static int serve(sd_event *event, Manager *m, bool once)
{
        _cleanup_(control_freep) Control *control = NULL;
        int r = add_inherited_sockets(m);

        if (r >= 0)
                r = add_signals(event, m);
        if (r >= 0 && !once) {
                r = control_new(m, m->config->daemon.control_socket, &control);
                if (r < 0)
                        log_error("cannot listen on ControlSocket=%s: %s",
                                        m->config->daemon.control_socket, strerror(-r));
        }
        if (r >= 0)
                r = manager_start(m);
        if (r < 0)
                return r;
        log_record(LOG_INFO, RENEW_MESSAGE_CONFIGURATION_LOADED, NULL, "%s: %zu certificate%s",
                        m->config->path, m->config->n_certificates,
                        m->config->n_certificates == 1 ? "" : "s");
        (void) sd_event_set_watchdog(event, true);
        notify_ready(m);
        r = sd_event_loop(event);
        notify_stopping();
        return r;
}

static int run(const Options *o, Config *config)
{
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(manager_freep) Manager *m = NULL;
        _cleanup_free_ char *deploy_socket = deploy_socket_path(config);
        Store *store = NULL;
        int r;

        if (!deploy_socket)
                return EXIT_FAILURE;
        if (privileges_make_directories(&config->daemon) < 0)
                return EXIT_FAILURE;
        privileges_start_helper(config->path, deploy_socket);
        if (privileges_drop() < 0 || open_store(config, &store) < 0)
                return EXIT_FAILURE;
        r = sd_event_default(&event);
        if (r >= 0)
                r = manager_new(event, config, store, deploy_socket, &m);
        else
                store_close(store);
        if (r >= 0) {
                m->once = o->once;
                r = serve(event, m, o->once);
        }
        if (r < 0) {
                log_error("ends: %s", strerror(-r));
                return EXIT_FAILURE;
        }
        return o->once && !report(m) ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
        _cleanup_(config_unrefp) Config *config = NULL;
        Options options;
        int r = options_parse(&options, argc, argv);

        if (r != 0)
                return r < 0 ? 2 : EXIT_SUCCESS;
        log_open("renewd", options.debug ? LOG_DEBUG : LOG_INFO);
        (void) umask(0077);
        if (options.check)
                return config_check(options.config) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (load(&options, &config) < 0)
                return EXIT_FAILURE;
        return run(&options, config);
}
