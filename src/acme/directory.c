/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Directory: the CA's table of URLs. Nothing but its own URL is ever configured or kept; CAs do
 * move the others. Members that we do not know are of no interest (Let's Encrypt adds one at
 * random).
 */

#include "acme/directory.h"

#include "acme/header.h"
#include "acme/json-util.h"
#include "acme/problem.h"
#include "base/limits.h"
#include "base/strv.h"
#include "base/text.h"

#define WHERE "directory"

void directory_done(Directory *d)
{
        free(d->new_nonce);
        free(d->new_account);
        free(d->new_order);
        free(d->renewal_info);
        free(d->terms);
        strv_free(d->profiles);
        *d = (Directory){};
}

static int refuse(RenewProblem *problem_take, RenewProblem **ret_problem)
{
        if (!problem_take)
                return -ENOMEM;
        *ret_problem = problem_take;
        return 1;
}

static int read_url(const json_t *object, const char *key, bool plain_http, char **url,
                RenewProblem **ret_problem)
{
        const char *value = json_object_string(object, key);

        if (!value)
                return refuse(problem_new(RENEW_PROBLEM_BAD_RESPONSE, WHERE,
                                              "the answer has no '%s': is the Directory= URL "
                                              "right?",
                                              key),
                                ret_problem);
        if (!url_is_usable(value, plain_http))
                return refuse(problem_new(RENEW_PROBLEM_BAD_RESPONSE, WHERE,
                                              "'%s' is not an https URL", key),
                                ret_problem);
        return replace_string(url, value);
}

static int read_meta(const json_t *meta, Directory *d)
{
        const char *terms = json_object_string(meta, "termsOfService"), *name;
        json_t *profiles = json_object_get(meta, "profiles"), *text;

        d->account_binding_required = json_is_true(
                        json_object_get(meta, "externalAccountRequired"));
        /* Of any scheme, and shown to people. */
        if (terms && !(d->terms = text_escape(terms, strlen(terms), LIMIT_URL)))
                return -ENOMEM;
        json_object_foreach (profiles, name, text) {
                if (strv_add(&d->profiles, name) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int directory_read_body(const RenewResponse *response, bool plain_http, Directory *d,
                RenewProblem **ret_problem)
{
        _cleanup_json_ json_t *j = NULL;
        const char *info;
        int r = json_from_response(response, &j);

        if (r == -EBADMSG)
                return refuse(problem_new(RENEW_PROBLEM_BAD_RESPONSE, WHERE,
                                              "the answer is %s instead of a JSON object: is the "
                                              "Directory= URL right?",
                                              header_find(response, "Content-Type") ?: "something"),
                                ret_problem);
        if (r == 0)
                r = read_url(j, "newNonce", plain_http, &d->new_nonce, ret_problem);
        if (r == 0)
                r = read_url(j, "newAccount", plain_http, &d->new_account, ret_problem);
        if (r == 0)
                r = read_url(j, "newOrder", plain_http, &d->new_order, ret_problem);
        if (r != 0)
                return r;
        /* Optional: a CA with a bad one is a CA without. */
        info = json_object_string(j, "renewalInfo");
        if (info && url_is_usable(info, plain_http) && replace_string(&d->renewal_info, info) < 0)
                return -ENOMEM;
        return read_meta(json_object_get(j, "meta"), d);
}

int directory_read(const RenewResponse *response, RenewUsec now, bool plain_http, Directory *ret,
                RenewProblem **ret_problem)
{
        Directory d = {};
        int r;

        if (response->status >= 400)
                return refuse(problem_from_response(response, now, WHERE), ret_problem);
        if (response->status != 200)
                return refuse(problem_new(RENEW_PROBLEM_BAD_RESPONSE, WHERE,
                                              "the CA answered with status %u instead of 200: is "
                                              "the Directory= URL right?",
                                              response->status),
                                ret_problem);
        r = directory_read_body(response, plain_http, &d, ret_problem);
        if (r != 0) {
                directory_done(&d);
                return r;
        }
        directory_done(ret);
        *ret = d;
        return 0;
}
