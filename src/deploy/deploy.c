/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Deploy: what is asked for becomes requests to renewd-deploy, and its answers results.
 *
 *     deploy_request() ──> wanted ──settle time──> sent ──answer──> handler
 *
 * One request is in flight at a time; what is asked meanwhile waits in `wanted` and goes with the
 * next, at once when its settle time is over. A certificate may be in both: then the answer that is
 * on its way speaks of a generation that is no longer in force, and is dropped.
 *
 * Every certificate that was sent gets exactly one result, whatever happens: without an answer it
 * is a failure whose sentence says why. Whether and when to ask again is the engine's to know.
 *
 * Owned by Manager. It has an HttpClient of its own, because the manager's is for CAs and an origin
 * costs nothing.
 */

#include <jansson.h>
#include <uthash.h>

#include "base/limits.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "deploy/answer.h"
#include "deploy/deploy.h"
#include "net/http-client.h"

/* Commands have 90 s and units 200 s, and a batch has several rounds of commands; this is for a
 * renewd-deploy that hangs, since one that dies closes its socket. */
#define REQUEST_TIMEOUT (30 * USEC_PER_MIN)

/* A certificate's name in one of the two sets. */
typedef struct DeployItem {
        char *name;
        UT_hash_handle hh;
} DeployItem;

struct Deploy {
        HttpClient *client;
        HttpOrigin *origin;
        HttpTransfer *transfer;  /* in flight; NULL: none */
        sd_event_source *settle; /* enabled: waiting for more before `wanted` is sent */
        uint64_t settle_usec;

        DeployItem *wanted; /* asked for, not sent; in order */
        DeployItem *sent;   /* no result yet */

        DeployHandler handler;
        void *userdata;
};

/* --- sets of names ---------------------------------------------------------------------------- */

static DeployItem *item_free(DeployItem *item)
{
        free(item->name);
        free(item);
        return NULL;
}

static DeployItem *set_find(DeployItem *set, const char *name)
{
        DeployItem *item;

        HASH_FIND_STR(set, name, item);
        return item;
}

/* Return: 0 or -ENOMEM. */
static int set_add(DeployItem **set, const char *name)
{
        DeployItem *item = calloc(1, sizeof(*item));

        if (!item)
                return -ENOMEM;
        item->name = strdup(name);
        if (!item->name) {
                item_free(item);
                return -ENOMEM;
        }
        HASH_ADD_KEYPTR(hh, *set, item->name, strlen(item->name), item);
        return 0;
}

static void set_remove(DeployItem **set, DeployItem *item)
{
        HASH_DEL(*set, item);
        item_free(item);
}

static void set_clear(DeployItem **set)
{
        while (*set)
                set_remove(set, *set);
}

/* --- results ---------------------------------------------------------------------------------- */

/* Takes the item out of `sent` first: the handler may ask for it again. */
static void deploy_finish(Deploy *d, DeployItem *item, DeployResult result)
{
        HASH_DEL(d->sent, item);
        result.certificate = item->name;
        if (!set_find(d->wanted, item->name))
                d->handler(&result, d->userdata);
        item_free(item);
}

static void deploy_fail_sent(Deploy *d, const char *problem)
{
        while (d->sent)
                deploy_finish(d, d->sent, (DeployResult){ .problem = problem, .detail = "" });
}

static void on_result(const DeployResult *result, void *userdata)
{
        Deploy *d = userdata;
        DeployItem *item = set_find(d->sent, result->certificate);

        if (item) /* else forgotten meanwhile, or answered twice */
                deploy_finish(d, item, *result);
}

static void deploy_send_if_due(Deploy *d);

static void on_answer(const HttpClientResponse *response, const char *failure, void *userdata)
{
        _cleanup_free_ char *reason = NULL;
        Deploy *d = userdata;

        d->transfer = NULL;
        if (response)
                (void) answer_read(response->status, response->body, response->body_size, on_result,
                                d, &reason);
        else
                reason = text_format("renewd-deploy cannot be asked: %s", failure);
        deploy_fail_sent(d, reason ? reason : "renewd-deploy said nothing about this certificate");
        deploy_send_if_due(d);
}

/* --- requests --------------------------------------------------------------------------------- */

/* Moves what fits into one request from `wanted` to `sent`. Return: {"certificates":[…]}; the
 * caller frees it. NULL when out of memory. */
