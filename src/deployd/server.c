/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Server: who may ask, what for, and one after the other.
 *
 *     request ──> who? ──> what? ──> tasks, in order of arrival ──> Batch ──> answer
 *
 * A Task is a request that was understood. The first one is being worked on and the others wait:
 * renewd sends one at a time anyway, and so no unit and no command is ever started twice at once.
 * A peer that leaves while its task waits takes it along; what has begun goes on, with nobody to
 * tell.
 *
 * When nothing was asked for a while it ends, and its socket unit starts it again. A connection
 * that waits in the socket's backlog by then stays there for the next one.
 *
 * Owned by main().
 */

#include <jansson.h>
#include <pwd.h>
#include <utlist.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "deployd/batch.h"
#include "deployd/policy.h"
#include "deployd/request.h"
#include "deployd/server.h"
#include "net/http-server.h"

#define RENEWD_USER "renewd"

/* One is renewd; room for an administrator who looks at what is going on. */
#define MAX_CONNECTIONS 8U
#define DEADLINE        (30 * USEC_PER_SEC)

typedef struct Task {
        Server *server;
        struct Task *prev, *next;
        HttpExchange *exchange; /* NULL: the peer has gone */
        char **names;
        Batch *batch; /* of the first task only */
} Task;

struct Server {
        sd_event *event;
        char *config_path;
        uid_t renewd_uid; /* who else may ask; ours when there is no such user */
        HttpServer *http;
        Units *units;
        Task *tasks;
        sd_event_source *idle; /* NULL: stays for ever */
        uint64_t idle_usec;
};

/* --- answers ---------------------------------------------------------------------------------- */

/* The text of a JSON value; the caller frees it. NULL when out of memory. */
static char *json_to_text(json_t *json_take)
{
        char *text = json_take ? json_dumps(json_take, JSON_COMPACT) : NULL;

        json_decref(json_take);
        return text;
}

static void reply_json(HttpExchange *x, unsigned status, json_t *json_take)
{
        static const char out_of_memory[] = "{\"error\":\"out of memory\"}";
        _cleanup_free_ char *text = json_to_text(json_take);
        const char *body = text ? text : out_of_memory;

        (void) http_exchange_reply(
                        x, text ? status : 500, "application/json", body, strlen(body), NULL);
}

static void reply_error(HttpExchange *x, unsigned status, const char *sentence)
{
        reply_json(x, status, json_pack("{s:s}", "error", sentence));
}

/* --- tasks ------------------------------------------------------------------------------------ */

static void task_free(Task *t)
{
        DL_DELETE(t->server->tasks, t);
        batch_free(t->batch);
        strv_free(t->names);
        free(t);
}

static void server_rest(Server *s)
{
        if (s->idle) {
                (void) sd_event_source_set_time_relative(s->idle, s->idle_usec);
                (void) sd_event_source_set_enabled(s->idle, SD_EVENT_ONESHOT);
        }
}

static void on_batch(Batch *b, void *userdata);

/* Return: whether it has begun; else it was answered. */
static bool task_begin(Task *t)
{
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_free_ char *reason = NULL;
        Server *s = t->server;
        int r = policy_load(s->config_path, &config, &reason);

        if (r < 0) {
                log_warning("refused to deploy: %s", reason ? reason : "out of memory");
                reply_error(t->exchange, 409, reason ? reason : "out of memory");
                return false;
        }
        r = batch_start(s->event, s->units, config, t->names, on_batch, t, &t->batch);
        if (r < 0) {
                reason = text_format("cannot deploy from %s: %s", config->daemon.state_directory,
                                strerror(-r));
                log_warning("%s", reason ? reason : "out of memory");
                reply_error(t->exchange, 500, reason ? reason : "out of memory");
                return false;
        }
        return true;
}

static void server_advance(Server *s)
{
        while (s->tasks && !s->tasks->batch && !task_begin(s->tasks))
                task_free(s->tasks);
        if (!s->tasks)
                server_rest(s);
}

static void on_batch(Batch *b, void *userdata)
{
        Task *t = userdata;
        Server *s = t->server;
        json_t *results = batch_results(b);

        if (t->exchange && results)
                reply_json(t->exchange, 200,
                                json_pack("{s:i, s:O}", "version", 1, "results", results));
        else if (t->exchange)
                reply_error(t->exchange, 500, "out of memory");
        json_decref(results);
        task_free(t);
        server_advance(s);
}

