/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the CA's answers about authorizations and challenges mean for an order.
 */

#include "acme/json-util.h"
#include "acme/order.h"
#include "acme/problem.h"
#include "acme/session.h"

static bool order_wants(const RenewOrder *o, const Authz *a)
{
        for (size_t i = 0; i < o->n_identifiers; i++)
                if (o->identifiers[i].type == a->type &&
                                strcasecmp(o->identifiers[i].value, a->name) == 0)
                        return true;
        return false;
}

/* The first reason is the order's problem; with the second one each gets a part of its own. */
static int order_collect(RenewOrder *o, RenewProblem *problem_take, const Authz *a)
{
        _cleanup_(problem_freep) RenewProblem *problem = problem_take;
        bool first = !o->error || !has_prefix(o->error->where, "challenge of ");

        if (first) {
                (void) problem_free(o->error);
                o->error = TAKE_PTR(problem);
                problem = problem_copy(o->error);
                if (!problem)
                        return -ENOMEM;
        }
        return problem_add_subproblem(o->error, problem->type, problem->detail, a->name);
}

static int order_on_authz(RenewOrder *o, const RenewResponse *response)
{
        _cleanup_(problem_freep) RenewProblem *problem = NULL;
        _cleanup_json_ json_t *object = NULL;
        Authz *a = &o->authzs[o->current];
        int r = json_from_response(response, &object);

        if (r == 0)
                r = authz_read(a, object, o->challenge_type, session_takes_plain_http(o->session),
                                &problem);
        if (r < 0 && r != -EBADMSG)
                return r;
        if (o->state == ORDER_EXPLAINING && (r != 0 || !order_wants(o, a))) {
                o->current++; /* a reason that cannot be read */
                return 0;
        }
        if (r != 0)
                return r > 0 ? order_fail(o, TAKE_PTR(problem), false)
                             : order_fail_bad(o, "the CA's answer is no authorization");
        if (!order_wants(o, a))
                return order_fail_bad(o,
                                "the CA wants an authorization for a name that was not asked for");
        if (a->status == AUTHZ_INVALID && o->state == ORDER_AUTHORIZING) {
                /* The order is lost; which names are to blame is still to be read. */
                o->current = 0;
                order_set_state(o, ORDER_EXPLAINING);
                return 0;
        }
        o->current++;
        return problem ? order_collect(o, TAKE_PTR(problem), a) : 0;
}

int order_on_authorization(RenewOrder *o, RenewUsec now, const RenewResponse *response)
{
        RenewProblem *problem;
        int r = order_find_problem(o, now, response, &problem);

        if (r < 0)
                return r;
        if (!problem)
                return order_on_authz(o, response);
        if (o->state != ORDER_EXPLAINING)
                return order_on_problem(o, now, problem);
        (void) problem_free(problem); /* a reason that cannot be read */
        o->current++;
        return 0;
}

int order_on_challenge(RenewOrder *o, RenewUsec now, const RenewResponse *response)
{
        _cleanup_json_ json_t *object = NULL;
        RenewProblem *problem;
        const char *status;
        Authz *a;
        int r = order_find_problem(o, now, response, &problem);

        if (r < 0)
                return r;
        /* The CA is at it already (section 7.5.1; boulder and others each in their way). */
        if (problem && problem->type != RENEW_PROBLEM_CONFLICT &&
                        problem->type != RENEW_PROBLEM_MALFORMED && problem->status != 409)
                return order_on_problem(o, now, problem);
        if (!problem && response->body_size > 0)
                r = json_from_response(response, &object);
        (void) problem_free(problem);
        if (r == -EBADMSG)
                return order_looks_again(o, now)
                                       ? 0
                                       : order_fail_bad(o, "the CA's answer is no challenge");
        if (r < 0)
                return r;
        a = order_find_unanswered(o);
        a->answered = true;
        status = json_object_string(object, "status");
        if (status && (streq(status, "valid") || streq(status, "invalid")))
                a->seen = true; /* decided at once: no validation request is to be waited for */
        return 0;
}
