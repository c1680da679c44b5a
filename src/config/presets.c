/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * presets: the public CAs that renewd knows by name. A section [CA name] of such a name needs no
 * Directory=. What else differs between CAs (an external account, a contact) they say themselves,
 * in their directory and their answers, and their answers are never older than this table.
 */

#include "config/presets.h"

const Preset presets[] = {
        { "letsencrypt", "https://acme-v02.api.letsencrypt.org/directory" },
        { "letsencrypt-staging", "https://acme-staging-v02.api.letsencrypt.org/directory" },
        { "google", "https://dv.acme-v02.api.pki.goog/directory" },
        { "google-staging", "https://dv.acme-v02.test-api.pki.goog/directory" },
        { "zerossl", "https://acme.zerossl.com/v2/DV90" },
        { "sslcom-rsa", "https://acme.ssl.com/sslcom-dv-rsa" },
        { "sslcom-ecc", "https://acme.ssl.com/sslcom-dv-ecc" },
        { "actalis", "https://acme-api.actalis.com/acme/directory" },
        {},
};

const Preset *preset_find(const char *name)
{
        for (const Preset *p = presets; p->name; p++)
                if (streq(p->name, name))
                        return p;
        return NULL;
}
