/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * embed: another program's view of librenew. It sees the installed headers and archive alone, and
 * meets a CA for the first time: directory, nonce, account, order. The CA is a table of answers.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <renew/renew.h>

#define NOW ((RenewUsec) 1790000000 * 1000000)

static const char directory[] = "{\"newNonce\":\"https://ca.example/nonce\","
                                "\"newAccount\":\"https://ca.example/account\","
                                "\"newOrder\":\"https://ca.example/order\","
                                "\"meta\":{\"termsOfService\":\"https://ca.example/terms\"}}";
static const char no_account[] =
                "{\"type\":\"urn:ietf:params:acme:error:accountDoesNotExist\",\"detail\":\"none\"}";
static const char refused[] =
                "{\"type\":\"urn:ietf:params:acme:error:rejectedIdentifier\",\"detail\":\"no\"}";

/* What is asked, and what comes back. */
static const struct {
        const char *method, *url;
        unsigned status;
        const char *body;
} conversation[] = {
        { "GET", "https://ca.example/directory", 200, directory },
        { "HEAD", "https://ca.example/nonce", 200, "" },
        { "POST", "https://ca.example/account", 400, no_account },
        { "POST", "https://ca.example/account", 201, "{\"status\":\"valid\"}" },
        { "POST", "https://ca.example/order", 400, refused },
};
static size_t n_asked;

static void need(bool good, const char *what)
{
        if (good)
                return;
        (void) fprintf(stderr, "embed: %s (after %zu requests)\n", what, n_asked);
        exit(EXIT_FAILURE);
}

static RenewResponse answer(const RenewRequest *request)
{
        static const RenewHeader headers[] = { { "Replay-Nonce", "bm9uY2U" },
                { "Location", "https://ca.example/account/1" } };
        size_t i = n_asked++;

        need(i < sizeof(conversation) / sizeof(conversation[0]), "one request too many");
        need(strcmp(request->method, conversation[i].method) == 0, "another method");
        need(strcmp(request->url, conversation[i].url) == 0, "another URL");
        return (RenewResponse){ .status = conversation[i].status,
                .headers = headers,
                .n_headers = i == 0 ? 0 : 2,
                .body = conversation[i].body,
                .body_size = strlen(conversation[i].body) };
}

static void drive_session(RenewSession *session)
{
        for (;;) {
                RenewResponse response;
                RenewStep step;

                need(renew_session_step(session, NOW, &step) == 0, "session step");
                if (step.action == RENEW_ACTION_DONE)
                        return;
                if (step.action == RENEW_ACTION_SAVE) {
                        need(strstr(step.state, "/account/1") != NULL, "the account is saved");
                        need(renew_session_feed_saved(session) == 0, "saved");
                        continue;
                }
                need(step.action == RENEW_ACTION_SEND, "another step");
                response = answer(step.request);
                need(renew_session_feed_response(session, NOW, &response) == 0, "response");
        }
}

static void drive_order(RenewOrder *order)
{
        RenewResponse response;
        RenewStep step;

        need(renew_order_step(order, NOW, &step) == 0, "order step");
        need(step.action == RENEW_ACTION_SEND, "the order is sent");
        response = answer(step.request);
        need(renew_order_feed_response(order, NOW, &response) == 0, "response");
        need(renew_order_step(order, NOW, &step) == 0, "order step");
        need(step.action == RENEW_ACTION_FAILED, "the order failed");
}

int main(void)
{
        const RenewIdentifier identifier = { RENEW_IDENTIFIER_DNS, "www.example.com" };
        const RenewSessionOptions options = { .directory_url = "https://ca.example/directory",
                .user_agent = "embed/1",
                .terms_agreed = true };
        const RenewOrderOptions order_options = {
                .identifiers = &identifier, .n_identifiers = 1, .challenge_type = "http-01"
        };
        RenewKey *account_key, *key;
        RenewSession *session;
        RenewOrder *order;

        need(renew_key_new(RENEW_KEY_ECDSA_P256, &account_key) == 0, "account key");
        need(renew_key_new(RENEW_KEY_ECDSA_P256, &key) == 0, "certificate key");
        need(renew_session_new(&options, account_key, &session) == 0, "session");
        drive_session(session);
        need(renew_order_new(session, key, &order_options, &order) == 0, "order");
        drive_order(order);
        need(renew_problem_retry(renew_order_problem(order)) == RENEW_RETRY_HELD, "retry class");
        need(n_asked == sizeof(conversation) / sizeof(conversation[0]),
                        "every answer was asked for");
        (void) printf("%s: %s\n", renew_order_state(order), renew_order_problem(order)->detail);

        (void) renew_order_free(order);
        (void) renew_session_unref(session);
        (void) renew_key_unref(account_key);
        (void) renew_key_unref(key);
        return EXIT_SUCCESS;
}
