/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Account: what a session sends to find or create it, and what it remembers.
 *
 * Contacts are sent when the account is made and never compared afterwards: Let's Encrypt forwards
 * and forgets them, and a client that took their absence for a difference once made an account per
 * renewal.
 */

#include "acme/account.h"

#include <ctype.h>

#include "acme/header.h"
#include "acme/json-util.h"
#include "base/strv.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "crypto/base64url.h"
#include "crypto/jws.h"

#define ACCOUNT_VERSION 1

void account_wipe_binding(Account *a)
{
        if (a->eab_key)
                explicit_bzero(a->eab_key, a->eab_key_size);
        free(a->eab_key);
        free(a->eab_key_id);
        a->eab_key = NULL;
        a->eab_key_id = NULL;
}

void account_done(Account *a)
{
        account_wipe_binding(a);
        strv_free(a->contacts);
        free(a->url);
        free(a->terms);
        *a = (Account){};
}

/* One address without header fields (section 7.3); '#' and what is not ASCII boulder refuses. */
static bool is_address(const char *s)
{
        const char *at = strchr(s, '@');

        if (!at || at == s || !at[1] || strchr(at + 1, '@'))
                return false;
        for (; *s; s++)
                if (!isgraph((unsigned char) *s) || strchr("?#,;<>\"", *s))
                        return false;
        return true;
}

int account_add_contact(Account *a, const char *contact)
{
        const char *address = has_prefix(contact, "mailto:") ? contact + strlen("mailto:")
                                                             : contact;
        _cleanup_free_ char *url = NULL;

        if (!is_address(address))
                return -EINVAL;
        url = text_format("mailto:%s", address);
        return url ? strv_add(&a->contacts, url) : -ENOMEM;
}

int account_set_binding(Account *a, const char *key_id, const char *key)
{
        int r;

        account_wipe_binding(a);
        r = base64_decode_lenient(key, &a->eab_key, &a->eab_key_size);
        if (r < 0)
                return r;
        a->eab_key_id = strdup(key_id);
        if (!a->eab_key_id)
                return -ENOMEM;
        return a->eab_key_size > 0 ? 0 : -EINVAL;
}

/* --- newAccount ------------------------------------------------------------------------------- */

const char *account_find_payload(void)
{
        return "{\"onlyReturnExisting\":true}";
}

static int json_add_contacts(json_t *object, char *const *contacts)
{
        _cleanup_json_ json_t *array = json_array();

        if (!array)
                return -ENOMEM;
        STRV_FOREACH (c, contacts) {
                if (json_array_append_new(array, json_string(*c)) < 0)
                        return -ENOMEM;
        }
        return json_object_set(object, "contact", array) < 0 ? -ENOMEM : 0;
}

static int json_add_binding(
                json_t *object, const Account *a, const Directory *directory, const RenewKey *key)
{
        _cleanup_free_ char *jws = NULL;
        json_t *binding;
        int r = jws_bind(key, a->eab_key_id, a->eab_key, a->eab_key_size, directory->new_account,
                        &jws);

        if (r < 0)
                return r;
        binding = json_loads(jws, 0, NULL);
        return !binding || json_object_set_new(object, "externalAccountBinding", binding) < 0
                               ? -ENOMEM
                               : 0;
}

int account_create_payload(const Account *a, const Directory *directory, const RenewKey *key,
                bool agreed, char **ret)
{
        _cleanup_json_ json_t *j = json_object();
        int r = 0;

        if (!j || (agreed && json_object_set_new(j, "termsOfServiceAgreed", json_true()) < 0))
                return -ENOMEM;
        if (a->contacts)
                r = json_add_contacts(j, a->contacts);
        if (r == 0 && a->eab_key_id)
                r = json_add_binding(j, a, directory, key);
        return r < 0 ? r : json_to_text(json_incref(j), ret);
}

/* --- what is kept ----------------------------------------------------------------------------- */

int account_save(const Account *a, const char *directory_url, char **ret)
{
        char at[TIMESTAMP_MAX];

        return json_to_text(json_pack("{s:i, s:s, s:s, s:s*, s:s*}", "version", ACCOUNT_VERSION,
                                            "directory", directory_url, "account", a->url, "terms",
                                            a->terms, "terms_agreed",
                                            a->terms ? timestamp_format(at, a->agreed_at) : NULL),
                        ret);
}

int account_load(Account *a, const char *directory_url, bool plain_http, const char *state)
{
        _cleanup_json_ json_t *j = NULL;
        const char *directory, *url, *terms, *at;
        int r = json_parse(state, strlen(state), &j);

        if (r < 0)
                return r == -EBADMSG ? RENEW_E_BAD_STATE : r;
        directory = json_object_string(j, "directory");
        url = json_object_string(j, "account");
        terms = json_object_string(j, "terms");
        at = json_object_string(j, "terms_agreed");
        if (json_integer_value(json_object_get(j, "version")) != ACCOUNT_VERSION || !directory ||
                        !streq(directory, directory_url) || !url || !url_is_usable(url, plain_http))
                return RENEW_E_BAD_STATE;
        if (at && timestamp_parse(at, &a->agreed_at) < 0)
                return RENEW_E_BAD_STATE;
        if (terms && replace_string(&a->terms, terms) < 0)
                return -ENOMEM;
        return replace_string(&a->url, url);
}
