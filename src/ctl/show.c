/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* show: everything that renewd says of one certificate, in the order of its life. */

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "config/suggest.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/show.h"
#include "ctl/shown.h"
#include "ctl/verdict.h"

/* --- sections --------------------------------------------------------------------------------- */

static void add(Table *t, const char *label, Tone tone, const char *value)
{
        table_add(t, TONE_FAINT, label);
        table_add(t, tone, value);
}

/* Nothing where there is nothing to say. */
static void add_text(Table *t, const char *label, const json_t *object, const char *key)
{
        const char *text = shown_text(object, key);

        if (text)
                add(t, label, TONE_PLAIN, text);
}

static void add_taken(Table *t, const char *label, Tone tone, char *value_take)
{
        if (value_take)
                add(t, label, tone, value_take);
        else
                t->error = -ENOMEM;
        free(value_take);
}

static void add_status(Table *t, const json_t *certificate, Verdict v)
{
        const char *state = shown_text_or(certificate, "state", "unknown");
        const char *attention = v.class == VERDICT_ATTENTION ? ", needs attention" : "";
        char *text = streq(v.word, state) ? text_format("%s%s", state, attention)
                                          : text_format("%s (%s)%s", v.word, state, attention);

        add_taken(t, "Status", verdict_tone(v.class), text);
}

static void add_configured(Table *t, const json_t *certificate)
{
        add_taken(t, "Names", TONE_PLAIN, shown_list(json_object_get(certificate, "names")));
        add_text(t, "CA", certificate, "ca");
        add_text(t, "Key", certificate, "key");
}

static void add_issued(Table *t, const json_t *certificate, uint64_t now)
{
        const json_t *issued = json_object_get(certificate, "issued");
        const json_t *names = json_object_get(issued, "names");
        Lifetime l = shown_lifetime(issued, now);
        char left[TIMESTAMP_MAX];

        if (!json_is_object(issued)) {
                add(t, "In force", TONE_PLAIN, "nothing was ever issued");
                return;
        }
        if (l.known && l.left_usec > 0)
                add_taken(t, "In force", TONE_PLAIN,
                                text_format("%s %u %%, %s left", l.bar, l.percent,
                                                timespan_format(left, l.left_usec)));
        else
                add(t, "In force", TONE_ATTENTION, l.known ? "it has expired" : "-");
        add_taken(t, "  from", TONE_PLAIN, shown_when(shown_instant(issued, "not_before"), now));
        add_taken(t, "  until", TONE_PLAIN, shown_when(shown_instant(issued, "not_after"), now));
        if (!json_equal(names, json_object_get(certificate, "names")))
                add_taken(t, "  names", TONE_WORKING, shown_list(names));
        add_text(t, "  issuer", issued, "issuer");
        add_text(t, "  serial", issued, "serial");
        add_text(t, "  SHA-256", issued, "fingerprint");
        add_text(t, "  files", issued, "directory");
}

static void add_next(Table *t, const json_t *certificate, uint64_t now)
{
        const char *reason = shown_text(certificate, "next_attempt_reason");
        uint64_t at = shown_instant(certificate, "next_attempt");
        _cleanup_free_ char *when = at > now ? shown_when(at, now) : NULL;

        if (!reason)
                return;
        if (at == 0)
                add(t, "Next attempt", TONE_ATTENTION, verdict_reason(reason));
        else
                add_taken(t, "Next attempt", TONE_PLAIN,
                                text_format("%s: %s", when ? when : "now", verdict_reason(reason)));
        if (shown_text(certificate, "blocked"))
                add(t, "  blocked", TONE_ATTENTION, shown_text(certificate, "blocked"));
}

/* What the CA suggests: a window, and the page where it says why. */
static void add_renewal_info(Table *t, const json_t *certificate, uint64_t now)
{
        const json_t *info = json_object_get(certificate, "renewal_info");
        _cleanup_free_ char *start = NULL, *end = NULL;

        if (!json_is_object(info))
                return;
        start = shown_when(shown_instant(info, "start"), now);
        end = shown_when(shown_instant(info, "end"), now);
        add(t, "CA suggests", TONE_PLAIN, "to renew it");
        add(t, "  from", TONE_PLAIN, start ? start : "-");
        add(t, "  until", TONE_PLAIN, end ? end : "-");
        if (shown_text(info, "explanation_url"))
                add(t, "  because", TONE_WORKING, shown_text(info, "explanation_url"));
}

static void add_order(Table *t, const json_t *certificate)
{
        const json_t *order = json_object_get(certificate, "order");
        const char *reason = shown_text(order, "reason");

        if (!json_is_object(order))
                return;
        add_taken(t, "Order", TONE_WORKING,
                        text_format("%s%s%s", shown_text_or(order, "state", "under way"),
                                        reason ? ": " : "", reason ? verdict_reason(reason) : ""));
        add_text(t, "  URL", order, "url");
}

