/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Out of memory is an error of config_load() like any other, and no reason to exit. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "config/config.h"

/* What this room keeps beside the sections that everybody sees. */

/* A value that is looked into after all files were read, and where it stands. */
typedef struct ConfigWritten {
        char *text; /* NULL: not written */
        const char *file;
        unsigned line;
} ConfigWritten;

/* Owned by Config.cas, which points to the section in it. */
typedef struct ConfigCaEntry {
        ConfigCa section;
        ConfigWritten eab_key_file;
        UT_hash_handle hh;
} ConfigCaEntry;

/* Owned by Config.certificates, which points to the section in it. */
typedef struct ConfigCertificateEntry {
        ConfigCertificate section;
        ConfigWritten ca;
        ConfigWritten preflight; /* a word of parse_bool(); not written: that of [Daemon] */
        UT_hash_handle hh;
} ConfigCertificateEntry;

static inline ConfigCaEntry *config_ca_entry(ConfigCa *section)
{
        return (ConfigCaEntry *) (void *) ((char *) section - offsetof(ConfigCaEntry, section));
}

static inline ConfigCertificateEntry *config_certificate_entry(ConfigCertificate *section)
{
        return (ConfigCertificateEntry *) (void *) ((char *) section -
                                                    offsetof(ConfigCertificateEntry, section));
}

void config_listen_done(ConfigListen *listen);
/* Back to none written. */
void config_listen_reset(ConfigDaemon *daemon);

/* A new section without values at the end of its list; `file` must be one of config->files. Return:
 * 0, -ENOMEM. */
int config_add_ca(Config *config, const char *name, const char *file, unsigned line,
                ConfigCaEntry **ret);
int config_add_certificate(Config *config, const char *name, const char *file, unsigned line,
                ConfigCertificateEntry **ret);

/* NULL when there is none of that name. */
ConfigCaEntry *config_find_ca(const Config *config, const char *name);

/* Reads EabKeyFile= of a section that has one. Return: 0 (also with a problem), -ENOMEM. */
int config_read_eab_key(ConfigCaEntry *ca, ConfigProblems *problems);
