/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * answer: the JSON that renewd-deploy answers.
 *
 *     200 {"version":1,"results":[{"certificate":"a","ok":true,"detail":"…","problem":null}, …]}
 *     else {"error":"a sentence"}, the configuration's FILE:LINE in it when that is what is wrong
 *
 * renewd-deploy is ours, but what it answers is read with the same care as anything that crosses a
 * socket: an item without a name is left out, text is escaped and cut.
 */

#include <jansson.h>

#include "base/limits.h"
#include "base/text.h"
#include "deploy/answer.h"

static char *escape_string(const json_t *string)
{
        return text_escape(json_string_value(string), json_string_length(string), LIMIT_PEER_TEXT);
}

/* The text of a member, escaped; the caller frees it. NULL when it is no text, or out of memory. */
static char *member_text(const json_t *object, const char *key)
{
        const json_t *member = json_object_get(object, key);

        return json_is_string(member) ? escape_string(member) : NULL;
}

static void read_result(const json_t *item, AnswerHandler handler, void *userdata)
{
        const char *certificate = json_string_value(json_object_get(item, "certificate"));
        _cleanup_free_ char *detail = member_text(item, "detail");
        _cleanup_free_ char *problem = member_text(item, "problem");
        bool ok = json_is_true(json_object_get(item, "ok"));
        DeployResult result = {
                .certificate = certificate,
                .ok = ok,
                .problem = ok        ? NULL
                           : problem ? problem
                                     : "renewd-deploy did not say what went wrong",
                .detail = detail ? detail : "",
        };

        if (certificate)
                handler(&result, userdata);
}

int answer_read(unsigned status, const void *body, size_t size, AnswerHandler handler,
                void *userdata, char **ret_reason)
{
        json_t *root = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL), *item;
        const json_t *results = json_object_get(root, "results");
        _cleanup_free_ char *error = member_text(root, "error");
        size_t i;
        int r = 0;

        if (status == 200 && json_is_array(results)) {
                json_array_foreach (results, i, item)
                        read_result(item, handler, userdata);
        } else {
                if (status != 200 && error)
                        *ret_reason = TAKE_PTR(error);
                else
                        *ret_reason = text_format(
                                        "renewd-deploy answered with what renewd does not "
                                        "understand (status %u); are both of one version?",
                                        status);
                r = -EBADMSG;
        }
        json_decref(root);
        return r;
}