static void add_problem(Table *t, const json_t *certificate, Verdict v, uint64_t now)
{
        const json_t *problem = json_object_get(certificate, "last_problem");
        json_int_t n = json_integer_value(json_object_get(certificate, "failures"));

        if (!json_is_object(problem))
                return;
        add(t, "Last problem", v.class == VERDICT_ATTENTION ? TONE_ATTENTION : TONE_WORKING,
                        shown_text_or(problem, "detail", "-"));
        add_text(t, "  where", problem, "where");
        add_text(t, "  type", problem, "type");
        add_taken(t, "  when", TONE_PLAIN, shown_when(shown_instant(problem, "when"), now));
        add_text(t, "  retry", problem, "retry");
        add_taken(t, "  failures", TONE_PLAIN, text_format("%" PRId64 " in a row", (int64_t) n));
}

static void add_deployment(Table *t, const json_t *certificate, uint64_t now)
{
        const json_t *deployment = json_object_get(certificate, "deployment");
        const char *state = shown_text_or(deployment, "state", "none");
        json_int_t n = json_integer_value(json_object_get(deployment, "failures"));
        uint64_t next = shown_instant(deployment, "next_attempt");

        if (streq(state, "none"))
                return;
        add(t, "Deployment",
                        streq(state, "done")     ? TONE_WELL
                        : streq(state, "failed") ? TONE_ATTENTION
                                                 : TONE_WORKING,
                        state);
        add_text(t, "  did", deployment, "detail");
        if (shown_text(deployment, "problem"))
                add(t, "  problem", TONE_ATTENTION, shown_text(deployment, "problem"));
        if (n > 0)
                add_taken(t, "  failures", TONE_PLAIN,
                                text_format("%" PRId64 " in a row", (int64_t) n));
        if (next > 0)
                add_taken(t, "  next attempt", TONE_PLAIN, shown_when(next, now));
}

int show_render(json_t *certificate, FILE *file, bool color, uint64_t now)
{
        _cleanup_table_ Table t = TABLE_INIT(2);
        int r = shown_escape(certificate);
        Verdict v;

        if (r < 0)
                return r;
        v = verdict_of(certificate, now);
        tone_print(file, color, TONE_HEADING, shown_text_or(certificate, "name", "-"));
        (void) fputc('\n', file);
        add_status(&t, certificate, v);
        add_configured(&t, certificate);
        add_issued(&t, certificate, now);
        add_order(&t, certificate);
        add_next(&t, certificate, now);
        add_renewal_info(&t, certificate, now);
        add_problem(&t, certificate, v, now);
        add_deployment(&t, certificate, now);
        return table_print(&t, file, color);
}

/* --- the command ------------------------------------------------------------------------------ */

/* There is none of that name: perhaps one of nearly that name. */
static int tell_unknown(Client *client, const char *written)
{
        _cleanup_free_ char *shown = text_escape(written, strlen(written), 200);
        _cleanup_answer_ Answer all = {};
        Suggestion s = SUGGESTION_INIT(written);
        const json_t *item;
        size_t i;

        if (client_ask(client, "GET", "/v1/certificates", &all) == CTL_WELL &&
                        shown_escape(all.json) >= 0)
                json_array_foreach (json_object_get(all.json, "certificates"), i, item)
                        suggestion_offer(&s, shown_text_or(item, "name", ""));
        if (s.best)
                log_error("there is no certificate '%s', did you mean '%s'?", shown ? shown : "",
                                s.best);
        else
                log_error("there is no certificate '%s'; renewctl list shows those that there are",
                                shown ? shown : "");
        return CTL_FAILED;
}

static int run(const Options *o)
{
        _cleanup_(client_freep) Client *client = NULL;
        _cleanup_answer_ Answer answer = {};
        int r = client_new(o, &client);

        if (r == CTL_WELL)
                r = client_ask_of(client, "GET", o->arguments[0], "", &answer);
        if (r != CTL_WELL)
                return r;
        if (answer.status == 404)
                return tell_unknown(client, o->arguments[0]);
        r = answer_check(&answer);
        if (r != CTL_WELL)
                return r;
        if (o->json) {
                answer_print(answer.json);
                return CTL_WELL;
        }
        if (show_render(json_object_get(answer.json, "certificate"), stdout, o->color,
                            clock_realtime_usec()) >= 0)
                return CTL_WELL;
        log_error("out of memory");
        return CTL_FAILED;
}

const Command command_show = {
        .name = "show",
        .arguments = "NAME",
        .summary = "everything about one certificate",
        .help = "Shows the certificate NAME: what is in force, what is under way, what went wrong\n"
                "last and when it is tried again.\n",
        .options = "j",
        .least_n = 1,
        .most_n = 1,
        .run = run,
};
