/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs one transcript: drives a RenewOrder (and its session, when the order asks for it) through the
 * conversation that the file tells, and compares each step. Then runs it again with each allocation
 * failing once: what comes of it must be -ENOMEM or the same conversation, never a crash or a leak.
 *
 *     test-transcript FILE [--once]
 */

#include <inttypes.h>
#include <stdio.h>

#include <renew/renew.h>

#include "allocation.h"
#include "base/strv.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "ca.h"
#include "script.h"

#define START UINT64_C(1795507200000000) /* 2026-11-24T08:00:00Z */

typedef struct Run {
        const Script *script;
        const Item *item; /* at hand, for messages */
        Ca ca;
        RenewUsec now;
        RenewSession *session;
        RenewOrder *order;
        bool in_session; /* the order asked for its session */
        bool tolerant;   /* an allocation fails in this run: the first -ENOMEM ends it */
        char *kid;
} Run;

static RenewKey *account_key, *certificate_key;

/* Calls into librenew: only their allocations count. */
#define CALL(expression)                 \
        ({                               \
                int _result_;            \
                allocation_arm(true);    \
                _result_ = (expression); \
                allocation_arm(false);   \
                _result_;                \
        })

enum {
        RUN_GOES_ON,
        RUN_OUT_OF_MEMORY
};

static int judge(const Run *run, int r)
{
        if (r == -ENOMEM && run->tolerant)
                return RUN_OUT_OF_MEMORY;
        if (r != 0)
                script_fail(run->item, "a call returned %d", r);
        return RUN_GOES_ON;
}

/* --- set-up ----------------------------------------------------------------------------------- */

static const char *option(const Run *run, const char *name)
{
        return script_option(run->script, name);
}

static int run_open_session(Run *run)
{
        const char *contacts[] = { option(run, "contact"), NULL };
        const char *known = option(run, "account");
        char *state = known ? text_format("{\"version\":1,\"directory\":\"" CA_URL
                                          "/dir\",\"account\":\"%s\"}",
                                              known)
                            : NULL;
        const RenewSessionOptions options = {
                .directory_url = CA_URL "/dir",
                .user_agent = "test-transcript",
                .contacts = contacts,
                .state = state,
                .eab_key_id = option(run, "eab") ? "key-1" : NULL,
                .eab_hmac_key = option(run, "eab"),
                .terms_agreed = !option(run, "terms") || streq(option(run, "terms"), "yes"),
                .reregister = option(run, "reregister") != NULL,
        };
        int r;

        run->kid = strdup(known ?: ACCOUNT_URL);
        r = CALL(renew_session_new(&options, account_key, &run->session));
        free(state);
        return judge(run, r);
}

static int run_open_order(Run *run)
{
        _cleanup_strv_ char **names = NULL;
        RenewIdentifier *identifiers;
        RenewOrderOptions options = {
                .challenge_type = "http-01",
                .profile = option(run, "profile") ?: option(run, "require-profile"),
                .profile_required = option(run, "require-profile") != NULL,
                .replaces = option(run, "replaces"),
                .preferred_chain = option(run, "preferred-chain"),
                .state = option(run, "state"),
        };
        int r;

        if (strv_split(option(run, "names") ?: "a.example", &names) < 0)
                abort();
        options.n_identifiers = strv_length(names);
        identifiers = calloc(options.n_identifiers, sizeof(*identifiers));
        for (size_t i = 0; i < options.n_identifiers; i++)
                identifiers[i] = (RenewIdentifier){ .type = RENEW_IDENTIFIER_DNS,
                        .value = names[i] };
        options.identifiers = identifiers;
        r = CALL(renew_order_new(run->session, certificate_key, &options, &run->order));
        free(identifiers);
        return judge(run, r);
}

/* --- steps ------------------------------------------------------------------------------------ */

static const char *const actions[] = {
        [RENEW_ACTION_SEND] = ">",
        [RENEW_ACTION_SAVE] = "SAVE",
        [RENEW_ACTION_PRESENT] = "PRESENT",
        [RENEW_ACTION_RETRACT] = "RETRACT",
        [RENEW_ACTION_WAIT] = "WAIT",
        [RENEW_ACTION_SESSION] = "SESSION",
        [RENEW_ACTION_DONE] = "DONE",
        [RENEW_ACTION_FAILED] = "FAILED",
};

