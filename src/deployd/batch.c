/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Batch: what one request asks for, from the store's look at each certificate to the answer.
 *
 *     COMMANDS ──all have ended──> UNITS ──all have ended──> DONE
 *
 * Commands come first, because one may convert the files for the service that is then reloaded.
 * They run side by side, a few at a time; two certificates with the same command each run it, since
 * its environment differs. A unit that several certificates name is reloaded once. A command that
 * failed does not keep its certificate's units from being reloaded: the files that they read
 * themselves are new all the same, and one trouble is not to become two.
 *
 * A certificate of which the store has nothing whole is left out, and so is its unit: reloading a
 * web server onto files that it cannot read would take down what works.
 *
 * Owned by Server, which has one at a time; so a command never runs twice at once for the same
 * certificate.
 */

#include <uthash.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "deployd/batch.h"
#include "deployd/hook.h"
#include "store/store.h"

/* Commands at a time: each may well be a script that starts a dozen programs. */
#define MAX_HOOKS 16U

typedef enum BatchState {
        BATCH_COMMANDS,
        BATCH_UNITS,
        BATCH_DONE,
} BatchState;

typedef struct BatchItem {
        Batch *batch;
        char *name;
        const ConfigCertificate *certificate; /* NULL: nothing is to be done */
        RenewChain *chain;
        Hook *hook;
        char **details;  /* what was done */
        char **problems; /* what went wrong; empty: all went well */
        bool failed;     /* also when there was no memory for the problem */
} BatchItem;

typedef struct BatchUnit {
        Batch *batch;
        char *unit;
        UnitJob *job;
        UT_hash_handle hh;
} BatchUnit;

struct Batch {
        sd_event *event;
        Units *units;
        Config *config;
        BatchState state;
        sd_event_source *done; /* calls the handler */

        BatchItem *items;
        size_t n_items;
        size_t next_hook; /* items before it had their turn */
        size_t n_hooks;   /* that run */
        BatchUnit *reloads;
        size_t n_jobs; /* that run */

        BatchHandler handler;
        void *userdata;
};

/* --- what is told ----------------------------------------------------------------------------- */

static void item_note(BatchItem *item, bool ok, const char *sentence)
{
        item->failed = item->failed || !ok;
        (void) !strv_add(ok ? &item->details : &item->problems, sentence);
}

/* The sentences in one; the caller frees it. NULL when out of memory. */
static char *join_sentences(char *const *sentences)
{
        _cleanup_free_ char *joined = strv_join(sentences, "; ");

        return joined ? text_escape(joined, strlen(joined), LIMIT_PEER_TEXT) : NULL;
}

static json_t *item_result(const BatchItem *item)
{
        _cleanup_free_ char *detail = join_sentences(item->details);
        _cleanup_free_ char *problem = item->failed ? join_sentences(item->problems) : NULL;

        return json_pack("{s:s, s:b, s:s, s:s?}", "certificate", item->name, "ok", !item->failed,
                        "detail", detail ? detail : "", "problem", problem);
}

json_t *batch_results(const Batch *b)
{
        json_t *results = json_array();

        for (size_t i = 0; i < b->n_items; i++)
                if (json_array_append_new(results, item_result(&b->items[i])) < 0) {
                        json_decref(results);
                        return NULL;
                }
        return results;
}

/* --- commands --------------------------------------------------------------------------------- */

static void batch_advance(Batch *b);

static void on_hook(bool ok, const char *sentence, void *userdata)
{
        BatchItem *item = userdata;

        item_note(item, ok, sentence);
        item->hook = hook_free(item->hook);
        item->batch->n_hooks--;
        batch_advance(item->batch);
}

static void item_start_hook(BatchItem *item)
{
        HookOptions options = {
                .certificate = item->certificate,
                .state_directory = item->batch->config->daemon.state_directory,
                .chain = item->chain,
                .timeout_usec = HOOK_TIMEOUT,
        };
        _cleanup_free_ char *problem = NULL;
        int r = hook_start(item->batch->event, &options, on_hook, item, &item->hook);

        if (r >= 0) {
                item->batch->n_hooks++;
                return;
        }
        problem = text_format(
                        "%s: cannot be executed: %s", item->certificate->run[0], strerror(-r));
        item_note(item, false, problem ? problem : "out of memory");
}

/* Return: whether all commands have ended. */
static bool batch_run_hooks(Batch *b)
{
        for (; b->next_hook < b->n_items && b->n_hooks < MAX_HOOKS; b->next_hook++) {
                BatchItem *item = &b->items[b->next_hook];

                if (item->certificate && strv_length(item->certificate->run) > 0)
                        item_start_hook(item);
        }
        return b->next_hook == b->n_items && b->n_hooks == 0;
}

/* --- units ------------------------------------------------------------------------------------ */

/* Tells every certificate that names the unit. */
static void batch_note_unit(Batch *b, const char *unit, bool ok, const char *sentence)
{
        for (size_t i = 0; i < b->n_items; i++)
                if (b->items[i].certificate && strv_contains(b->items[i].certificate->reload, unit))
                        item_note(&b->items[i], ok, sentence);
}

