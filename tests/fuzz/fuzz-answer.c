/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-answer: a CA that says anything. A session and an order are driven with the answers in the
 * input, and what librenew promises its caller holds whatever they are.
 *
 * The input is text, so that its parts can be moved about: answers separated by lines of "%%", each
 * a status (0: the request fails on the way), header lines, an empty line and a body, in which
 * "@chain" alone stands for a good certificate. When the answers are used up requests fail. In
 * front of them may stand what an order saved, which is JSON, and then it is resumed.
 */

#include <stdio.h>

#include <renew/order.h>

#include "acme/header.h"
#include "base/limits.h"
#include "base/strv.h"
#include "fuzz-util.h"

/* For FUZZ_KEY and fuzz_names, good at FUZZ_NOW. */
#define FUZZ_CHAIN                                                           \
        "-----BEGIN CERTIFICATE-----\n"                                      \
        "MIIBnDCCAUGgAwIBAgIGAIdlQyEBMAoGCCqGSM49BAMCMBExDzANBgNVBAMMBklz\n" \
        "c3VlcjAeFw0yNjA5MjAxNDEzMjBaFw0yNjEyMTkxNDEzMjBaMAAwWTATBgcqhkjO\n" \
        "PQIBBggqhkjOPQMBBwNCAASEBja1wdHc4Zmsmvo1jhDsYQCVJYME3ae4WtXsm5q6\n" \
        "783qqdjj6EfjZneKV3enX9SFuYUUllDwFJM2x+hskzdIo4GVMIGSMC0GA1UdEQQm\n" \
        "MCSCD3d3dy5leGFtcGxlLmNvbYILZXhhbXBsZS5jb22HBMAAAgEwDAYDVR0TAQH/\n" \
        "BAIwADAfBgNVHSMEGDAWgBQ3dMwyPWxKhpWkSWlb71JBPMNrCzAdBgNVHQ4EFgQU\n" \
        "KVZsibT4bApyjnd+pzIbCnw+KKwwEwYDVR0lBAwwCgYIKwYBBQUHAwEwCgYIKoZI\n" \
        "zj0EAwIDSQAwRgIhAKNauzoKfVNR9crDhHsrW5WiE4VPHamiVOzjKbvY41vaAiEA\n" \
        "3TdcbxPx0hETPd5iJhrCyONd8cCYnjoIJ9geBhuW4s0=\n"                     \
        "-----END CERTIFICATE-----\n"                                        \
        "-----BEGIN CERTIFICATE-----\n"                                      \
        "MIIBkTCCARigAwIBAgIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARSb290MB4X\n" \
        "DTI1MTEyNTE0MTMyMFoXDTI3MDcxODE0MTMyMFowETEPMA0GA1UEAwwGSXNzdWVy\n" \
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/zdV1l1vJ/o/unY/iIdYzdnQ/KLP\n" \
        "Hh0N6T5IpQjJCUkamQvA+3Vb+1zleT90yRJ5s1fK1e0BLvfUd/ML1NYS+aNjMGEw\n" \
        "DwYDVR0TAQH/BAUwAwEB/zAfBgNVHSMEGDAWgBQ601DKthAA17KidlClKQEv6yb6\n" \
        "pjAdBgNVHQ4EFgQUN3TMMj1sSoaVpElpW+9SQTzDawswDgYDVR0PAQH/BAQDAgGG\n" \
        "MAoGCCqGSM49BAMCA2cAMGQCMFCk9LGTNa75zBvtxgderbZ/U5NrknJWi9sbqY6v\n" \
        "ujPahKkfWLGSVc32SmLBJVTn3gIwFrxEDJdxXbuTTYgiJ+dSVWuDcjMJ2basQcxw\n" \
        "DanKUCHeHAdu8SlWbt9nHeOVk+tE\n"                                     \
        "-----END CERTIFICATE-----\n"

#define MAX_STEPS   2000U
#define MAX_HEADERS 32U

static RenewKey *account_key, *key;

/* --- the CA ----------------------------------------------------------------------------------- */

typedef struct Answers {
        char *next; /* NULL: there are no more */
        unsigned n_nonces;
        RenewHeader headers[MAX_HEADERS + 1];
        char nonce[32];
} Answers;

/* Cuts s at the next separator. Return: what follows it, NULL when there is none. */
static char *cut(char *s, const char *separator)
{
        char *found = strstr(s, separator);

        if (!found)
                return NULL;
        *found = '\0';
        return found + strlen(separator);
}

