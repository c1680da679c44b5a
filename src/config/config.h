/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/key.h>
#include <renew/renewal.h>

#include "base/macros.h"
#include "config/problems.h"

/*
 * The configuration (renewd.conf(5)): loaded and validated as a whole, immutable afterwards. A
 * reload builds a new one and swaps; whoever keeps a pointer holds a reference.
 */

/* A listening address of the challenge port, as written. */
typedef struct ConfigListen {
        char *text; /* "[::]:80", "127.0.0.1:5002", "/run/renewd/http.sock" */
        char *host; /* numeric, without brackets; NULL for a Unix socket */
        char *path; /* of a Unix socket, else NULL */
        unsigned port;
} ConfigListen;

typedef enum ConfigFallback {
        CONFIG_FALLBACK_NOT_FOUND,
        CONFIG_FALLBACK_REDIRECT,
} ConfigFallback;

typedef struct ConfigDaemon {
        char *state_directory;
        char *control_socket;
        ConfigListen *http_listen; /* none written: the inherited sockets, else [::]:80 and
                                      0.0.0.0:80 */
        size_t n_http_listen;
        ConfigFallback http_fallback;
        unsigned max_parallel_orders;
        uint64_t settle_usec;
        char *user_agent; /* NULL: our own */
} ConfigDaemon;

typedef struct ConfigCa {
        char *name;
        char *directory;
        char **contacts;
        bool agree_to_terms;
        char *trust_file;         /* NULL: the system's roots */
        char *eab_key_id;         /* NULL: none */
        char *eab_hmac_key;       /* secret, read from EabKeyFile= on load; NULL: none */
        RenewKeyType account_key; /* for an account that is made anew */
        char *preferred_chain;
        bool preset;      /* its directory is that of a built-in, public CA */
        const char *file; /* where the section stands, for messages */
        unsigned line;
} ConfigCa;

typedef struct ConfigCertificate {
        char *name;
        char **names; /* A-labels in lower case and IP addresses, no duplicates; as written first to
                         last */
        const ConfigCa *ca; /* never NULL */
        RenewKeyType key;
        bool reuse_key;
        RenewBefore renew_before;
        char *profile;          /* asked for where the CA has it; NULL: none */
        char *required_profile; /* instead of it: nothing is issued without; NULL: none */
        char *webroot;          /* NULL: the listener */
        char **reload;          /* unit names */
        char **run;             /* argv, run[0] an absolute path; NULL: none */
        const char *file;
        unsigned line;
} ConfigCertificate;

typedef struct Config {
        unsigned n_ref;
        char *path; /* of the main file */
        ConfigDaemon daemon;
        ConfigCa **cas; /* those that certificates or sections name */
        size_t n_cas;
        ConfigCertificate **certificates; /* in the order of their definition */
        size_t n_certificates;
        char **files; /* all that were read; keeps .file alive */
        size_t n_files;
        /* the same sections by name */
        struct ConfigCaEntry *cas_by_name;
        struct ConfigCertificateEntry *certificates_by_name;
} Config;

/*
 * Loads path and the conf.d/ *.conf beside it in order of name, and validates the whole.
 * Return: 0; -EINVAL when there is at least one problem, all of which are in `problems` as
 * FILE:LINE: what is wrong, what would be right; -ENOMEM. On success there is no problem.
 */
int config_load(const char *path, ConfigProblems *problems, Config **ret);

/*
 * The same for renewd-deploy, which needs no secret of a CA and so never holds one: the files of
 * EabKeyFile= are not opened, and eab_hmac_key is NULL everywhere.
 */
int config_load_without_secrets(const char *path, ConfigProblems *problems, Config **ret);

Config *config_ref(Config *c);
Config *config_unref(Config *c);
DEFINE_CLEANUP(Config, config_unref)

/* NULL when there is none of that name. */
const ConfigCertificate *config_find_certificate(const Config *c, const char *name);

/* The profile that is asked for, whatever happens without it; NULL: none. */
const char *config_certificate_profile(const ConfigCertificate *c);

/* Whether the two would order the same certificate (names, CA, key, profile). */
bool config_certificate_same_order(const ConfigCertificate *a, const ConfigCertificate *b);
