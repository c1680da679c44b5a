/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tokens of an order: those that are to be presented, are visible, or may be since a former life.
 * One leaves the list when it was retracted and not before, whatever becomes of the order meanwhile.
 */

#include "acme/order.h"

#include "acme/session.h"
#include "base/text.h"

static void token_done(PresentedToken *t)
{
        free(t->name);
        free(t->token);
        free(t->key_authorization);
}

void order_forget_tokens(RenewOrder *o)
{
        for (size_t i = 0; i < o->n_tokens; i++)
                token_done(&o->tokens[i]);
        free(o->tokens);
}

PresentedToken *order_find_wanted(const RenewOrder *o)
{
        for (size_t i = 0; i < o->n_tokens; i++)
                if (o->tokens[i].wanted)
                        return &o->tokens[i];
        return NULL;
}

PresentedToken *order_find_visible(const RenewOrder *o)
{
        for (size_t i = 0; i < o->n_tokens; i++)
                if (o->tokens[i].visible)
                        return &o->tokens[i];
        return NULL;
}

/* The one that is known, or a new one. NULL when out of memory. */
static PresentedToken *order_know_token(
                RenewOrder *o, RenewIdentifierType type, const char *name, const char *token)
{
        PresentedToken t = { .type = type }, *list;

        for (size_t i = 0; i < o->n_tokens; i++)
                if (streq(o->tokens[i].token, token) && streq(o->tokens[i].name, name))
                        return &o->tokens[i];
        list = reallocarray(o->tokens, o->n_tokens + 1, sizeof(*list));
        if (!list)
                return NULL;
        o->tokens = list;
        t.name = strdup(name);
        t.token = strdup(token);
        if (!t.name || !t.token) {
                token_done(&t);
                return NULL;
        }
        list[o->n_tokens] = t;
        return &list[o->n_tokens++];
}

int order_recall_token(RenewOrder *o, RenewIdentifierType type, const char *name, const char *token)
{
        PresentedToken *t = order_know_token(o, type, name, token);

        if (!t)
                return -ENOMEM;
        t->visible = true;
        return 0;
}

int order_want_token(RenewOrder *o, const Authz *a)
{
        PresentedToken *t = order_know_token(o, a->type, a->name, a->token);

        if (!t)
                return -ENOMEM;
        if (t->key_authorization)
                return 0;
        t->key_authorization = text_format(
                        "%s.%s", t->token, renew_key_thumbprint(session_key(o->session)));
        if (!t->key_authorization)
                return -ENOMEM;
        t->wanted = true;
        return 0;
}

void order_forget_token(RenewOrder *o, PresentedToken *t)
{
        token_done(t);
        *t = o->tokens[--o->n_tokens];
}