/* Return: false when the request is to fail on the way. */
static bool read_answer(Answers *a, RenewResponse *ret)
{
        char *line = a->next, *head_end;
        size_t n = 0;

        if (!line)
                return false;
        a->next = cut(line, "\n%%\n");
        head_end = cut(line, "\n\n");
        *ret = (RenewResponse){ .status = (unsigned) strtoul(line, NULL, 10) % 1000,
                .headers = a->headers,
                .body = head_end ?: "",
                .body_size = head_end ? strlen(head_end) : 0 };
        if (head_end && streq(head_end, "@chain")) {
                ret->body = FUZZ_CHAIN;
                ret->body_size = strlen(FUZZ_CHAIN);
        }
        for (line = cut(line, "\n"); line && n < MAX_HEADERS; n++) {
                char *following = cut(line, "\n"), *value = cut(line, ": ");

                a->headers[n] = (RenewHeader){ .name = line, .value = value ?: "" };
                line = following;
        }
        (void) snprintf(a->nonce, sizeof(a->nonce), "nonce-%u", a->n_nonces++);
        a->headers[n++] = (RenewHeader){ .name = "replay-nonce", .value = a->nonce };
        ret->n_headers = n;
        return ret->status > 0;
}

static void check_request(const RenewRequest *request)
{
        bool post = streq(request->method, "POST");

        check(post || streq(request->method, "GET") || streq(request->method, "HEAD"));
        check(url_is_usable(request->url, false));
        check(post == (request->body_size > 0));
        check(!post || text_printable(request->body, request->body_size) == request->body_size);
        for (size_t i = 0; i < request->n_headers; i++) {
                check_text(request->headers[i].name);
                check_text(request->headers[i].value);
        }
}

static void check_problem(const RenewProblem *p)
{
        check(p);
        check_text(p->urn);
        check_text(p->detail);
        check_text(p->where);
        check(strlen(p->detail) <= LIMIT_PEER_TEXT + 3);
        if (p->instance)
                check_text(p->instance);
        for (size_t i = 0; i < p->n_subproblems; i++) {
                check_text(p->subproblems[i].detail);
                check_text(p->subproblems[i].identifier);
        }
        check(renew_problem_retry(p) <= RENEW_RETRY_HELD);
}

/* --- session ---------------------------------------------------------------------------------- */

static RenewSession *make_session(const char *state, int expected)
{
        static const char *const contacts[] = { "ops@example.com", NULL };
        const RenewSessionOptions options = { .directory_url = "https://ca.example/dir",
                .user_agent = "fuzz/1",
                .contacts = contacts,
                .state = state,
                .eab_key_id = "kid",
                .eab_hmac_key = "c2VjcmV0",
                .terms_agreed = true,
                .reregister = true };
        RenewSession *session = NULL;

        check(renew_session_new(&options, account_key, &session) == expected);
        return session;
}

static void check_session_state(const char *state)
{
        RenewSession *again;

        check_text(state);
        again = make_session(state, 0);
        check(renew_session_account_url(again));
        (void) renew_session_unref(again);
}

/* Return: whether the session is ready. */
static bool drive_session(RenewSession *session, Answers *answers, RenewUsec *now)
{
        for (unsigned n = 0; n < MAX_STEPS; n++) {
                RenewResponse response;
                RenewStep step;

                check(renew_session_step(session, *now, &step) == 0);
                switch (step.action) {
                case RENEW_ACTION_SEND:
                        check_request(step.request);
                        if (read_answer(answers, &response))
                                check(renew_session_feed_response(session, *now, &response) == 0);
                        else
                                check(renew_session_feed_failure(session, *now, "no luck") == 0);
                        break;
                case RENEW_ACTION_SAVE:
                        check_session_state(step.state);
                        check(renew_session_feed_saved(session) == 0);
                        break;
                case RENEW_ACTION_WAIT:
                        check(step.until > *now && step.until - *now <= USEC_PER_HOUR);
                        *now = step.until;
                        break;
                case RENEW_ACTION_DONE:
                        check(url_is_usable(renew_session_account_url(session), false));
                        check(!renew_session_problem(session));
                        if (renew_session_terms_url(session))
                                check_text(renew_session_terms_url(session));
                        return true;
                case RENEW_ACTION_FAILED:
                        check_problem(renew_session_problem(session));
                        return false;
                case RENEW_ACTION_PRESENT:
                case RENEW_ACTION_RETRACT:
                case RENEW_ACTION_SESSION:
                        check(false);
                }
        }
        check(false); /* it never ends */
        return false;
}

/* --- order ------------------------------------------------------------------------------------ */

typedef struct Run {
        RenewSession *session;
        RenewOrder *order;
        Answers *answers;
        RenewUsec now;
        bool resumed;
        char **visible; /* tokens that were presented and not taken away */
} Run;

