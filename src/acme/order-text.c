/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The texts of an order: what is sent to the CA, and what is saved for the next life.
 *
 * Saved are facts that the CA cannot tell again or that must be undone: the order's URL, whose
 * account made it, tokens that are visible, the certificate's URL (after "expires" the order is
 * gone, the certificate is not). No secret is among them.
 */

#include "acme/header.h"
#include "acme/json-util.h"
#include "acme/order.h"
#include "acme/session.h"
#include "base/limits.h"
#include "base/text.h"
#include "crypto/csr.h"

#define ORDER_VERSION 1

static const char *type_to_string(RenewIdentifierType type)
{
        return type == RENEW_IDENTIFIER_IP ? "ip" : "dns";
}

/* --- what is sent ----------------------------------------------------------------------------- */

/* NULL when out of memory. */
static json_t *identifiers_to_json(const RenewOrder *o)
{
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < o->n_identifiers; i++)
                if (json_array_append_new(
                                    array, json_pack("{s:s, s:s}", "type",
                                                           type_to_string(o->identifiers[i].type),
                                                           "value", o->identifiers[i].value)) < 0)
                        return NULL;
        return json_incref(array);
}

int order_format_new(const RenewOrder *o, char **ret)
{
        /* Renewal information and "replaces" come together (RFC 9773 section 5). */
        const char *replaces = renew_session_has_renewal_info(o->session) ? o->replaces : NULL;
        const char *profile = o->profile && renew_session_has_profile(o->session, o->profile)
                                              ? o->profile
                                              : NULL;
        json_t *identifiers = identifiers_to_json(o);

        if (!identifiers)
                return -ENOMEM;
        return json_to_text(json_pack("{s:o, s:s*, s:s*}", "identifiers", identifiers, "profile",
                                            profile, "replaces", replaces),
                        ret);
}

int order_format_finalize(const RenewOrder *o, char **ret)
{
        _cleanup_free_ char *csr = NULL;
        int r = csr_format(o->key, o->identifiers, o->n_identifiers, &csr);

        return r < 0 ? r : json_to_text(json_pack("{s:s}", "csr", csr), ret);
}

static bool has_identifier(const json_t *identifiers, const RenewIdentifier *wanted)
{
        const json_t *item;
        size_t i;

        json_array_foreach (identifiers, i, item) {
                const char *type = json_object_string(item, "type"),
                           *value = json_object_string(item, "value");

                if (type && value && streq(type, type_to_string(wanted->type)) &&
                                strcasecmp(value, wanted->value) == 0)
                        return true;
        }
        return false;
}

bool order_has_identifiers(const RenewOrder *o, const json_t *identifiers)
{
        if (json_array_size(identifiers) != o->n_identifiers)
                return false;
        /* Ours are all different, so these are no others. */
        for (size_t i = 0; i < o->n_identifiers; i++)
                if (!has_identifier(identifiers, &o->identifiers[i]))
                        return false;
        return true;
}

/* --- what is saved ---------------------------------------------------------------------------- */

/* NULL when out of memory. */
static json_t *tokens_to_json(const RenewOrder *o)
{
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < o->n_tokens; i++)
                if (json_array_append_new(array, json_pack("{s:s, s:s, s:s}", "type",
                                                                 type_to_string(o->tokens[i].type),
                                                                 "value", o->tokens[i].name,
                                                                 "token", o->tokens[i].token)) < 0)
                        return NULL;
        return json_incref(array);
}

int order_format_state(const RenewOrder *o, char **ret)
{
        json_t *identifiers = identifiers_to_json(o), *tokens = tokens_to_json(o);

        if (!identifiers || !tokens) {
                json_decref(identifiers);
                json_decref(tokens);
                return -ENOMEM;
        }
        return json_to_text(
                        json_pack("{s:i, s:s, s:s*, s:s*, s:I, s:o, s:o}", "version", ORDER_VERSION,
                                        "url", o->url, "account", o->account, "certificate",
                                        o->certificate_url, "made", (json_int_t) o->made,
                                        "identifiers", identifiers, "tokens", tokens),
                        ret);
}

static int order_parse_tokens(RenewOrder *o, const json_t *tokens)
{
        const json_t *item;
        size_t i;

        json_array_foreach (tokens, i, item) {
                const char *type = json_object_string(item, "type"),
                           *name = json_object_string(item, "value");
                const char *token = json_object_string(item, "token");
                int r;

                if (!type || !name || !token || strlen(token) > LIMIT_TOKEN ||
                                !text_is_base64url(token))
                        return RENEW_E_BAD_STATE;
                r = order_recall_token(o,
                                streq(type, "ip") ? RENEW_IDENTIFIER_IP : RENEW_IDENTIFIER_DNS,
                                name, token);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int copy_url(char **to, const json_t *object, const char *key, bool plain_http)
{
        const char *url = json_object_string(object, key);

        if (!url)
                return 0;
        return url_is_usable(url, plain_http) ? replace_string(to, url) : RENEW_E_BAD_STATE;
}

int order_parse_state(RenewOrder *o, const char *state)
{
        bool plain_http = session_takes_plain_http(o->session);
        _cleanup_json_ json_t *j = NULL;
        json_int_t made;
        int r = json_parse(state, strlen(state), &j);

        if (r < 0)
                return r == -EBADMSG ? RENEW_E_BAD_STATE : r;
        made = json_integer_value(json_object_get(j, "made"));
        if (json_integer_value(json_object_get(j, "version")) != ORDER_VERSION || made < 0 ||
                        !order_has_identifiers(o, json_object_get(j, "identifiers")))
                return RENEW_E_BAD_STATE;
        o->made = (RenewUsec) made;
        r = copy_url(&o->url, j, "url", plain_http);
        if (r == 0)
                r = copy_url(&o->account, j, "account", plain_http);
        if (r == 0)
                r = copy_url(&o->certificate_url, j, "certificate", plain_http);
        if (r == 0)
                r = order_parse_tokens(o, json_object_get(j, "tokens"));
        return r != 0 ? r : o->url ? 0 : RENEW_E_BAD_STATE;
}