/* The next step that is not between order and session. */
static int run_step(Run *run, RenewStep *step)
{
        for (;;) {
                int r;

                if (run->in_session) {
                        r = judge(run, CALL(renew_session_step(run->session, run->now, step)));
                        if (r != RUN_GOES_ON)
                                return r;
                        if (step->action != RENEW_ACTION_DONE &&
                                        step->action != RENEW_ACTION_FAILED)
                                return RUN_GOES_ON;
                        run->in_session = false;
                        if (step->action == RENEW_ACTION_FAILED &&
                                        (r = judge(run, CALL(renew_order_feed_session_failed(
                                                                        run->order)))) !=
                                                        RUN_GOES_ON)
                                return r;
                }
                r = judge(run, CALL(renew_order_step(run->order, run->now, step)));
                if (r != RUN_GOES_ON || step->action != RENEW_ACTION_SESSION)
                        return r;
                run->in_session = true;
        }
}

static void expect_text(const Run *run, const char *what, const char *text, const char *part)
{
        if (!text || !strstr(text, part))
                script_fail(run->item, "%s is '%s' and has no '%s'", what, text ?: "(none)", part);
}

static void expect_equal(const Run *run, const char *what, const char *got, const char *expected)
{
        if (!got || !streq(got, expected))
                script_fail(run->item, "%s is '%s' and not '%s'", what, got ?: "(none)", expected);
}

static int on_save(Run *run, const RenewStep *step, char **words)
{
        if (words[1])
                expect_text(run, "what is saved", step->state, words[1]);
        if (strstr(step->state, "PRIVATE") ||
                        strstr(step->state, renew_key_thumbprint(account_key)))
                script_fail(run->item, "a secret is saved");
        return judge(run, run->in_session ? renew_session_feed_saved(run->session)
                                          : renew_order_feed_saved(run->order));
}

static int on_challenge(Run *run, const RenewStep *step, char **words)
{
        const RenewChallenge *c = step->challenge;
        char *expected;

        if (!words[1] || !words[2])
                script_fail(run->item, "a name and a token are wanted");
        expect_equal(run, "the name", c->identifier.value, words[1]);
        expect_equal(run, "the token", c->token, words[2]);
        if (step->action == RENEW_ACTION_RETRACT)
                return judge(run, renew_order_feed_retracted(run->order));
        expected = text_format("%s.%s", c->token, renew_key_thumbprint(account_key));
        expect_equal(run, "the key authorization", c->key_authorization, expected);
        free(expected);
        return judge(run,
                        CALL(renew_order_feed_presented(run->order, run->now,
                                        words[3] && streq(words[3], "fails") ? "no room" : NULL)));
}

static int on_wait(Run *run, const RenewStep *step, char **words)
{
        char text[TIMESTAMP_MAX];
        uint64_t span;

        if (!words[1] || timespan_parse(words[1], &span) < 0)
                script_fail(run->item, "a span is wanted");
        if (step->until != run->now + span)
                script_fail(run->item, "the wait is %s",
                                timespan_format(text, usec_sub(step->until, run->now)));
        run->now = step->until;
        return RUN_GOES_ON;
}

