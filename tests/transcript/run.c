/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Follows a transcript: drives a RenewOrder, and its session when the order asks for it, and
 * compares each request and step with what the file says.
 */

#include "run.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "allocation.h"
#include "base/text.h"
#include "base/timestamp.h"

#define START UINT64_C(1795507200000000) /* 2026-11-24T08:00:00Z */

/* No conversation has more steps, whatever happens to it. */
#define MAX_STEPS 2000U

/* Calls into librenew: only their allocations count. */
#define CALL(expression)                 \
        ({                               \
                int _result_;            \
                allocation_arm(true);    \
                _result_ = (expression); \
                allocation_arm(false);   \
                _result_;                \
        })

static int judge(const Run *run, int r)
{
        if (run->tolerant && allocation_has_failed())
                return RUN_LEFT;
        if (r != 0)
                script_fail(run->item, "a call returned %d", r);
        return RUN_FOLLOWED;
}

/* jansson also calls a text damaged for which it has no memory. */
static bool is_refused(const Run *run, int r)
{
        return r == RENEW_E_BAD_STATE && !(run->tolerant && allocation_has_failed());
}

static void replace(char **s, const char *by)
{
        free(*s);
        *s = by ? strdup(by) : NULL;
}

/* --- set-up ----------------------------------------------------------------------------------- */

static const char *option(const Run *run, const char *name)
{
        return script_option(run->script, name);
}

static bool option_is(const Run *run, const char *name, const char *value)
{
        return streq_ptr(option(run, name), value);
}

static int run_open_session(Run *run)
{
        const char *contacts[] = { option(run, "contact"), NULL };
        RenewSessionOptions options = {
                .directory_url = CA_URL "/dir",
                .user_agent = "test-transcript",
                .contacts = contacts,
                .state = run->saved_session,
                .eab_key_id = option(run, "eab") ? CA_EAB_KEY_ID : NULL,
                .eab_hmac_key = option(run, "eab"),
                .terms_agreed = !option_is(run, "terms", "no"),
                .reregister = option_is(run, "reregister", "yes"),
        };
        int r = CALL(renew_session_new(&options, run->ca.account_key, &run->session));

        if (is_refused(run, r)) {
                run->bad_state = true;
                options.state = NULL;
                replace(&run->saved_session, NULL);
                r = CALL(renew_session_new(&options, run->ca.account_key, &run->session));
        }
        return judge(run, r);
}

static RenewIdentifierType identifier_type(const char *name)
{
        struct in6_addr address;

        return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1
                               ? RENEW_IDENTIFIER_IP
                               : RENEW_IDENTIFIER_DNS;
}

static int run_open_order(Run *run)
{
        _cleanup_strv_ char **names = NULL;
        _cleanup_free_ RenewIdentifier *identifiers = NULL;
        RenewOrderOptions options = {
                .challenge_type = "http-01",
                .profile = option(run, "profile") ?: option(run, "require-profile"),
                .profile_required = option(run, "require-profile") != NULL,
                .replaces = option(run, "replaces"),
                .preferred_chain = option(run, "preferred-chain"),
                .state = run->saved_order,
        };
        int r;

        if (strv_split(run->ca.names, &names) < 0)
                abort();
        options.n_identifiers = strv_length(names);
        identifiers = calloc(options.n_identifiers, sizeof(*identifiers));
        for (size_t i = 0; i < options.n_identifiers; i++)
                identifiers[i] = (RenewIdentifier){ identifier_type(names[i]), names[i] };
        options.identifiers = identifiers;
        r = CALL(renew_order_new(run->session, run->ca.certificate_key, &options, &run->order));
        if (is_refused(run, r)) {
                run->bad_state = true;
                options.state = NULL;
                replace(&run->saved_order, NULL);
                r = CALL(renew_order_new(
                                run->session, run->ca.certificate_key, &options, &run->order));
        }
        return judge(run, r);
}

