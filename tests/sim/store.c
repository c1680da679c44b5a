/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk in memory behind store/store.h: it outlives the engine and never fails. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <uthash.h>

#include "base/strv.h"
#include "base/text.h"
#include "crypto/chain.h"
#include "sim.h"

struct Store {
        bool open;
};

typedef struct Entry {
        char *name;
        bool has_state, has_order;
        StoreState state;
        StoreGeneration written, live; /* .id NULL: none */
        StoreOrder order;
        UT_hash_handle hh;
} Entry;

typedef struct Account {
        char *ca;
        StoreAccount account;
        UT_hash_handle hh;
} Account;

static Store the_store;
static Entry *entries;
static Account *accounts;
static unsigned n_generations;

/* --- copies ----------------------------------------------------------------------------------- */

static char *copy(const char *s)
{
        char *c = s ? strdup(s) : NULL;

        assert_true(c || !s);
        return c;
}

static char **copy_strv(char *const *l)
{
        char **c = NULL;

        assert_int_equal(strv_copy(l, &c), 0);
        return c;
}

static StoreProblem copy_problem(const StoreProblem *p)
{
        return (StoreProblem){ copy(p->type), copy(p->detail), copy(p->where), p->when_usec };
}

static StoreState copy_state(const StoreState *from)
{
        StoreState st = *from;

        st.ca = copy(from->ca);
        st.account = copy(from->account);
        st.profile = copy(from->profile);
        st.renewal_info.generation = copy(from->renewal_info.generation);
        st.renewal_info.explanation_url = copy(from->renewal_info.explanation_url);
        st.key_type = copy(from->key_type);
        st.names = copy_strv(from->names);
        st.failures_config = copy(from->failures_config);
        st.problem = copy_problem(&from->problem);
        st.deployed = copy(from->deployed);
        st.deploy_problem = copy_problem(&from->deploy_problem);
        return st;
}

/* Those that attempts.c makes up have no certificates in them. */
static RenewChain *copy_chain(const RenewChain *from)
{
        RenewChain *c = NULL;

        if (from->n > 0) {
                assert_int_equal(renew_chain_from_pem(
                                                 from->full_pem, strlen(from->full_pem), &c, NULL),
                                0);
                return c;
        }
        c = calloc(1, sizeof(*c));
        assert_non_null(c);
        c->not_before = from->not_before;
        c->not_after = from->not_after;
        c->serial = copy(from->serial);
        c->fingerprint = copy(from->fingerprint);
        c->ari_id = copy(from->ari_id);
        c->top_issuer = copy(from->top_issuer);
        c->n_identifiers = from->n_identifiers;
        c->identifiers = calloc(from->n_identifiers, sizeof(*c->identifiers));
        assert_non_null(c->identifiers);
        for (size_t i = 0; i < from->n_identifiers; i++)
                c->identifiers[i] = (RenewIdentifier){ from->identifiers[i].type,
                        copy(from->identifiers[i].value) };
        return c;
}

static StoreGeneration copy_generation(const StoreGeneration *from)
{
        return (StoreGeneration){ copy(from->id), from->issued_usec, copy_chain(from->chain),
                renew_key_ref(from->key) };
}

static StoreOrder copy_order(const StoreOrder *from)
{
        return (StoreOrder){
                .key = renew_key_ref(from->key),
                .state = copy(from->state),
                .ca = copy(from->ca),
                .account = copy(from->account),
                .webroot = copy(from->webroot),
                .profile = copy(from->profile),
                .names = copy_strv(from->names),
        };
}

static void problem_done(StoreProblem *p)
{
        free(p->type);
        free(p->detail);
        free(p->where);
}

void store_renewal_info_done(StoreRenewalInfo *info)
{
        free(info->generation);
        free(info->explanation_url);
        *info = (StoreRenewalInfo){};
}

void store_state_done(StoreState *st)
{
        free(st->ca);
        free(st->account);
        free(st->profile);
        store_renewal_info_done(&st->renewal_info);
        free(st->key_type);
        strv_free(st->names);
        free(st->failures_config);
        problem_done(&st->problem);
        free(st->deployed);
        problem_done(&st->deploy_problem);
        *st = (StoreState){};
}

void store_generation_done(StoreGeneration *g)
{
        free(g->id);
        renew_chain_free(g->chain);
        renew_key_unref(g->key);
        *g = (StoreGeneration){};
}

void store_order_done(StoreOrder *o)
{
        renew_key_unref(o->key);
        free(o->state);
        free(o->ca);
        free(o->account);
        free(o->webroot);
        free(o->profile);
        strv_free(o->names);
        *o = (StoreOrder){};
}

void store_account_done(StoreAccount *a)
{
        renew_key_unref(a->key);
        free(a->state);
        *a = (StoreAccount){};
}

/* --- the disk --------------------------------------------------------------------------------- */

static Entry *entry_find(const char *name)
{
        Entry *e;

        HASH_FIND_STR(entries, name, e);
        return e;
}

static Entry *entry_ensure(const char *name)
{
        Entry *e = entry_find(name);

        if (e)
                return e;
        e = calloc(1, sizeof(*e));
        assert_non_null(e);
        e->name = copy(name);
        HASH_ADD_KEYPTR(hh, entries, e->name, strlen(e->name), e);
        return e;
}

