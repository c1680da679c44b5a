/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * issuance-order: order/, the order as it is on disk, and the one of librenew that is made from it.
 *
 * An order of an earlier attempt goes on where it stood if it is of the same names, key type,
 * profile, CA and account; otherwise it is given up and its tokens are removed.
 */

#include "base/clock.h"
#include "base/strv.h"
#include "challenge/webroot.h"
#include "config/names.h"
#include "engine/issuance-internal.h"

int issuance_order_open(const Issuance *i, const StoreOrder *stored, RenewOrder **ret)
{
        size_t n = strv_length(stored->names);
        _cleanup_free_ RenewIdentifier *identifiers = calloc(n, sizeof(*identifiers));
        RenewOrderOptions options = {
                .identifiers = identifiers,
                .n_identifiers = n,
                .challenge_type = "http-01",
                .profile = stored->profile,
                .profile_required = i->section->required_profile != NULL,
                .replaces = streq_ptr(i->replaces_account, stored->account) ? i->replaces : NULL,
                .preferred_chain = i->section->ca->preferred_chain,
                .state = stored->state,
        };

        if (!identifiers)
                return -ENOMEM;
        for (size_t k = 0; k < n; k++)
                identifiers[k] = (RenewIdentifier){
                        .type = name_is_address(stored->names[k]) ? RENEW_IDENTIFIER_IP
                                                                  : RENEW_IDENTIFIER_DNS,
                        .value = stored->names[k],
                };
        return renew_order_new(ca_session(i->ca), stored->key, &options, ret);
}

void issuance_order_give_up(RenewOrder *order, ChallengeSolver *solver)
{
        RenewStep step;

        renew_order_cancel(order);
        while (renew_order_step(order, clock_realtime_usec(), &step) >= 0 &&
                        step.action == RENEW_ACTION_RETRACT) {
                challenge_retract(solver, step.challenge);
                if (renew_order_feed_retracted(order) < 0)
                        return;
        }
}

/* Gives up an order of an earlier attempt that is not what is wanted now. */
static void issuance_discard_stored(Issuance *i, const StoreOrder *stored)
{
        _cleanup_(challenge_solver_freep) ChallengeSolver *webroot = NULL;
        RenewOrder *order = NULL;

        /* The listener forgot its tokens when that process ended; files did not vanish. */
        if (stored->webroot && stored->state && webroot_new(stored->webroot, &webroot) >= 0 &&
                        issuance_order_open(i, stored, &order) == 0)
                issuance_order_give_up(order, webroot);
        renew_order_free(order);
        (void) store_order_remove(i->store, i->section->name);
}

static bool issuance_can_resume(const Issuance *i, const StoreOrder *stored)
{
        return streq_ptr(stored->ca, ca_name(i->ca)) &&
               streq_ptr(stored->account, renew_key_thumbprint(ca_account_key(i->ca))) &&
               streq_ptr(stored->webroot, i->section->webroot) &&
               streq_ptr(stored->profile, config_certificate_profile(i->section)) &&
               strv_equal_set(stored->names, i->section->names) &&
               renew_key_type(stored->key) == i->section->key;
}

int issuance_order_resume(Issuance *i)
{
        StoreOrder stored = {};
        int r = store_order_load(i->store, i->section->name, &stored);

        if (r != 0)
                return r == -ENOENT || r > 0 ? 0 : r;
        if (issuance_can_resume(i, &stored)) {
                i->stored = stored;
                return 1;
        }
        issuance_discard_stored(i, &stored);
        store_order_done(&stored);
        return 0;
}

int issuance_order_describe(Issuance *i, RenewKey *key_take)
{
        StoreOrder *o = &i->stored;
        const char *profile = config_certificate_profile(i->section);

        o->key = key_take;
        o->ca = strdup(ca_name(i->ca));
        o->account = strdup(renew_key_thumbprint(ca_account_key(i->ca)));
        o->webroot = i->section->webroot ? strdup(i->section->webroot) : NULL;
        o->profile = profile ? strdup(profile) : NULL;
        if (!o->ca || !o->account || (i->section->webroot && !o->webroot) ||
                        (profile && !o->profile))
                return -ENOMEM;
        return strv_copy(i->section->names, &o->names);
}
