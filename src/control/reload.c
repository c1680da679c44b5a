/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reload: SIGHUP and POST /v1/reload are the same act. It is done when this returns: reading is
 * quick, and what a new configuration makes due runs by itself afterwards.
 */

#include <renew/journal.h>

#include "base/log.h"
#include "control/notify.h"
#include "control/reload.h"

void log_config_problems(const ConfigProblems *problems)
{
        for (size_t i = 0; i < problems->n; i++) {
                const ConfigProblem *p = &problems->items[i];
                _cleanup_free_ char *text = config_problem_format(p);

                log_record(LOG_ERR, RENEW_MESSAGE_CONFIGURATION_REFUSED, NULL, "%s",
                                text ? text : p->text);
        }
        if (problems->n_left_out > 0)
                log_error("and %zu more problems", problems->n_left_out);
}

/* What was bound or locked at the start stays as it is. */
static void tell_what_needs_a_restart(const ConfigDaemon *old, const ConfigDaemon *new)
{
        if (!streq(old->state_directory, new->state_directory))
                log_warning("StateDirectory= changes with the next start of renewd only");
        if (!streq(old->control_socket, new->control_socket))
                log_warning("ControlSocket= changes with the next start of renewd only");
}

int reload_configuration(Manager *m, ConfigProblems *problems)
{
        _cleanup_(config_unrefp) Config *config = NULL;
        int r;

        notify_reloading();
        r = config_load(m->config->path, problems, &config);
        log_config_problems(problems);
        if (r >= 0) {
                tell_what_needs_a_restart(&m->config->daemon, &config->daemon);
                r = manager_reload(m, config);
                log_record(LOG_NOTICE, RENEW_MESSAGE_CONFIGURATION_LOADED, NULL,
                                "configuration reloaded: %zu certificate%s", config->n_certificates,
                                config->n_certificates == 1 ? "" : "s");
        } else {
                log_record(LOG_ERR, RENEW_MESSAGE_CONFIGURATION_REFUSED, NULL,
                                "the configuration is not reloaded; the one of before stays in "
                                "force");
        }
        notify_ready(m);
        return r;
}