/* "FAILED type where retry over|resumable", then parts of the detail in the lines below. */
static int on_failed(Run *run, char **words)
{
        const RenewProblem *p = renew_order_problem(run->order);
        char *save = NULL, *body = strdup(run->item->body);

        if (run->tolerant && !p)
                return RUN_OUT_OF_MEMORY;
        if (!p)
                script_fail(run->item, "there is no problem");
        if (strv_length(words) != 4)
                script_fail(run->item, "FAILED type retry over|resumable are wanted");
        expect_equal(run, "the type", renew_problem_type_to_string(p->type), words[1]);
        expect_equal(run, "the retry class", renew_retry_to_string(renew_problem_retry(p)),
                        words[2]);
        expect_equal(run, "the order", renew_order_is_over(run->order) ? "over" : "resumable",
                        words[3]);
        for (char *line = strtok_r(body, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                size_t n = 0;

                if (has_prefix(line, "at "))
                        expect_equal(run, "the place", p->where, line + 3);
                else if (has_prefix(line, "link "))
                        expect_equal(run, "the link", p->instance, line + 5);
                else if (sscanf(line, "subproblems %zu", &n) == 1) {
                        if (p->n_subproblems != n)
                                script_fail(run->item, "there are %zu subproblems",
                                                p->n_subproblems);
                } else if (has_prefix(line, "not before ")) {
                        uint64_t span;

                        if (timespan_parse(line + strlen("not before "), &span) < 0 ||
                                        p->not_before != run->now + span)
                                script_fail(run->item, "not before is %" PRIu64 " s from now",
                                                (uint64_t) (usec_sub(p->not_before, run->now) /
                                                                USEC_PER_SEC));
                } else
                        expect_text(run, "the detail", p->detail, line);
        }
        free(body);
        if (renew_order_chain(run->order))
                script_fail(run->item, "there is a chain all the same");
        return RUN_GOES_ON;
}

static int on_done(Run *run, char **words)
{
        const RenewChain *chain = renew_order_chain(run->order);

        if (!chain || renew_order_problem(run->order))
                script_fail(run->item, "there is no chain, or a problem");
        if (words[1])
                expect_equal(run, "the top issuer", renew_chain_top_issuer(chain), words[1]);
        return RUN_GOES_ON;
}

static int run_expect(Run *run, const RenewStep *step)
{
        _cleanup_strv_ char **words = NULL;

        if (strv_split(run->item->text, &words) < 0)
                abort();
        expect_equal(run, "the step", actions[step->action], words[0]);
        switch (step->action) {
        case RENEW_ACTION_SAVE:
                return on_save(run, step, words);
        case RENEW_ACTION_PRESENT:
        case RENEW_ACTION_RETRACT:
                return on_challenge(run, step, words);
        case RENEW_ACTION_WAIT:
                return on_wait(run, step, words);
        case RENEW_ACTION_DONE:
                return on_done(run, words);
        case RENEW_ACTION_FAILED:
                return on_failed(run, words);
        case RENEW_ACTION_SEND:
        case RENEW_ACTION_SESSION:
                break;
        }
        script_fail(run->item, "no such step");
}

/* --- answers ---------------------------------------------------------------------------------- */

static int feed(Run *run, const RenewResponse *response)
{
        return judge(run, run->in_session ? CALL(renew_session_feed_response(
                                                            run->session, run->now, response))
                                          : CALL(renew_order_feed_response(
                                                            run->order, run->now, response)));
}

static int feed_failure(Run *run, const char *reason)
{
        return judge(run, run->in_session ? CALL(renew_session_feed_failure(
                                                            run->session, run->now, reason))
                                          : CALL(renew_order_feed_failure(
                                                            run->order, run->now, reason)));
}

/* "STATUS" or "lost REASON"; below it headers, an empty line, the body. Each answer but those that say
 * "Replay-Nonce: none" has a nonce. */
static int run_answer(Run *run)
{
        RenewHeader headers[16];
        RenewResponse response = { .headers = headers };
        char *head = strdup(run->item->body), *body, *text, *save = NULL;
        bool nonce = true;
        int r;

        if (has_prefix(run->item->text, "lost ")) {
                free(head);
                return feed_failure(run, run->item->text + strlen("lost "));
        }
        body = *head == '\n' ? head : strstr(head, "\n\n");
        if (body) {
                *body = '\0';
                body += *run->item->body == '\n' ? 1 : 2;
        }
        text = ca_expand(&run->ca, run->item, body ?: "", run->now,
                        option(run, "names") ?: "a.example");
        for (char *line = strtok_r(head, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char *colon = strstr(line, ": ");

                if (!colon || response.n_headers == ELEMENTSOF(headers) - 1)
                        script_fail(run->item, "'%s' is no header", line);
                *colon = '\0';
                if (strcasecmp(line, "Replay-Nonce") == 0)
                        nonce = false;
                if (!streq(colon + 2, "none"))
                        headers[response.n_headers++] = (RenewHeader){ line, colon + 2 };
        }
        if (nonce)
                headers[response.n_headers++] = (RenewHeader){ "replay-nonce",
                        ca_give_nonce(&run->ca) };
        response.status = (unsigned) strtoul(run->item->text, NULL, 10);
        response.body = text;
        response.body_size = strlen(text);
        r = feed(run, &response);
        free(text);
        free(head);
        return r;
}

/* --- the run ---------------------------------------------------------------------------------- */

static int run_event(Run *run)
{
        _cleanup_strv_ char **words = NULL;
        uint64_t span;

        if (strv_split(run->item->text, &words) < 0)
                abort();
        if (streq(words[0], "seen"))
                renew_order_feed_validation_seen(run->order, run->now, words[1]);
        else if (streq(words[0], "later") && timespan_parse(words[1], &span) == 0)
                run->now += span;
        else if (streq(words[0], "cancel")) {
                allocation_arm(true);
                renew_order_cancel(run->order);
                allocation_arm(false);
        } else if (streq(words[0], "account")) {
                free(run->kid);
                run->kid = strdup(words[1]);
        } else
                script_fail(run->item, "no such event");
        return RUN_GOES_ON;
}

static int run_item(Run *run)
{
        RenewStep step;
        int r;

        switch (run->item->mark) {
        case 'o':
                return RUN_GOES_ON;
        case '!':
                return run_event(run);
        case '<':
                return run_answer(run);
        }
        r = run_step(run, &step);
        if (r != RUN_GOES_ON)
                return r;
        if (run->item->mark == '=')
                return run_expect(run, &step);
        if (step.action != RENEW_ACTION_SEND)
                script_fail(run->item, "the step is %s%s%s", actions[step.action],
                                renew_order_problem(run->order) ? ": " : "",
                                renew_order_problem(run->order)
                                                ? renew_order_problem(run->order)->detail
                                                : "");
        ca_check_request(&run->ca, run->item, step.request, run->kid);
        return RUN_GOES_ON;
}

static int run_all(Run *run)
{
        int r = run_open_session(run);

        if (r == RUN_GOES_ON)
                r = run_open_order(run);
        for (size_t i = 0; r == RUN_GOES_ON && i < run->script->n; i++) {
                run->item = &run->script->items[i];
                r = run_item(run);
        }
        if (r == RUN_GOES_ON && !has_prefix(run->item->text, "DONE") &&
                        !has_prefix(run->item->text, "FAILED"))
                script_fail(run->item, "a transcript ends with DONE or FAILED");
        return r;
}

static void run_transcript(const Script *script, bool tolerant)
{
        Run run = {
                .script = script,
                .item = &script->items[0],
                .now = START,
                .tolerant = tolerant,
                .ca = { .account_key = account_key,
                                .certificate_key = certificate_key,
                                .check_signatures = !tolerant },
        };
        (void) run_all(&run);
        (void) renew_order_free(run.order);
        (void) renew_session_unref(run.session);
        ca_done(&run.ca);
        free(run.kid);
}

int main(int argc, char *argv[])
{
        Script script = {};
        unsigned n = 0;

        if (argc < 2) {
                (void) fprintf(stderr, "usage: test-transcript FILE [--once]\n");
                return EXIT_FAILURE;
        }
        allocation_init();
        if (renew_key_new(RENEW_KEY_ECDSA_P256, &account_key) < 0 ||
                        renew_key_new(RENEW_KEY_ECDSA_P256, &certificate_key) < 0)
                return EXIT_FAILURE;
        script_load(argv[1], &script);
        run_transcript(&script, false);
        if (argc < 3)
                do {
                        allocation_fail_at(++n);
                        run_transcript(&script, true);
                } while (allocation_has_failed());
        (void) printf("%s: good, also with each of %u allocations failing\n", argv[1],
                        n > 0 ? n - 1 : 0);
        (void) renew_key_unref(account_key);
        (void) renew_key_unref(certificate_key);
        script_done(&script);
        return EXIT_SUCCESS;
}
