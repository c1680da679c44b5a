/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/key.h>
#include <renew/renewal.h>
#include <renew/x509.h>

#include "base/macros.h"

/*
 * The state directory (layout in src/README.md): accounts, certificates' generations, what is
 * remembered of each certificate, the order in flight. Durable (base/file.h), locked, tolerant: a
 * damaged file costs one certificate its memory and nothing else. Synchronous: files are small and
 * local.
 *
 * Modes, whatever the umask: services read live/<name>/fullchain.pem, so live/, certificates/,
 * each certificates/<name>/ and each generation in it are 0711 as the state directory is, and
 * cert.pem, chain.pem, fullchain.pem and meta.json are 0644. Every private key and state.json are
 * 0600; accounts/ and order/ are 0700, with nothing but 0600 in them.
 *
 * No link below the state directory is followed but live/<name>, and that only if it has exactly
 * our form; so a process with more rights than the directory's owner may read it. Names of
 * certificates and CAs that are not plain (text_is_plain_name()) are -EINVAL everywhere, foreign
 * files are ignored, every write to a store that was opened for reading is -EROFS, and what a newer
 * renewd wrote is never overwritten or removed (-ENOTSUP).
 */
typedef struct Store Store;

/*
 * Opens and locks the directory, creating what is missing, and sweeps temporary files that a crash
 * left.
 * Return: 0, -EBUSY when another process holds the lock, -errno.
 */
int store_open(const char *path, Store **ret);

/* The same for a reader (renewd-deploy, renewctl): no lock, nothing created. Return: 0, -errno. */
int store_open_readonly(const char *path, Store **ret);

Store *store_close(Store *s);
DEFINE_CLEANUP(Store, store_close)

const char *store_path(const Store *s);

/* --- accounts/<ca>/<thumbprint>/ -------------------------------------------------------------- */

typedef struct StoreAccount {
        RenewKey *key;
        char *state; /* text of the session's last SAVE, NULL while there is none */
} StoreAccount;

void store_account_done(StoreAccount *a);

/*
 * The account that is in use at a CA for a directory URL: the newest whose key loads and whose
 * description is of that URL. A damaged key is skipped; a key with a damaged description is used
 * where there is no whole account, and has no state then. Whenever something is wrong, *ret_warning
 * is a sentence that says so, also with -ENOENT and -ENOTSUP; else it is untouched.
 * Return: 0, -ENOENT when there is none, -ENOTSUP when there are only accounts of a newer format
 * (no other should be made then), -errno.
 */
int store_account_load(Store *s, const char *ca, const char *directory_url, StoreAccount *ret,
                char **ret_warning);

/* Writes a new account's key durably, before the CA hears of it. Return: 0, -EEXIST, -errno. */
int store_account_create(Store *s, const char *ca, const char *directory_url, const RenewKey *key);

/* Replaces the state of an account that was created or loaded. Return: 0, -ENOTSUP, -errno. */
int store_account_save(Store *s, const char *ca, const RenewKey *key, const char *state);

/* --- certificates/<name>/state.json ----------------------------------------------------------- */

/* The last problem, as remembered across restarts. */
typedef struct StoreProblem {
        char *type;
        char *detail;
        char *where;
        uint64_t when_usec;
} StoreProblem;

/* What the CA suggested for what is in force (RFC 9773). The instant is drawn once for each window. */
typedef struct StoreRenewalInfo {
        char *generation;    /* of which it is; NULL: nothing is known */
        uint64_t start, end; /* the window; 0: none was given */
        uint64_t at_usec;    /* drawn from it */
        uint64_t poll_usec;  /* when to ask again */
        unsigned failures;   /* of asking, in a row */
        char *explanation_url;
} StoreRenewalInfo;

void store_renewal_info_done(StoreRenewalInfo *info);

/* What is remembered of a certificate beside its files. Facts only; plans are recomputed. */
typedef struct StoreState {
        char *ca;       /* the CA that issued what is in force */
        char *account;  /* thumbprint of the account there */
        char *key_type; /* and its configuration then: what a change is seen against */
        char *profile;
        char **names;
        StoreRenewalInfo renewal_info;
        uint64_t random;          /* drawn once per generation: jitter of the renewal instant */
        RenewFailures failures;   /* of issuance */
        uint64_t failures_random; /* drawn once per failure */
        char *failures_config; /* digest of the configuration that failed: a change of it resets */
        StoreProblem problem;  /* last problem of issuance; type NULL: none */
        char *deployed;        /* generation whose deployment succeeded; NULL: none yet */
        RenewFailures deploy_failures;
        StoreProblem deploy_problem;
} StoreState;