int run_begin(Run *run, const Script *script, RenewKey *account_key, RenewKey *certificate_key,
                bool tolerant)
{
        const char *account = script_option(script, "account");
        int r;

        *run = (Run){
                .script = script,
                .item = &script->items[0],
                .ca = { .account_key = account_key,
                                .certificate_key = certificate_key,
                                .names = script_option(script, "names") ?: "a.example",
                                .check_signatures = !tolerant },
                .now = START,
                .tolerant = tolerant,
        };
        replace(&run->kid, account ?: ACCOUNT_URL);
        replace(&run->saved_order, option(run, "state"));
        replace(&run->saved_session, option(run, "session-state"));
        if (account)
                run->saved_session = text_format("{\"version\":1,\"directory\":\"" CA_URL
                                                 "/dir\",\"account\":\"%s\"}",
                                account);
        r = run_open_session(run);
        return r != RUN_FOLLOWED ? r : run_open_order(run);
}

void run_done(Run *run)
{
        (void) renew_order_free(run->order);
        (void) renew_order_free(run->other);
        (void) renew_session_unref(run->session);
        ca_done(&run->ca);
        free(run->kid);
        free(run->saved_session);
        free(run->saved_order);
        strv_free(run->visible);
}

int run_restart(Run *run)
{
        int r;

        run->order = renew_order_free(run->order);
        run->other = renew_order_free(run->other);
        run->session = renew_session_unref(run->session);
        run->in_session = false;
        r = run_open_session(run);
        return r != RUN_FOLLOWED ? r : run_open_order(run);
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
                        if (r != RUN_FOLLOWED)
                                return r;
                        if (step->action != RENEW_ACTION_DONE &&
                                        step->action != RENEW_ACTION_FAILED)
                                return RUN_FOLLOWED;
                        run->in_session = false;
                        if (step->action == RENEW_ACTION_FAILED) {
                                r = judge(run, CALL(renew_order_feed_session_failed(run->order)));
                                if (r != RUN_FOLLOWED)
                                        return r;
                        }
                }
                r = judge(run, CALL(renew_order_step(run->order, run->now, step)));
                if (r != RUN_FOLLOWED || step->action != RENEW_ACTION_SESSION)
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

static int run_save(Run *run, const RenewStep *step)
{
        replace(run->in_session ? &run->saved_session : &run->saved_order, step->state);
        return run->in_session ? renew_session_feed_saved(run->session)
                               : renew_order_feed_saved(run->order);
}

static int on_save(Run *run, const RenewStep *step, char **words)
{
        if (words[1])
                expect_text(run, "what is saved", step->state, words[1]);
        if (strstr(step->state, "PRIVATE") ||
                        strstr(step->state, renew_key_thumbprint(run->ca.account_key)))
                script_fail(run->item, "a secret is saved");
        return judge(run, run_save(run, step));
}

static void run_set_visible(Run *run, const char *token, bool visible)
{
        for (char **t = run->visible; t && *t; t++)
                if (streq(*t, token)) {
                        free(*t);
                        do
                                t[0] = t[1];
                        while (*t++);
                        break;
                }
        if (visible && strv_add(&run->visible, token) < 0)
                abort();
}

static int run_present(Run *run, const RenewStep *step, const char *reason)
{
        run_set_visible(run, step->challenge->token, true);
        return CALL(renew_order_feed_presented(run->order, run->now, reason));
}

static int run_retract(Run *run, const RenewStep *step)
{
        run_set_visible(run, step->challenge->token, false);
        return CALL(renew_order_feed_retracted(run->order));
}

