/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* renew: all are asked for first and waited for afterwards, so that they run side by side. */

#include "base/limits.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "ctl/command.h"
#include "ctl/renew.h"
#include "ctl/shown.h"

/* An order may wait for others, its CA may take a minute, and its units 200 s. */
#define WAIT_TIMEOUT (15 * USEC_PER_MIN)

/* --- which ------------------------------------------------------------------------------------ */

/* Names of all that are configured. Return: CTL_WELL or another, said. */
static int find_all(Client *client, char ***ret)
{
        _cleanup_strv_ char **names = NULL;
        _cleanup_answer_ Answer answer = {};
        const json_t *item;
        size_t i;
        int r = client_ask(client, "GET", "/v1/certificates", &answer);

        if (r == CTL_WELL)
                r = answer_check(&answer);
        if (r != CTL_WELL)
                return r;
        json_array_foreach (json_object_get(answer.json, "certificates"), i, item)
                if (json_is_true(json_object_get(item, "configured")) &&
                                strv_add(&names, shown_text_or(item, "name", "")) < 0)
                        return CTL_FAILED;
        *ret = TAKE_PTR(names);
        return CTL_WELL;
}

static int find_names(const Options *o, Client *client, char ***ret)
{
        _cleanup_strv_ char **names = NULL;

        if (o->all && o->n_arguments == 0)
                return find_all(client, ret);
        if (o->all || o->n_arguments == 0) {
                log_error("which certificates? Their names, or --all");
                return CTL_USAGE;
        }
        STRV_FOREACH (name, o->arguments)
                if (!strv_contains(names, *name) && strv_add(&names, *name) < 0)
                        return CTL_FAILED;
        *ret = TAKE_PTR(names);
        return CTL_WELL;
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Return: CTL_WELL, CTL_FAILED when renewd refused this one (said), CTL_UNREACHABLE. */
static int renewal_ask(Renewal *renewal, Client *client, bool tell)
{
        _cleanup_answer_ Answer answer = {};
        int r = client_ask_of(client, "POST", renewal->name, "/renew", &answer);

        if (r != CTL_WELL)
                return r;
        if (shown_escape(answer.json) < 0)
                return CTL_FAILED;
        if (answer.status >= 300) {
                _cleanup_free_ char *name = text_escape(
                                renewal->name, strlen(renewal->name), LIMIT_SECTION_NAME);

                log_error("%s: %s", name ? name : "",
                                shown_text_or(answer.json, "error", "renewd refuses"));
                return CTL_FAILED;
        }
        renewal->certificate = json_incref(json_object_get(answer.json, "certificate"));
        renewal->asked = outcome_start(&renewal->start, renewal->certificate) >= 0;
        renewal->ended = !renewal->asked;
        if (tell)
                (void) printf("%s: asked for\n", renewal->name);
        return renewal->asked ? CTL_WELL : CTL_FAILED;
}

/* One that is refused does not keep the others from being renewed. */
static int renewals_ask(Renewal *renewals, size_t n, Client *client, bool tell)
{
        int result = CTL_WELL;

        for (size_t i = 0; i < n; i++) {
                int r = renewal_ask(&renewals[i], client, tell);

                renewals[i].ended = r != CTL_WELL;
                if (r == CTL_UNREACHABLE)
                        return r;
                if (r != CTL_WELL)
                        result = r;
        }
        return result;
}

/* --- the command ------------------------------------------------------------------------------ */

static void print_json(const Renewal *renewals, size_t n)
{
        json_t *array = json_array(), *root;

        for (size_t i = 0; i < n; i++)
                if (renewals[i].certificate)
                        (void) json_array_append(array, renewals[i].certificate);
        root = json_pack("{s:i, s:o}", "version", 1, "certificates", array);
        if (root)
                answer_print(root);
        json_decref(root);
}

static int renew(const Options *o, Client *client, Renewal *renewals, size_t n)
{
        uint64_t timeout = o->timeout_usec > 0 ? o->timeout_usec : WAIT_TIMEOUT;
        int result = renewals_ask(renewals, n, client, !o->json && !o->wait), r = CTL_WELL;

        if (o->wait && result != CTL_UNREACHABLE)
                r = renewals_wait(client, renewals, n, timeout, !o->json);
        if (o->json)
                print_json(renewals, n);
        return MAX(result, r);
}

static int run(const Options *o)
{
        _cleanup_(client_freep) Client *client = NULL;
        _cleanup_strv_ char **names = NULL;
        Renewal *renewals;
        size_t n;
        int r = client_new(o, &client);

        if (r == CTL_WELL)
                r = find_names(o, client, &names);
        if (r != CTL_WELL)
                return r;
        n = strv_length(names);
        renewals = calloc(n + 1, sizeof(*renewals));
        if (!renewals)
                return CTL_FAILED;
        for (size_t i = 0; i < n; i++)
                renewals[i].name = names[i];
        r = renew(o, client, renewals, n);
        for (size_t i = 0; i < n; i++) {
                outcome_start_done(&renewals[i].start);
                json_decref(renewals[i].certificate);
        }
        free(renewals);
        return r;
}

const Command command_renew = {
        .name = "renew",
        .arguments = "NAME...",
        .summary = "order certificates now, whatever the plan",
        .help = "Orders the certificates NAME..., or with --all every one that is configured, and\n"
                "ends at once; with --wait when they are issued and deployed, or failed.\n",
        .options = "awj",
        .most_n = SIZE_MAX,
        .run = run,
};