static char *deploy_take_batch(Deploy *d)
{
        json_t *names = json_array();
        _cleanup_free_ char *text = NULL;
        json_t *root;

        for (size_t n = 0; d->wanted && n < LIMIT_DEPLOY_BATCH; n++) {
                DeployItem *item = d->wanted;

                (void) json_array_append_new(names, json_string(item->name));
                HASH_DEL(d->wanted, item);
                HASH_ADD_KEYPTR(hh, d->sent, item->name, strlen(item->name), item);
        }
        root = json_pack("{s:o}", "certificates", names);
        text = root ? json_dumps(root, JSON_COMPACT) : NULL;
        json_decref(root);
        return TAKE_PTR(text);
}

static void deploy_settle(Deploy *d)
{
        (void) sd_event_source_set_time_relative(d->settle, d->settle_usec);
        (void) sd_event_source_set_enabled(d->settle, SD_EVENT_ONESHOT);
}

static void deploy_send(Deploy *d)
{
        static const HttpHeader headers[] = { { "Content-Type", "application/json" } };
        _cleanup_free_ char *body = deploy_take_batch(d);
        HttpClientRequest request = {
                .method = "POST",
                .url = "http://renewd-deploy/v1/deploy",
                .headers = headers,
                .n_headers = ELEMENTSOF(headers),
                .body = body,
                .body_size = body ? strlen(body) : 0,
        };
        int r = body ? http_client_send(d->origin, &request, on_answer, d, &d->transfer) : -ENOMEM;

        if (r < 0) {
                _cleanup_free_ char *reason = text_format(
                                "renewd-deploy cannot be asked: %s", strerror(-r));

                deploy_fail_sent(d, reason ? reason : "out of memory");
                deploy_settle(d); /* for what did not fit into the batch */
        }
}

static void deploy_send_if_due(Deploy *d)
{
        int settling = SD_EVENT_OFF;

        (void) sd_event_source_get_enabled(d->settle, &settling);
        if (d->wanted && !d->transfer && settling == SD_EVENT_OFF)
                deploy_send(d);
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata)
{
        deploy_send_if_due(userdata);
        return 0;
}

int deploy_request(Deploy *d, const char *certificate)
{
        bool first = !d->wanted;
        int r;

        if (set_find(d->wanted, certificate))
                return 0;
        r = set_add(&d->wanted, certificate);
        /* Counted from the first one and never begun anew: a steady trickle is sent, too. */
        if (r >= 0 && first)
                deploy_settle(d);
        return r;
}

void deploy_forget(Deploy *d, const char *certificate)
{
        DeployItem *item = set_find(d->wanted, certificate);

        if (item)
                set_remove(&d->wanted, item);
        item = set_find(d->sent, certificate);
        if (item)
                set_remove(&d->sent, item);
}

/* --- life ------------------------------------------------------------------------------------- */

void deploy_set_settle(Deploy *d, uint64_t settle_usec)
{
        d->settle_usec = settle_usec;
}

int deploy_new(sd_event *event, const char *socket, uint64_t settle_usec, DeployHandler handler,
                void *userdata, Deploy **ret)
{
        _cleanup_(deploy_freep) Deploy *d = calloc(1, sizeof(*d));
        int r;

        if (!d)
                return -ENOMEM;
        d->settle_usec = settle_usec;
        d->handler = handler;
        d->userdata = userdata;
        r = http_client_new(event, &d->client);
        if (r >= 0)
                r = http_origin_new_unix(d->client, socket, REQUEST_TIMEOUT, &d->origin);
        if (r >= 0)
                r = sd_event_add_time(event, &d->settle, CLOCK_BOOTTIME, 0, 0, on_settled, d);
        if (r >= 0)
                r = sd_event_source_set_enabled(d->settle, SD_EVENT_OFF);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(d->settle, "deploy-settle");
        *ret = TAKE_PTR(d);
        return 0;
}

Deploy *deploy_free(Deploy *d)
{
        if (!d)
                return NULL;
        http_transfer_cancel(d->transfer);
        http_origin_free(d->origin);
        http_client_free(d->client);
        sd_event_source_disable_unref(d->settle);
        set_clear(&d->wanted);
        set_clear(&d->sent);
        free(d);
        return NULL;
}
