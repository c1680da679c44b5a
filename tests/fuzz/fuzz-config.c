/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-config: any text as a configuration file, all the way to a validated Config, without a disk.
 * What is accepted keeps the promises of config.h, and what is said can be shown on a terminal.
 */

#include "base/limits.h"
#include "base/strv.h"
#include "base/text.h"
#include "config/config-internal.h"
#include "config/grammar.h"
#include "config/names.h"
#include "config/validate.h"
#include "fuzz.h"

static void check_problems(const ConfigProblems *problems)
{
        check(problems->n <= LIMIT_CONFIG_PROBLEMS);
        for (size_t i = 0; i < problems->n; i++) {
                _cleanup_free_ char *text = config_problem_format(&problems->items[i]);

                check(text && text_printable(text, strlen(text)) == strlen(text));
        }
}

/* Normalising is done once: a second time changes nothing. */
static void check_name(const char *name)
{
        _cleanup_free_ char *again = NULL, *reason = NULL;

        check(name_normalize(name, &again, &reason) == 0);
        check(streq(name, again));
}

static void check_certificate(const Config *config, const ConfigCertificate *c)
{
        check(c == config_find_certificate(config, c->name));
        check(text_is_plain_name(c->name));
        check(c->ca && c->ca->agree_to_terms && has_prefix(c->ca->directory, "https://"));
        check(strv_length(c->names) > 0 && strv_length(c->names) <= LIMIT_NAMES);
        check(config_certificate_same_order(c, c));
        STRV_FOREACH (name, c->names)
                check_name(*name);
        check(!c->webroot || *c->webroot == '/');
        check(!c->run || **c->run == '/');
}

static void check_config(const Config *config)
{
        const ConfigDaemon *d = &config->daemon;

        check(*d->state_directory == '/' && *d->control_socket == '/');
        check(d->max_parallel_orders >= 1 && d->max_parallel_orders <= 100);
        for (size_t i = 0; i < d->n_http_listen; i++) {
                const ConfigListen *l = &d->http_listen[i];

                check(l->text && !l->host != !l->path && !l->host == !l->port);
        }
        for (size_t i = 0; i < config->n_certificates; i++)
                check_certificate(config, config->certificates[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_config_problems_ ConfigProblems problems = {};
        _cleanup_(config_unrefp) Config *config = calloc(1, sizeof(*config));

        check(config);
        config->n_ref = 1;
        check(grammar_init(config) == 0);
        check(grammar_read(config, "fuzz.conf", (const char *) data, size, &problems) == 0);
        check(config_validate(config, false, &problems) == 0);
        check_problems(&problems);
        if (problems.n == 0)
                check_config(config);
        return 0;
}