static void on_gone(HttpExchange *x, void *userdata)
{
        Task *t = userdata;

        t->exchange = NULL;
        if (!t->batch)
                task_free(t);
}

/* --- requests --------------------------------------------------------------------------------- */

static bool server_admits(const Server *s, const HttpPeer *peer)
{
        return peer->uid == 0 || peer->uid == geteuid() || peer->uid == s->renewd_uid;
}

static void server_take(Server *s, HttpExchange *x)
{
        const char *reason = NULL, *body;
        char **names = NULL;
        size_t size;
        Task *t;
        int r;

        body = http_exchange_body(x, &size);
        r = request_parse(body, size, &names, &reason);
        if (r < 0) {
                reply_error(x, r == -EINVAL ? 400 : 500, r == -EINVAL ? reason : "out of memory");
                return;
        }
        t = calloc(1, sizeof(*t));
        if (!t) {
                strv_free(names);
                reply_error(x, 500, "out of memory");
                return;
        }
        t->server = s;
        t->exchange = x;
        t->names = names;
        DL_APPEND(s->tasks, t);
        http_exchange_suspend(x, on_gone, t);
        server_advance(s);
}

static void on_request(HttpExchange *x, void *userdata)
{
        Server *s = userdata;

        if (!server_admits(s, http_exchange_peer(x)))
                reply_error(x, 403,
                                "renewd-deploy listens to root and to user " RENEWD_USER " only");
        else if (!streq(http_exchange_path(x), "/v1/deploy"))
                reply_error(x, 404, "there is only /v1/deploy here");
        else if (!streq(http_exchange_method(x), "POST"))
                reply_error(x, 405, "/v1/deploy takes POST");
        else
                server_take(s, x);
}

/* --- life ------------------------------------------------------------------------------------- */

static int on_idle(sd_event_source *source, uint64_t usec, void *userdata)
{
        Server *s = userdata;

        if (s->tasks || !http_server_is_idle(s->http)) {
                server_rest(s);
                return 0;
        }
        log_debug("nothing to do: ends");
        return sd_event_exit(s->event, 0);
}

/* Return: 0 or -errno. */
static int server_add_idle(Server *s, uint64_t idle_usec)
{
        int r;

        if (idle_usec == USEC_INFINITY)
                return 0;
        s->idle_usec = idle_usec;
        r = sd_event_add_time_relative(
                        s->event, &s->idle, CLOCK_MONOTONIC, idle_usec, 0, on_idle, s);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(s->idle, "server-idle");
        /* What has just arrived goes first. */
        return sd_event_source_set_priority(s->idle, SD_EVENT_PRIORITY_IDLE);
}

static uid_t find_renewd(void)
{
        const struct passwd *user = getpwnam(RENEWD_USER);

        return user ? user->pw_uid : geteuid();
}

int server_new(sd_event *event, int fd_take, const char *config, uint64_t idle_usec, Server **ret)
{
        static const HttpServerOptions options = {
                .description = "deploy-socket",
                .max_connections = MAX_CONNECTIONS,
                .max_body = REQUEST_MAX_BODY,
                .deadline_usec = DEADLINE,
        };
        _cleanup_close_ int fd = fd_take;
        _cleanup_(server_freep) Server *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->event = sd_event_ref(event);
        s->renewd_uid = find_renewd();
        s->config_path = strdup(config);
        if (!s->config_path)
                return -ENOMEM;
        r = units_new(event, &s->units);
        if (r >= 0)
                r = server_add_idle(s, idle_usec);
        if (r >= 0)
                r = http_server_new(event, TAKE_FD(fd), &options, on_request, s, &s->http);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

Server *server_free(Server *s)
{
        if (!s)
                return NULL;
        /* Waiting tasks leave with their connections. */
        http_server_free(s->http);
        while (s->tasks)
                task_free(s->tasks);
        units_free(s->units);
        sd_event_source_disable_unref(s->idle);
        free(s->config_path);
        sd_event_unref(s->event);
        free(s);
        return NULL;
}