static void on_unit(bool ok, const char *sentence, void *userdata)
{
        BatchUnit *reload = userdata;

        reload->job = NULL;
        batch_note_unit(reload->batch, reload->unit, ok, sentence);
        reload->batch->n_jobs--;
        batch_advance(reload->batch);
}

/* Return: 0 or -ENOMEM. */
static int batch_reload(Batch *b, const char *unit)
{
        BatchUnit *reload;
        int r;

        HASH_FIND_STR(b->reloads, unit, reload);
        if (reload)
                return 0;
        reload = calloc(1, sizeof(*reload));
        if (!reload)
                return -ENOMEM;
        reload->batch = b;
        reload->unit = strdup(unit);
        r = reload->unit ? units_reload(b->units, unit, on_unit, reload, &reload->job) : -ENOMEM;
        if (r < 0) {
                free(reload->unit);
                free(reload);
                return r;
        }
        HASH_ADD_KEYPTR(hh, b->reloads, reload->unit, strlen(reload->unit), reload);
        b->n_jobs++;
        return 0;
}

static void batch_reload_all(Batch *b)
{
        for (size_t i = 0; i < b->n_items; i++) {
                if (!b->items[i].certificate)
                        continue;
                STRV_FOREACH (unit, b->items[i].certificate->reload)
                        if (batch_reload(b, *unit) < 0)
                                item_note(&b->items[i], false, "out of memory");
        }
}

/* --- life ------------------------------------------------------------------------------------- */

static void batch_advance(Batch *b)
{
        if (b->state == BATCH_COMMANDS && batch_run_hooks(b)) {
                b->state = BATCH_UNITS;
                batch_reload_all(b);
        }
        if (b->state == BATCH_UNITS && b->n_jobs == 0) {
                b->state = BATCH_DONE;
                (void) sd_event_source_set_enabled(b->done, SD_EVENT_ONESHOT);
        }
}

static int on_done(sd_event_source *source, void *userdata)
{
        Batch *b = userdata;

        b->handler(b, b->userdata); /* may free b */
        return 0;
}

/* Decides whether the certificate is deployed at all. Return: 0 or -ENOMEM. */
static int item_init(BatchItem *item, Batch *b, Store *store, const char *name)
{
        const ConfigCertificate *c = config_find_certificate(b->config, name);
        _cleanup_(store_generation_done) StoreGeneration generation = {};
        _cleanup_free_ char *warning = NULL;
        int r;

        item->batch = b;
        item->name = strdup(name);
        if (!item->name)
                return -ENOMEM;
        if (!c) {
                item_note(item, false, "it is not configured");
                return 0;
        }
        r = store_generation_load(store, name, &generation, &warning);
        if (r == -ENOMEM)
                return r;
        if (warning) /* also when another generation is whole: live/ does not point to it */
                item_note(item, false, warning);
        else if (r == -ENOENT)
                item_note(item, false, "there is no certificate yet");
        else if (r < 0)
                item_note(item, false, strerror(-r));
        else {
                item->certificate = c;
                item->chain = TAKE_PTR(generation.chain);
        }
        return 0;
}

/* Return: 0 or -errno. */
static int batch_init_items(Batch *b, char *const *names)
{
        _cleanup_(store_closep) Store *store = NULL;
        size_t n = strv_length(names);
        int r;

        r = store_open_readonly(b->config->daemon.state_directory, &store);
        if (r < 0)
                return r;
        b->items = calloc(n, sizeof(*b->items));
        if (!b->items)
                return -ENOMEM;
        STRV_FOREACH (name, names) {
                r = item_init(&b->items[b->n_items++], b, store, *name);
                if (r < 0)
                        return r;
        }
        return 0;
}

int batch_start(sd_event *event, Units *units, Config *config, char *const *names,
                BatchHandler handler, void *userdata, Batch **ret)
{
        _cleanup_(batch_freep) Batch *b = calloc(1, sizeof(*b));
        int r;

        if (!b)
                return -ENOMEM;
        b->event = sd_event_ref(event);
        b->units = units;
        b->config = config_ref(config);
        b->handler = handler;
        b->userdata = userdata;
        r = sd_event_add_defer(event, &b->done, on_done, b);
        if (r >= 0)
                r = sd_event_source_set_enabled(b->done, SD_EVENT_OFF);
        if (r >= 0)
                r = batch_init_items(b, names);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(b->done, "batch-done");
        batch_advance(b);
        *ret = TAKE_PTR(b);
        return 0;
}

static void item_done(BatchItem *item)
{
        hook_free(item->hook);
        renew_chain_free(item->chain);
        strv_free(item->details);
        strv_free(item->problems);
        free(item->name);
}

Batch *batch_free(Batch *b)
{
        BatchUnit *reload, *next;

        if (!b)
                return NULL;
        for (size_t i = 0; i < b->n_items; i++)
                item_done(&b->items[i]);
        free(b->items);
        HASH_ITER (hh, b->reloads, reload, next) {
                HASH_DEL(b->reloads, reload);
                unit_job_cancel(reload->job);
                free(reload->unit);
                free(reload);
        }
        sd_event_source_disable_unref(b->done);
        config_unref(b->config);
        sd_event_unref(b->event);
        free(b);
        return NULL;
}
