/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * issued: read from the files at the start and after each switch, and then held in memory; key and
 * chain are not, since ten thousand of them would be a lot and nobody but the services needs them.
 */

#include "base/strv.h"
#include "engine/issued.h"

void issued_done(Issued *i)
{
        free(i->generation);
        free(i->serial);
        free(i->fingerprint);
        free(i->issuer);
        free(i->ari_id);
        strv_free(i->names);
        *i = (Issued){};
}

static int issued_fill(Issued *i, const StoreGeneration *g)
{
        const char *ari_id = renew_chain_ari_id(g->chain);
        size_t n;
        const RenewIdentifier *names = renew_chain_identifiers(g->chain, &n);
        int r = 0;

        i->generation = strdup(g->id);
        i->serial = strdup(renew_chain_serial(g->chain));
        i->fingerprint = strdup(renew_chain_fingerprint(g->chain));
        i->issuer = strdup(renew_chain_top_issuer(g->chain));
        i->ari_id = ari_id ? strdup(ari_id) : NULL;
        i->key = renew_key_type(g->key);
        i->not_before = renew_chain_not_before(g->chain);
        i->not_after = renew_chain_not_after(g->chain);
        i->received = g->issued_usec;
        for (size_t k = 0; r >= 0 && k < n; k++)
                r = strv_add(&i->names, names[k].value);
        return r < 0 || !i->generation || !i->serial || !i->fingerprint || !i->issuer ||
                                               (ari_id && !i->ari_id)
                               ? -ENOMEM
                               : 0;
}

int issued_load(Issued *i, Store *store, const char *certificate, char **ret_warning)
{
        StoreGeneration g = {};
        Issued filled = {};
        int r = store_generation_load(store, certificate, &g, ret_warning);

        if (r == -ENOMEM)
                return r;
        if (r >= 0)
                r = issued_fill(&filled, &g);
        store_generation_done(&g);
        if (r == -ENOMEM) {
                issued_done(&filled);
                return r;
        }
        issued_done(i);
        *i = filled;
        return 0;
}
