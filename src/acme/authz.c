/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Authz: the CA's record that we control one name, or are about to show it.
 *
 * The status is looked at first, always: an authorization may come back valid from months ago, or
 * invalid with the reason in one of its challenges. Challenges have types that we never heard of
 * and some have no token (dns-persist-01); several clients fell over them.
 */

#include "acme/authz.h"

#include "acme/header.h"
#include "acme/json-util.h"
#include "acme/problem.h"
#include "base/limits.h"
#include "base/text.h"

void authz_done(Authz *a)
{
        free(a->url);
        free(a->name);
        free(a->challenge_url);
        free(a->token);
        *a = (Authz){};
}

static int refuse(RenewProblem *problem_take, RenewProblem **ret_problem)
{
        if (!problem_take)
                return -ENOMEM;
        *ret_problem = problem_take;
        return 1;
}

/* The token becomes part of a path, so its alphabet is checked before anybody uses it
 * (section 11.3). */
static bool is_usable_token(const char *token)
{
        return token && strlen(token) <= LIMIT_TOKEN && text_is_base64url(token);
}

static int authz_read_challenges(
                Authz *a, const json_t *challenges, const char *challenge_type, bool plain_http)
{
        const json_t *c;
        size_t i;

        json_array_foreach (challenges, i, c) {
                const char *type = json_object_string(c, "type"),
                           *url = json_object_string(c, "url");
                const char *token = json_object_string(c, "token"),
                           *status = json_object_string(c, "status");

                if (!type || !streq(type, challenge_type) || !url ||
                                !url_is_usable(url, plain_http) || !is_usable_token(token))
                        continue;
                a->processing = status && streq(status, "processing");
                if (replace_string(&a->challenge_url, url) < 0)
                        return -ENOMEM;
                return replace_string(&a->token, token);
        }
        return 0;
}

/* The reason is in the challenge that was tried. */
static RenewProblem *authz_find_error(const Authz *a, const json_t *challenges, const char *status)
{
        _cleanup_free_ char *where = text_format("challenge of %s", a->name);
        const json_t *c;
        size_t i;

        if (!where)
                return NULL;
        json_array_foreach (challenges, i, c) {
                const json_t *error = json_object_get(c, "error");

                if (json_is_object(error))
                        return problem_from_json(error, where);
        }
        return problem_new(RENEW_PROBLEM_UNAUTHORIZED, where,
                        "the authorization is '%s' and the CA gives no reason", status);
}

/* A wildcard's identifier is the name below it (section 7.1.4). */
static int authz_read_name(Authz *a, const json_t *object, const char *value)
{
        _cleanup_free_ char *wildcard = NULL;

        if (!json_is_true(json_object_get(object, "wildcard")))
                return replace_string(&a->name, value);
        wildcard = text_format("*.%s", value);
        return wildcard ? replace_string(&a->name, wildcard) : -ENOMEM;
}

static int authz_read_identifier(Authz *a, const json_t *object, RenewProblem **ret_problem)
{
        const json_t *identifier = json_object_get(object, "identifier");
        const char *type = json_object_string(identifier, "type");
        const char *value = json_object_string(identifier, "value");

        if (!type || !value || strlen(value) > LIMIT_DNS_NAME ||
                        (!streq(type, "dns") && !streq(type, "ip")))
                return refuse(problem_new(RENEW_PROBLEM_BAD_RESPONSE, "authorization",
                                              "the CA's authorization has no identifier that we "
                                              "know"),
                                ret_problem);
        a->type = streq(type, "ip") ? RENEW_IDENTIFIER_IP : RENEW_IDENTIFIER_DNS;
        return authz_read_name(a, object, value);
}

int authz_read(Authz *a, const json_t *object, const char *challenge_type, bool plain_http,
                RenewProblem **ret_problem)
{
        const char *status = json_object_string(object, "status") ?: "missing";
        const json_t *challenges = json_object_get(object, "challenges");
        int r = authz_read_identifier(a, object, ret_problem);

        if (r != 0)
                return r;
        a->status = streq(status, "pending") ? AUTHZ_PENDING
                    : streq(status, "valid") ? AUTHZ_VALID
                                             : AUTHZ_INVALID;
        if (a->status == AUTHZ_INVALID) {
                RenewProblem *problem = authz_find_error(a, challenges, status);

                if (!problem)
                        return -ENOMEM;
                *ret_problem = problem;
                return 0;
        }
        return authz_read_challenges(a, challenges, challenge_type, plain_http);
}