/* NULL when the state is refused. */
static RenewOrder *make_order(RenewSession *session, const char *state)
{
        const RenewOrderOptions options = {
                .identifiers = fuzz_names,
                .n_identifiers = ELEMENTSOF(fuzz_names),
                .challenge_type = "http-01",
                .profile = "short",
                .replaces = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE",
                .preferred_chain = "Preferred",
                .state = state,
        };
        RenewOrder *order = NULL;
        int r = renew_order_new(session, key, &options, &order);

        check(r == 0 || (state && r == RENEW_E_BAD_STATE));
        return order;
}

static void on_present(Run *run, const RenewChallenge *c)
{
        _cleanup_free_ char *expected = text_format(
                        "%s.%s", c->token, renew_key_thumbprint(account_key));

        check(text_is_base64url(c->token) && strlen(c->token) <= LIMIT_TOKEN);
        check(streq(c->key_authorization, expected));
        check(streq(c->type, "http-01"));
        check_text(c->identifier.value);
        check(strv_add(&run->visible, c->token) == 0);
        check(renew_order_feed_presented(run->order, run->now, NULL) == 0);
        renew_order_feed_validation_seen(run->order, run->now, c->token);
}

static void on_retract(Run *run, const RenewChallenge *c)
{
        char **t = run->visible;

        while (t && *t && !streq(*t, c->token))
                t++;
        if (t && *t) {
                free(*t);
                do
                        t[0] = t[1];
                while (*t++);
        } else
                check(run->resumed); /* a former life presented it */
        check(renew_order_feed_retracted(run->order) == 0);
}

static void on_send(Run *run, const RenewRequest *request)
{
        RenewResponse response;

        check_request(request);
        if (read_answer(run->answers, &response))
                check(renew_order_feed_response(run->order, run->now, &response) == 0);
        else
                check(renew_order_feed_failure(run->order, run->now, "no luck") == 0);
}

static void on_save(Run *run, const char *state)
{
        RenewOrder *again;

        check_text(state);
        again = make_order(run->session, state);
        check(again);
        (void) renew_order_free(again);
        check(renew_order_feed_saved(run->order) == 0);
}

static void on_end(const Run *run, RenewAction action)
{
        const RenewChain *chain = renew_order_chain(run->order);
        char *reason = NULL;

        check(strv_length(run->visible) == 0);
        if (action == RENEW_ACTION_FAILED) {
                check(!chain);
                check_problem(renew_order_problem(run->order));
                check(renew_order_url(run->order) || renew_order_is_over(run->order));
                return;
        }
        check(chain && !renew_order_problem(run->order));
        check(renew_chain_check(chain, key, fuzz_names, ELEMENTSOF(fuzz_names), run->now,
                              &reason) == 0);
}

/* Return: whether there is more to come. */
static bool drive_order(Run *run)
{
        RenewStep step, again;

        check(renew_order_step(run->order, run->now, &step) == 0);
        check(renew_order_step(run->order, run->now, &again) == 0);
        check(step.action == again.action);
        check_text(renew_order_state(run->order));
        switch (step.action) {
        case RENEW_ACTION_SEND:
                on_send(run, again.request);
                return true;
        case RENEW_ACTION_SAVE:
                on_save(run, again.state);
                return true;
        case RENEW_ACTION_PRESENT:
                on_present(run, again.challenge);
                return true;
        case RENEW_ACTION_RETRACT:
                on_retract(run, again.challenge);
                return true;
        case RENEW_ACTION_WAIT:
                check(again.until > run->now && again.until - run->now <= USEC_PER_HOUR);
                run->now = again.until;
                return true;
        case RENEW_ACTION_SESSION:
                if (!drive_session(run->session, run->answers, &run->now))
                        check(renew_order_feed_session_failed(run->order) == 0);
                return true;
        case RENEW_ACTION_DONE:
        case RENEW_ACTION_FAILED:
                break;
        }
        on_end(run, step.action);
        return false;
}

static void drive(Run *run)
{
        unsigned n = 0;

        while (drive_order(run))
                if (++n == MAX_STEPS / 2)
                        renew_order_cancel(run->order);
                else
                        check(n < MAX_STEPS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *text = strndup((const char *) data, size);
        Answers answers = { .next = text };
        Run run = { .answers = &answers, .now = FUZZ_NOW };

        if (!key) {
                account_key = fuzz_key(FUZZ_ACCOUNT_KEY);
                key = fuzz_key(FUZZ_KEY);
        }
        check(text);
        run.resumed = *text == '{';
        if (run.resumed)
                answers.next = cut(text, "\n%%\n");
        run.session = make_session(NULL, 0);
        run.order = make_order(run.session, run.resumed ? text : NULL);
        if (run.order)
                drive(&run);
        strv_free(run.visible);
        check(!renew_order_free(run.order));
        check(!renew_session_unref(run.session));
        return 0;
}