void store_state_done(StoreState *st);

enum {
        STORE_E_DAMAGED = 1,
        STORE_E_NEWER,
};

/*
 * Return: 0; -ENOENT: none yet; STORE_E_DAMAGED: unreadable, moved aside as state.json.damaged (a
 * read-only store leaves it), *ret is empty; STORE_E_NEWER: of a newer format: the certificate is
 * read-only; -errno.
 */
int store_state_load(Store *s, const char *certificate, StoreState *ret);

/* Text that is not UTF-8 is kept as text_escape() shows it. Return: 0, -ENOTSUP, -E2BIG, -errno. */
int store_state_save(Store *s, const char *certificate, const StoreState *st);

/* Names of all certificates in the store, configured or not, sorted. The caller frees with
 * strv_free(). Return: 0 or -errno. */
int store_certificates(Store *s, char ***ret);

/* --- certificates/<name>/<generation>/ and live/<name> ---------------------------------------- */

typedef struct StoreGeneration {
        char *id; /* directory name, sorts by time of issue, also when the clock was stepped back
                   * between two of them: "20261124T001500Z-1a2b3c4d" */
        uint64_t issued_usec; /* when we received it */
        RenewChain *chain;
        RenewKey *key;
} StoreGeneration;

void store_generation_done(StoreGeneration *g);

/*
 * What live/<name> points to, verified: files readable and key matching. If it is not whole, the
 * newest whole generation takes its place (live/<name> is changed but in a read-only store), and
 * *ret_warning is a sentence that says so, also with -ENOENT when there were only damaged ones;
 * else it is untouched.
 * Return: 0, -ENOENT when there is no whole one, -errno. What says nothing about the files
 * (-EACCES, -EMFILE, -ENOMEM) is returned as such and must not be taken for "nothing was issued".
 */
int store_generation_load(
                Store *s, const char *certificate, StoreGeneration *ret, char **ret_warning);

/*
 * Writes a complete new generation durably; live/ still points to the old one.
 * Return: 0, -EINVAL when key and chain do not match, -errno; on failure nothing of it remains.
 */
int store_generation_write(Store *s, const char *certificate, const RenewChain *chain,
                const RenewKey *key, uint64_t now_usec, char **ret_id);

/*
 * One rename switches live/<name> to the generation. Then all but three are removed: the one in
 * force and the newest others.
 * Return: 0, -ENOENT when there is no such generation, -errno; on failure live/<name> is as before.
 */
int store_generation_switch(Store *s, const char *certificate, const char *id);

/* --- certificates/<name>/order/ --------------------------------------------------------------- */

/* The order in flight. */
typedef struct StoreOrder {
        RenewKey *key;
        char *state;   /* text of the order's last SAVE; NULL before the first */
        char *ca;      /* section name of the CA it was made at */
        char *account; /* thumbprint of the account key */
        char *webroot; /* where its tokens were written; NULL: the listener */
        char *profile; /* asked for; NULL: none */
        char **names;
} StoreOrder;

void store_order_done(StoreOrder *o);

/*
 * Writes key and description durably, before the CA is asked; replaces an older order as a whole.
 * Return: 0, -ENOTSUP, -errno; on failure nothing of it remains.
 */
int store_order_begin(Store *s, const char *certificate, const StoreOrder *o);

/* Writes the description with a new state text; the key stays. Return: 0, -ENOENT when none,
 * -ENOTSUP, -errno. */
int store_order_save(Store *s, const char *certificate, const StoreOrder *o);

/* Return: 0, -ENOENT when none, STORE_E_DAMAGED (and removed), STORE_E_NEWER, -errno. */
int store_order_load(Store *s, const char *certificate, StoreOrder *ret);

/* Forgets the order in flight (it is over, or its certificate is switched to). Return: 0, also when
 * there was none, -ENOTSUP, -errno. */
int store_order_remove(Store *s, const char *certificate);