static int on_challenge(Run *run, const RenewStep *step, char **words)
{
        const RenewChallenge *c = step->challenge;
        char *expected;

        if (!words[1] || !words[2])
                script_fail(run->item, "a name and a token are wanted");
        expect_equal(run, "the name", c->identifier.value, words[1]);
        expect_equal(run, "the token", c->token, words[2]);
        if (c->identifier.type != identifier_type(words[1]))
                script_fail(run->item, "the identifier is of another type");
        if (step->action == RENEW_ACTION_RETRACT)
                return judge(run, run_retract(run, step));
        expected = text_format("%s.%s", c->token, renew_key_thumbprint(run->ca.account_key));
        expect_equal(run, "the key authorization", c->key_authorization, expected);
        free(expected);
        return judge(run, run_present(run, step, streq_ptr(words[3], "fails") ? "no room" : NULL));
}

/* "WAIT 3s", or "WAIT 20ms to 40ms" where it is drawn. */
static int on_wait(Run *run, const RenewStep *step, const char *text)
{
        _cleanup_free_ char *from = strdup(text + strlen("WAIT"));
        char *to = strstr(from, " to "), got[TIMESTAMP_MAX];
        uint64_t span, least, most;

        if (to)
                *to = '\0';
        if (timespan_parse(from, &least) < 0 || timespan_parse(to ? to + 4 : from, &most) < 0)
                script_fail(run->item, "a span is wanted");
        span = usec_sub(step->until, run->now);
        if (span < least || span > most)
                script_fail(run->item, "the wait is %s", timespan_format(got, span));
        run->now = step->until;
        return RUN_FOLLOWED;
}

static void expect_not_before(const Run *run, const RenewProblem *p, const char *text)
{
        char got[TIMESTAMP_MAX];
        uint64_t span;

        if (timespan_parse(text, &span) < 0)
                script_fail(run->item, "a span is wanted");
        if (p->not_before != run->now + span)
                script_fail(run->item, "it is not before %s from now",
                                timespan_format(got, usec_sub(p->not_before, run->now)));
}

/* A line below FAILED. */
static void expect_problem(const Run *run, const RenewProblem *p, const char *line)
{
        size_t n;

        if (has_prefix(line, "at "))
                expect_equal(run, "the place", p->where, line + strlen("at "));
        else if (has_prefix(line, "link "))
                expect_equal(run, "the link", p->instance, line + strlen("link "));
        else if (has_prefix(line, "not before "))
                expect_not_before(run, p, line + strlen("not before "));
        else if (sscanf(line, "subproblems %zu", &n) == 1) {
                if (p->n_subproblems != n)
                        script_fail(run->item, "there are %zu subproblems", p->n_subproblems);
        } else if (has_prefix(line, "about ")) {
                for (n = 0; n < p->n_subproblems; n++)
                        if (streq(p->subproblems[n].identifier, line + strlen("about ")))
                                return;
                script_fail(run->item, "no subproblem is %s", line);
        } else
                expect_text(run, "the detail", p->detail, line);
}

