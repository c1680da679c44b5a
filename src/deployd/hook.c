/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hook: one run of a certificate's command.
 *
 * Nothing that renewd says reaches the command but through the configuration (names, the command
 * itself) and the certificate, of which only its serial number and its end are taken, as
 * hexadecimal and as a date. No shell sees any of it.
 *
 * Each line that the command writes goes to the log with the certificate's field; the last one is
 * kept, since that is where a command that fails says why. Owned by a BatchItem.
 */

#include <signal.h>
#include <stdio.h>

#include <renew/hook.h>
#include <renew/journal.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "deployd/hook.h"
#include "net/child.h"

/* As systemd gives it to a system service. */
#define HOOK_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct Hook {
        char *certificate;
        char *command; /* argv[0], for sentences */
        uint64_t timeout_usec;
        Child *child;
        char *last_line;
        HookHandler handler;
        void *userdata;
};

/* --- environment ------------------------------------------------------------------------------ */

/* Return: 0 or -ENOMEM. */
static int add_variable(char ***l, const char *name, const char *value)
{
        _cleanup_free_ char *variable = value ? text_format("%s=%s", name, value) : NULL;

        return variable ? strv_add(l, variable) : -ENOMEM;
}

int hook_environment(const HookOptions *options, char ***ret)
{
        const ConfigCertificate *c = options->certificate;
        _cleanup_free_ char *names = strv_join(c->names, " ");
        _cleanup_free_ char *directory = text_format(
                        "%s/live/%s", options->state_directory, c->name);
        _cleanup_strv_ char **l = NULL;
        char not_after[TIMESTAMP_MAX];
        const struct {
                const char *name;
                const char *value;
        } variables[] = {
                { RENEW_HOOK_EVENT, "deployed" },
                { RENEW_HOOK_CERTIFICATE, c->name },
                { RENEW_HOOK_NAMES, names },
                { RENEW_HOOK_DIRECTORY, directory },
                { RENEW_HOOK_SERIAL, renew_chain_serial(options->chain) },
                { RENEW_HOOK_NOT_AFTER, timestamp_format(not_after,
                                                        renew_chain_not_after(options->chain)) },
        };
        int r;

        r = strv_add(&l, HOOK_PATH);
        if (r >= 0)
                r = strv_add(&l, "LANG=C.UTF-8");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(variables); i++)
                r = add_variable(&l, variables[i].name, variables[i].value);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

/* --- the command ------------------------------------------------------------------------------ */

static void hook_log(const Hook *h, int level, const char *text)
{
        _cleanup_log_fields_ LogFields fields = {};

        log_field(&fields, RENEW_FIELD_CERTIFICATE, h->certificate);
        log_record(level, NULL, &fields, "%s: %s", h->certificate, text);
}

static void on_output(const char *line, void *userdata)
{
        Hook *h = userdata;
        _cleanup_free_ char *text = text_format("%s: %s", h->command, line);

        if (text)
                hook_log(h, LOG_INFO, text);
        if (*line) {
                free(h->last_line);
                h->last_line = strdup(line);
        }
}

/* How it failed, without its last line; the caller frees it. NULL when out of memory. */
static char *hook_describe_failure(const Hook *h, int code, int status, bool timed_out)
{
        char took[TIMESTAMP_MAX];

        if (timed_out)
                return text_format("%s: was not done within %s and was ended", h->command,
                                timespan_format(took, h->timeout_usec));
        if (code == CLD_EXITED)
                return text_format("%s: exited with status %d", h->command, status);
        return text_format(
                        "%s: was ended by signal %d (%s)", h->command, status, strsignal(status));
}

static void on_exit_of_child(int code, int status, bool timed_out, void *userdata)
{
        Hook *h = userdata;
        _cleanup_free_ char *how = NULL, *sentence = NULL;
        bool ok = code == CLD_EXITED && status == 0 && !timed_out;

        if (ok)
                sentence = text_format("%s done", h->command);
        else {
                how = hook_describe_failure(h, code, status, timed_out);
                if (how && h->last_line)
                        sentence = text_format("%s: %s", how, h->last_line);
                else
                        sentence = TAKE_PTR(how);
        }
        if (sentence)
                hook_log(h, ok ? LOG_INFO : LOG_WARNING, sentence);
        h->handler(ok, sentence ? sentence : "out of memory", h->userdata); /* may free h */
}

int hook_start(sd_event *event, const HookOptions *options, HookHandler handler, void *userdata,
                Hook **ret)
{
        const ConfigCertificate *c = options->certificate;
        _cleanup_(hook_freep) Hook *h = calloc(1, sizeof(*h));
        _cleanup_strv_ char **environment = NULL;
        ChildOptions child = { .argv = c->run, .timeout_usec = options->timeout_usec };
        int r;

        if (!h)
                return -ENOMEM;
        h->certificate = strdup(c->name);
        h->command = text_escape(c->run[0], strlen(c->run[0]), LIMIT_PEER_TEXT);
        if (!h->certificate || !h->command)
                return -ENOMEM;
        h->timeout_usec = options->timeout_usec;
        h->handler = handler;
        h->userdata = userdata;
        r = hook_environment(options, &environment);
        if (r < 0)
                return r;
        child.environment = environment;
        r = child_spawn(event, &child, on_output, on_exit_of_child, h, &h->child);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(h);
        return 0;
}

Hook *hook_free(Hook *h)
{
        if (!h)
                return NULL;
        child_free(h->child);
        free(h->certificate);
        free(h->command);
        free(h->last_line);
        free(h);
        return NULL;
}
