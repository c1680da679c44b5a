/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* reload: the configuration is in force when this ends with 0; ExecReload= of renewd.service. */

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "config/check.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/shown.h"

static void problems_from_json(ConfigProblems *problems, const json_t *json)
{
        const json_t *item;
        size_t i;

        json_array_foreach (json_object_get(json, "problems"), i, item) {
                json_int_t line = json_integer_value(json_object_get(item, "line"));

                config_problem(problems, shown_text_or(item, "file", "-"),
                                line > 0 ? (unsigned) line : 0, "%s",
                                shown_text_or(item, "text", "-"));
        }
        problems->n_left_out += (size_t) MAX(
                        json_integer_value(json_object_get(json, "problems_left_out")),
                        (json_int_t) 0);
}

static int tell(const Answer *answer)
{
        _cleanup_config_problems_ ConfigProblems problems = {};
        json_int_t n = json_integer_value(json_object_get(answer->json, "certificates"));

        if (shown_escape(answer->json) < 0)
                return CTL_FAILED;
        problems_from_json(&problems, answer->json);
        config_problems_print(&problems, stderr);
        if (answer_check(answer) != CTL_WELL)
                return CTL_FAILED;
        (void) printf("the configuration is in force: %" PRId64 " certificate%s\n", (int64_t) n,
                        n == 1 ? "" : "s");
        return CTL_WELL;
}

static int run(const Options *o)
{
        _cleanup_(client_freep) Client *client = NULL;
        _cleanup_answer_ Answer answer = {};
        int r = client_new(o, &client);

        if (r == CTL_WELL)
                r = client_ask(client, "POST", "/v1/reload", &answer);
        if (r != CTL_WELL)
                return r;
        if (o->json) {
                answer_print(answer.json);
                return answer.status < 300 ? CTL_WELL : CTL_FAILED;
        }
        return tell(&answer);
}

const Command command_reload = {
        .name = "reload",
        .arguments = "",
        .summary = "have renewd read its configuration anew",
        .help = "Waits until the new configuration is in force, or says every FILE:LINE that is\n"
                "wrong with it; then the one of before stays in force.\n",
        .options = "j",
        .run = run,
};