static int on_failed(Run *run, char **words)
{
        const RenewProblem *p = renew_order_problem(run->order);
        char *save = NULL, *body = strdup(run->item->body);

        if (!p || renew_order_chain(run->order))
                script_fail(run->item, "there is no problem, or a chain all the same");
        if (strv_length(words) != 4)
                script_fail(run->item, "FAILED type retry over|resumable are wanted");
        expect_equal(run, "the type", renew_problem_type_to_string(p->type), words[1]);
        expect_equal(run, "the retry class", renew_retry_to_string(renew_problem_retry(p)),
                        words[2]);
        expect_equal(run, "the order", renew_order_is_over(run->order) ? "over" : "resumable",
                        words[3]);
        for (char *line = strtok_r(body, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
                expect_problem(run, p, line);
        free(body);
        return RUN_FOLLOWED;
}

static void check_chain(const Run *run)
{
        const RenewChain *chain = renew_order_chain(run->order);

        if (!chain || renew_order_problem(run->order) ||
                        !renew_chain_matches_key(chain, run->ca.certificate_key))
                script_fail(run->item, "DONE without a good chain, or with a problem");
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
                return on_wait(run, step, run->item->text);
        case RENEW_ACTION_DONE:
                check_chain(run);
                if (words[1])
                        expect_equal(run, "the top issuer",
                                        renew_chain_top_issuer(renew_order_chain(run->order)),
                                        words[1]);
                return RUN_FOLLOWED;
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
        return run->in_session ? CALL(renew_session_feed_response(run->session, run->now, response))
                               : CALL(renew_order_feed_response(run->order, run->now, response));
}

static int feed_failure(Run *run, const char *reason)
{
        return run->in_session ? CALL(renew_session_feed_failure(run->session, run->now, reason))
                               : CALL(renew_order_feed_failure(run->order, run->now, reason));
}

/* Splits the lines "Name: value" into headers; "none" for a value stands for no such header. */
static void read_headers(
                Run *run, char *head, RenewResponse *response, RenewHeader *headers, size_t max)
{
        bool nonce = true;
        char *save = NULL;

        for (char *line = strtok_r(head, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char *colon = strstr(line, ": ");

                if (!colon || response->n_headers == max - 1)
                        script_fail(run->item, "'%s' is no header", line);
                *colon = '\0';
                if (strcasecmp(line, "Replay-Nonce") == 0)
                        nonce = false;
                if (!streq(colon + 2, "none"))
                        headers[response->n_headers++] = (RenewHeader){ line, colon + 2 };
                if (run->in_session && streq(line, "Location"))
                        replace(&run->kid, colon + 2);
        }
        if (nonce)
                headers[response->n_headers++] = (RenewHeader){ "replay-nonce",
                        ca_give_nonce(&run->ca) };
        response->headers = headers;
}

/* "STATUS" or "lost REASON"; below it headers, an empty line, the body. */
static int run_answer(Run *run)
{
        _cleanup_free_ char *head = strdup(run->item->body), *text = NULL;
        RenewResponse response = {};
        RenewHeader headers[16];
        char *body;

        if (has_prefix(run->item->text, "lost "))
                return judge(run, feed_failure(run, run->item->text + strlen("lost ")));
        body = *head == '\n' ? head : strstr(head, "\n\n");
        if (body) {
                *body = '\0';
                body += *run->item->body == '\n' ? 1 : 2;
        }
        text = ca_expand(&run->ca, run->item, body ?: "", run->now);
        read_headers(run, head, &response, headers, ELEMENTSOF(headers));
        response.status = (unsigned) strtoul(run->item->text, NULL, 10);
        response.body = text;
        response.body_size = strlen(text);
        return judge(run, feed(run, &response));
}

/* --- events ----------------------------------------------------------------------------------- */

/* The next attempt, as the daemon makes it. */
static int run_again(Run *run)
{
        if (renew_order_chain(run->order) || renew_order_is_over(run->order))
                replace(&run->saved_order, NULL);
        if (renew_session_problem(run->session))
                renew_session_restart(run->session);
        run->order = renew_order_free(run->order);
        return run_open_order(run);
}

/* The other order of the session is driven on; the first time it is made. */
static int run_turn_to_other(Run *run)
{
        RenewOrder *order = run->other;

        run->other = run->order;
        run->order = order;
        run->in_session = false;
        if (order)
                return RUN_FOLLOWED;
        replace(&run->saved_order, NULL);
        return run_open_order(run);
}

int run_cancel(Run *run)
{
        run->in_session = false;
        allocation_arm(true);
        renew_order_cancel(run->order);
        allocation_arm(false);
        return judge(run, 0);
}

static int run_event(Run *run)
{
        _cleanup_strv_ char **words = NULL;
        uint64_t span;

        if (strv_split(run->item->text, &words) < 0)
                abort();
        if (streq(words[0], "seen")) {
                renew_order_feed_validation_seen(run->order, run->now, words[1]);
                return RUN_FOLLOWED;
        }
        if (streq(words[0], "later") && timespan_parse(words[1], &span) == 0) {
                run->now += span;
                return RUN_FOLLOWED;
        }
        if (streq(words[0], "refresh")) {
                renew_session_restart(run->session);
                run->in_session = true;
                return RUN_FOLLOWED;
        }
        if (streq(words[0], "cancel"))
                return run_cancel(run);
        if (streq(words[0], "again"))
                return run_again(run);
        if (streq(words[0], "restart"))
                return run_restart(run);
        if (streq(words[0], "other"))
                return run_turn_to_other(run);
        script_fail(run->item, "no such event");
}

/* --- the run ---------------------------------------------------------------------------------- */

static int run_item(Run *run)
{
        const RenewProblem *problem;
        RenewStep step;
        int r;

        switch (run->item->mark) {
        case 'o':
                return RUN_FOLLOWED;
        case '!':
                return run_event(run);
        case '<':
                return run_answer(run);
        }
        if (run->bad_state != streq(run->item->text, "BAD-STATE"))
                script_fail(run->item, "what was saved is %s", run->bad_state ? "refused" : "good");
        if (run->bad_state) {
                run->bad_state = false;
                return RUN_FOLLOWED;
        }
        r = run_step(run, &step);
        if (r != RUN_FOLLOWED)
                return r;
        if (run->item->mark == '=')
                return run_expect(run, &step);
        problem = renew_order_problem(run->order);
        if (step.action != RENEW_ACTION_SEND)
                script_fail(run->item, "the step is %s: %s", actions[step.action],
                                problem ? problem->detail : "");
        ca_check_request(&run->ca, run->item, step.request, run->kid);
        return RUN_FOLLOWED;
}

int run_follow(Run *run, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                int r;

                run->item = &run->script->items[i];
                r = run_item(run);
                if (r != RUN_FOLLOWED)
                        return r;
        }
        return RUN_FOLLOWED;
}

/* --- without the script ----------------------------------------------------------------------- */

static int lead_session(Run *run)
{
        RenewStep step;
        int r = renew_session_step(run->session, run->now, &step);

        if (r < 0)
                return r;
        if (step.action == RENEW_ACTION_SEND)
                return feed_failure(run, "nobody there");
        if (step.action == RENEW_ACTION_SAVE)
                return run_save(run, &step);
        if (step.action == RENEW_ACTION_WAIT) {
                run->now = step.until;
                return 0;
        }
        run->in_session = false;
        return step.action == RENEW_ACTION_FAILED ? renew_order_feed_session_failed(run->order) : 0;
}

/* Return: 1 at the end. */
static int lead_order(Run *run)
{
        RenewStep step;
        int r = renew_order_step(run->order, run->now, &step);

        if (r < 0)
                return r;
        switch (step.action) {
        case RENEW_ACTION_SEND:
                return feed_failure(run, "nobody there");
        case RENEW_ACTION_SAVE:
                return run_save(run, &step);
        case RENEW_ACTION_PRESENT:
                return run_present(run, &step, NULL);
        case RENEW_ACTION_RETRACT:
                return run_retract(run, &step);
        case RENEW_ACTION_WAIT:
                if (step.until <= run->now)
                        script_fail(run->item, "a wait for what is past");
                run->now = step.until;
                return 0;
        case RENEW_ACTION_SESSION:
                run->in_session = true;
                return 0;
        case RENEW_ACTION_DONE:
                check_chain(run);
                return 1;
        case RENEW_ACTION_FAILED:
                return 1;
        }
        return -EINVAL;
}

void run_to_end(Run *run)
{
        int r = 0;

        if (!run->order)
                return;
        for (unsigned i = 0; i < MAX_STEPS && r == 0; i++)
                r = run->in_session ? lead_session(run) : lead_order(run);
        if (r != 1)
                script_fail(run->item, "it comes to no end (%d), being '%s'", r,
                                renew_order_state(run->order));
        if (run->visible && *run->visible)
                script_fail(run->item, "the token %s is left", *run->visible);
}