int sim_store_open(Store **ret)
{
        assert_false(the_store.open);
        the_store.open = true;
        *ret = &the_store;
        return 0;
}

Store *store_close(Store *s)
{
        s->open = false;
        return NULL;
}

const char *store_path(const Store *s)
{
        return "/sim";
}

void sim_disk_wipe(void)
{
        Entry *e, *next;
        Account *a, *next_account;

        HASH_ITER (hh, entries, e, next) {
                HASH_DEL(entries, e);
                store_state_done(&e->state);
                store_generation_done(&e->written);
                store_generation_done(&e->live);
                store_order_done(&e->order);
                free(e->name);
                free(e);
        }
        HASH_ITER (hh, accounts, a, next_account) {
                HASH_DEL(accounts, a);
                store_account_done(&a->account);
                free(a->ca);
                free(a);
        }
}

void sim_disk_each(void (*see)(const char *name, const StoreGeneration *in_force))
{
        for (Entry *e = entries; e; e = e->hh.next)
                see(e->name, e->live.id ? &e->live : NULL);
}

int store_certificates(Store *s, char ***ret)
{
        char **names = NULL;

        for (Entry *e = entries; e; e = e->hh.next)
                assert_int_equal(strv_add(&names, e->name), 0);
        *ret = names;
        return 0;
}

/* --- state ------------------------------------------------------------------------------------ */

int store_state_load(Store *s, const char *certificate, StoreState *ret)
{
        Entry *e = entry_find(certificate);

        if (!e || !e->has_state)
                return -ENOENT;
        *ret = copy_state(&e->state);
        return 0;
}

int store_state_save(Store *s, const char *certificate, const StoreState *st)
{
        Entry *e = entry_ensure(certificate);

        store_state_done(&e->state);
        e->state = copy_state(st);
        e->has_state = true;
        return 0;
}

/* --- generations ------------------------------------------------------------------------------ */

int store_generation_load(
                Store *s, const char *certificate, StoreGeneration *ret, char **ret_warning)
{
        Entry *e = entry_find(certificate);

        if (!e || !e->live.id)
                return -ENOENT;
        *ret = copy_generation(&e->live);
        return 0;
}

int store_generation_write(Store *s, const char *certificate, const RenewChain *chain,
                const RenewKey *key, uint64_t now_usec, char **ret_id)
{
        Entry *e = entry_ensure(certificate);

        store_generation_done(&e->written);
        e->written.id = text_format("generation-%08u", ++n_generations);
        assert_non_null(e->written.id);
        e->written.issued_usec = now_usec;
        e->written.chain = copy_chain(chain);
        e->written.key = renew_key_ref((RenewKey *) (uintptr_t) key);
        *ret_id = copy(e->written.id);
        return 0;
}

int store_generation_switch(Store *s, const char *certificate, const char *id)
{
        Entry *e = entry_find(certificate);

        if (e->live.id && streq(e->live.id, id))
                return 0;
        assert_string_equal(e->written.id, id);
        sim_on_switch(certificate, &e->live, &e->written);
        store_generation_done(&e->live);
        e->live = e->written;
        e->written = (StoreGeneration){};
        return 0;
}

/* --- orders ----------------------------------------------------------------------------------- */

int store_order_begin(Store *s, const char *certificate, const StoreOrder *o)
{
        Entry *e = entry_ensure(certificate);

        store_order_done(&e->order);
        e->order = copy_order(o);
        e->has_order = true;
        return 0;
}

int store_order_save(Store *s, const char *certificate, const StoreOrder *o)
{
        assert_true(entry_ensure(certificate)->has_order);
        return store_order_begin(s, certificate, o);
}

int store_order_load(Store *s, const char *certificate, StoreOrder *ret)
{
        Entry *e = entry_find(certificate);

        if (!e || !e->has_order)
                return -ENOENT;
        *ret = copy_order(&e->order);
        return 0;
}

int store_order_remove(Store *s, const char *certificate)
{
        Entry *e = entry_find(certificate);

        if (!e)
                return 0;
        store_order_done(&e->order);
        e->has_order = false;
        return 0;
}

/* --- accounts: one for each CA ---------------------------------------------------------------- */

static Account *account_find(const char *ca)
{
        Account *a;

        HASH_FIND_STR(accounts, ca, a);
        return a;
}

int store_account_load(Store *s, const char *ca, const char *directory_url, StoreAccount *ret,
                char **ret_warning)
{
        Account *a = account_find(ca);

        if (!a)
                return -ENOENT;
        *ret = (StoreAccount){ renew_key_ref(a->account.key), copy(a->account.state) };
        return 0;
}

int store_account_create(Store *s, const char *ca, const char *directory_url, const RenewKey *key)
{
        Account *a = calloc(1, sizeof(*a));

        assert_non_null(a);
        assert_null(account_find(ca));
        a->ca = copy(ca);
        a->account.key = renew_key_ref((RenewKey *) (uintptr_t) key);
        HASH_ADD_KEYPTR(hh, accounts, a->ca, strlen(a->ca), a);
        return 0;
}

int store_account_save(Store *s, const char *ca, const RenewKey *key, const char *state)
{
        Account *a = account_find(ca);

        free(a->account.state);
        a->account.state = copy(state);
        return 0;
}
