/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * list: a row for each certificate, by name; below it, indented, what went wrong. At the end how
 * many are well, because that is the first question.
 */

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/list.h"
#include "ctl/shown.h"
#include "ctl/verdict.h"

static const char *const headings[] = { "NAME", "STATUS", "LIFETIME LEFT", "RENEWS", "DEPLOYED",
        "CA" };

typedef struct Row {
        const json_t *certificate;
        const char *name;
} Row;

/* --- one row ---------------------------------------------------------------------------------- */

static void add_lifetime(Table *t, const json_t *issued, uint64_t now)
{
        char span[TIMESTAMP_MAX];
        Lifetime l = shown_lifetime(issued, now);
        _cleanup_free_ char *text = NULL;

        if (!l.known) {
                table_add(t, TONE_FAINT, "-");
                return;
        }
        text = text_format("%s %s", l.bar,
                        l.left_usec > 0 ? timespan_format(span, l.left_usec) : "none");
        table_add(t, l.left_usec > 0 ? TONE_PLAIN : TONE_ATTENTION, text ? text : l.bar);
}

static void add_renewal(Table *t, const json_t *certificate, uint64_t now)
{
        uint64_t at = shown_instant(certificate, "next_attempt");
        bool ordering = json_is_object(json_object_get(certificate, "order"));
        _cleanup_free_ char *text = NULL;
        char span[TIMESTAMP_MAX];

        if (at > now)
                text = text_format("in %s", timespan_format(span, at - now));
        table_add(t, TONE_PLAIN, text ? text : at > 0 || ordering ? "now" : "-");
}

static void add_deployment(Table *t, const json_t *certificate)
{
        const char *state = shown_text_or(
                        json_object_get(certificate, "deployment"), "state", "none");

        if (streq(state, "done"))
                table_add(t, TONE_PLAIN, "yes");
        else if (streq(state, "none"))
                table_add(t, TONE_FAINT, "-");
        else
                table_add(t, streq(state, "failed") ? TONE_ATTENTION : TONE_WORKING, state);
}

static void add_note(Table *t, Tone tone, const char *where, const char *text)
{
        _cleanup_free_ char *note = text ? text_format("%s: %s", where, text) : NULL;

        if (note)
                table_add_note(t, tone, note);
}

static void add_notes(Table *t, const json_t *certificate, Verdict v)
{
        const json_t *problem = json_object_get(certificate, "last_problem");
        Tone tone = verdict_tone(v.class == VERDICT_WELL ? VERDICT_WORKING : v.class);

        add_note(t, tone, shown_text_or(problem, "where", "last problem"),
                        shown_text(problem, "detail"));
        add_note(t, tone, "deployment",
                        shown_text(json_object_get(certificate, "deployment"), "problem"));
        if (v.class == VERDICT_ATTENTION)
                add_note(t, tone, "blocked", shown_text(certificate, "blocked"));
}

static Verdict add_row(Table *t, const json_t *certificate, uint64_t now)
{
        Verdict v = verdict_of(certificate, now);

        table_add(t, TONE_PLAIN, shown_text(certificate, "name"));
        table_add(t, verdict_tone(v.class), v.word);
        add_lifetime(t, json_object_get(certificate, "issued"), now);
        add_renewal(t, certificate, now);
        add_deployment(t, certificate);
        table_add(t, TONE_FAINT, shown_text(certificate, "ca"));
        add_notes(t, certificate, v);
        return v;
}

/* --- the whole -------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
        return strcmp(((const Row *) a)->name, ((const Row *) b)->name);
}

/* Return: the rows in order; the caller frees them. NULL when out of memory. */
static Row *sort_rows(const json_t *array)
{
        size_t n = json_array_size(array);
        Row *rows = calloc(n + 1, sizeof(*rows));

        for (size_t i = 0; rows && i < n; i++) {
                rows[i].certificate = json_array_get(array, i);
                rows[i].name = shown_text_or(rows[i].certificate, "name", "");
        }
        if (rows)
                qsort(rows, n, sizeof(*rows), by_name);
        return rows;
}

/* "12 certificates: 10 well, 1 in progress, 1 needs attention" */
static void print_summary(FILE *file, bool color, const size_t counts[static VERDICT_N_CLASSES])
{
        static const char *const words[] = { "well", "in progress", "", "not configured" };
        const char *separator = ": ";
        size_t n = 0;

        for (size_t i = 0; i < VERDICT_N_CLASSES; i++)
                n += counts[i];
        (void) fprintf(file, "%zu certificate%s", n, n == 1 ? "" : "s");
        for (size_t i = 0; i < VERDICT_N_CLASSES; i++) {
                const char *word = i != VERDICT_ATTENTION ? words[i]
                                   : counts[i] == 1       ? "needs attention"
                                                          : "need attention";
                _cleanup_free_ char *text = text_format("%zu %s", counts[i], word);

                if (counts[i] == 0 || !text)
                        continue;
                (void) fputs(separator, file);
                tone_print(file, color, verdict_tone((VerdictClass) i), text);
                separator = ", ";
        }
        (void) fputc('\n', file);
}

static void print_daemon(FILE *file, bool color, const json_t *daemon)
{
        const char *problem = shown_text(daemon, "listen_problem");
        bool listening = json_is_true(json_object_get(daemon, "listening"));

        if (!problem)
                return;
        tone_print(file, color, listening ? TONE_WORKING : TONE_ATTENTION, problem);
        (void) fputc('\n', file);
}

int list_render(json_t *answer, FILE *file, bool color, uint64_t now)
{
        const json_t *certificates = json_object_get(answer, "certificates");
        size_t n = json_array_size(certificates), counts[VERDICT_N_CLASSES] = {};
        _cleanup_table_ Table t = TABLE_INIT(ELEMENTSOF(headings));
        _cleanup_free_ Row *rows = NULL;
        int r = shown_escape(answer);

        if (r < 0)
                return r;
        rows = sort_rows(certificates);
        if (!rows)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(headings); i++)
                table_add(&t, TONE_HEADING, headings[i]);
        for (size_t i = 0; i < n; i++)
                counts[add_row(&t, rows[i].certificate, now).class]++;
        if (n > 0) {
                r = table_print(&t, file, color);
                if (r < 0)
                        return r;
                (void) fputc('\n', file);
        }
        print_summary(file, color, counts);
        print_daemon(file, color, json_object_get(answer, "daemon"));
        return 0;
}

static int run(const Options *o)
{
        _cleanup_(client_freep) Client *client = NULL;
        _cleanup_answer_ Answer answer = {};
        int r = client_new(o, &client);

        if (r == CTL_WELL)
                r = client_ask(client, "GET", "/v1/certificates", &answer);
        if (r == CTL_WELL)
                r = answer_check(&answer);
        if (r != CTL_WELL)
                return r;
        if (o->json) {
                answer_print(answer.json);
                return CTL_WELL;
        }
        if (list_render(answer.json, stdout, o->color, clock_realtime_usec()) >= 0)
                return CTL_WELL;
        log_error("out of memory");
        return CTL_FAILED;
}

const Command command_list = {
        .name = "list",
        .arguments = "",
        .summary = "all certificates, a line each",
        .help = "Shows each certificate with how much of its lifetime is left, when it renews,\n"
                "whether its services have it, and what went wrong last.\n",
        .options = "j",
        .run = run,
};
