/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Config: renewd.conf(5), read and checked as a whole.
 *
 * It lives as long as somebody holds a reference, and never changes after config_load(): a reload
 * builds another one. Its sections live and die with it; the objects of the engine that point to
 * one hold the Config.
 */

#include "base/strv.h"
#include "base/text.h"
#include "config/config-internal.h"

void config_listen_done(ConfigListen *listen)
{
        free(listen->text);
        free(listen->host);
        free(listen->path);
}

void config_listen_reset(ConfigDaemon *daemon)
{
        for (size_t i = 0; i < daemon->n_http_listen; i++)
                config_listen_done(&daemon->http_listen[i]);
        free(daemon->http_listen);
        daemon->http_listen = NULL;
        daemon->n_http_listen = 0;
}

static void daemon_done(ConfigDaemon *daemon)
{
        config_listen_reset(daemon);
        free(daemon->state_directory);
        free(daemon->control_socket);
        free(daemon->user_agent);
}

static ConfigCaEntry *ca_entry_free(ConfigCaEntry *e)
{
        if (!e)
                return NULL;
        free(e->section.name);
        free(e->section.directory);
        strv_free(e->section.contacts);
        free(e->section.trust_file);
        free(e->section.eab_key_id);
        text_wipe_free(e->section.eab_hmac_key);
        free(e->section.preferred_chain);
        free(e->eab_key_file.text);
        free(e);
        return NULL;
}
DEFINE_CLEANUP(ConfigCaEntry, ca_entry_free)

static ConfigCertificateEntry *certificate_entry_free(ConfigCertificateEntry *e)
{
        if (!e)
                return NULL;
        free(e->section.name);
        strv_free(e->section.names);
        free(e->section.profile);
        free(e->section.required_profile);
        free(e->section.webroot);
        strv_free(e->section.reload);
        strv_free(e->section.run);
        free(e->ca.text);
        free(e);
        return NULL;
}
DEFINE_CLEANUP(ConfigCertificateEntry, certificate_entry_free)

static void config_free(Config *c)
{
        HASH_CLEAR(hh, c->cas_by_name);
        HASH_CLEAR(hh, c->certificates_by_name);
        for (size_t i = 0; i < c->n_cas; i++)
                ca_entry_free(config_ca_entry(c->cas[i]));
        for (size_t i = 0; i < c->n_certificates; i++)
                certificate_entry_free(config_certificate_entry(c->certificates[i]));
        free(c->cas);
        free(c->certificates);
        strv_free(c->files);
        daemon_done(&c->daemon);
        free(c->path);
        free(c);
}

Config *config_ref(Config *c)
{
        c->n_ref++;
        return c;
}

Config *config_unref(Config *c)
{
        if (c && --c->n_ref == 0)
                config_free(c);
        return NULL;
}

int config_add_ca(Config *config, const char *name, const char *file, unsigned line,
                ConfigCaEntry **ret)
{
        _cleanup_(ca_entry_freep) ConfigCaEntry *e = calloc(1, sizeof(*e));
        ConfigCa **grown;

        if (!e)
                return -ENOMEM;
        e->section.file = file;
        e->section.line = line;
        e->section.name = strdup(name);
        if (!e->section.name)
                return -ENOMEM;
        grown = reallocarray(config->cas, config->n_cas + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        config->cas = grown;
        HASH_ADD_KEYPTR(hh, config->cas_by_name, e->section.name, strlen(e->section.name), e);
        if (!e->hh.tbl)
                return -ENOMEM;
        grown[config->n_cas++] = &e->section;
        *ret = TAKE_PTR(e);
        return 0;
}

int config_add_certificate(Config *config, const char *name, const char *file, unsigned line,
                ConfigCertificateEntry **ret)
{
        _cleanup_(certificate_entry_freep) ConfigCertificateEntry *e = calloc(1, sizeof(*e));
        ConfigCertificate **grown;

        if (!e)
                return -ENOMEM;
        e->section.file = file;
        e->section.line = line;
        e->section.name = strdup(name);
        if (!e->section.name)
                return -ENOMEM;
        grown = reallocarray(config->certificates, config->n_certificates + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        config->certificates = grown;
        HASH_ADD_KEYPTR(hh, config->certificates_by_name, e->section.name, strlen(e->section.name),
                        e);
        if (!e->hh.tbl)
                return -ENOMEM;
        grown[config->n_certificates++] = &e->section;
        *ret = TAKE_PTR(e);
        return 0;
}

ConfigCaEntry *config_find_ca(const Config *config, const char *name)
{
        ConfigCaEntry *e;

        HASH_FIND_STR(config->cas_by_name, name, e);
        return e;
}

const ConfigCertificate *config_find_certificate(const Config *c, const char *name)
{
        ConfigCertificateEntry *e;

        HASH_FIND_STR(c->certificates_by_name, name, e);
        return e ? &e->section : NULL;
}

const char *config_certificate_profile(const ConfigCertificate *c)
{
        return c->required_profile ? c->required_profile : c->profile;
}

bool config_certificate_same_order(const ConfigCertificate *a, const ConfigCertificate *b)
{
        return a->key == b->key && streq(a->ca->name, b->ca->name) &&
               streq(a->ca->directory, b->ca->directory) && strv_equal_set(a->names, b->names) &&
               streq_ptr(config_certificate_profile(a), config_certificate_profile(b));
}
