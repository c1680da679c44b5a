/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * control: the API's routes, one function for each.
 *
 *     GET  /v1/certificates              POST /v1/certificates/NAME/renew
 *     GET  /v1/certificates/NAME         POST /v1/reload
 *
 * Every answer is JSON, errors as {"error": "a sentence"}. It also keeps systemd's status line up
 * to date, once per turn of the loop however much changed. Owned by main().
 */

#include "base/log.h"
#include "base/timestamp.h"
#include "control/control.h"
#include "control/notify.h"
#include "control/reload.h"
#include "control/status.h"
#include "net/http-server.h"
#include "net/listen.h"

#define MAX_CONNECTIONS 64U
/* Nobody sends us more than an empty object. */
#define MAX_BODY          ((size_t) 4096)
#define DEADLINE_USEC     (30 * USEC_PER_SEC)
#define CERTIFICATES_PATH "/v1/certificates"

struct Control {
        Manager *manager;
        char *path;
        HttpServer *server;
        sd_event_source *changed;
};

/* --- answers ---------------------------------------------------------------------------------- */

static void reply_json(HttpExchange *x, unsigned status, json_t *json_take)
{
        _cleanup_free_ char *text = json_take ? json_dumps(json_take, JSON_COMPACT) : NULL;
        static const char out_of_memory[] = "{\"error\":\"out of memory\"}";

        json_decref(json_take);
        if (text)
                (void) http_exchange_reply(x, status, "application/json", text, strlen(text), NULL);
        else
                (void) http_exchange_reply(x, 500, "application/json", out_of_memory,
                                sizeof(out_of_memory) - 1, NULL);
}

static void reply_error(HttpExchange *x, unsigned status, const char *text)
{
        reply_json(x, status, json_pack("{s:s}", "error", text));
}

static bool peer_may_act(const HttpPeer *peer)
{
        gid_t own = getegid();

        if (peer->uid == 0 || peer->uid == geteuid() || peer->gid == own)
                return true;
        for (size_t i = 0; i < peer->n_groups; i++)
                if (peer->groups[i] == own)
                        return true;
        return false;
}

/* --- routes ----------------------------------------------------------------------------------- */

static void get_certificates(Control *c, HttpExchange *x)
{
        reply_json(x, 200, status_of_certificates(c->manager));
}

static void reply_certificate(HttpExchange *x, unsigned status, const Certificate *certificate)
{
        reply_json(x, status,
                        json_pack("{s:i, s:o}", "version", 1, "certificate",
                                        status_of_certificate(certificate)));
}

static void post_renew(HttpExchange *x, Certificate *certificate)
{
        int r = certificate_renew_now(certificate);

        if (r == -ENOTSUP)
                reply_error(x, 409, "it is not configured, or its state is of a newer renewd");
        else
                reply_certificate(x, 202, certificate); /* under way already is as good */
}

static json_t *problems_to_json(const ConfigProblems *problems)
{
        json_t *array = json_array();

        for (size_t i = 0; i < problems->n; i++) {
                const ConfigProblem *p = &problems->items[i];

                (void) json_array_append_new(
                                array, json_pack("{s:s, s:I, s:s}", "file", p->file, "line",
                                                       (json_int_t) p->line, "text", p->text));
        }
        return array;
}

static void post_reload(Control *c, HttpExchange *x)
{
        _cleanup_config_problems_ ConfigProblems problems = {};
        int r = reload_configuration(c->manager, &problems);

        if (r < 0)
                reply_json(x, 422,
                                json_pack("{s:s, s:o, s:I}", "error",
                                                "the configuration has problems; the one of before "
                                                "stays in force",
                                                "problems", problems_to_json(&problems),
                                                "problems_left_out",
                                                (json_int_t) problems.n_left_out));
        else
                reply_json(x, 200,
                                json_pack("{s:i, s:I}", "version", 1, "certificates",
                                                (json_int_t) c->manager->config->n_certificates));
}

/* --- requests --------------------------------------------------------------------------------- */

/* /v1/certificates/NAME and /v1/certificates/NAME/renew */
static void on_certificate_request(Control *c, HttpExchange *x, const char *rest, bool get)
{
        const char *slash = strchr(rest, '/');
        _cleanup_free_ char *name = slash ? strndup(rest, (size_t) (slash - rest)) : strdup(rest);
        Certificate *certificate = name ? manager_find(c->manager, name) : NULL;

        if (!certificate)
                reply_error(x, 404, "there is no certificate of that name");
        else if (!slash && get)
                reply_certificate(x, 200, certificate);
        else if (slash && streq(slash, "/renew") && !get)
                post_renew(x, certificate);
        else if (!slash || streq(slash, "/renew"))
                reply_error(x, 405, "this is asked for with another method");
        else
                reply_error(x, 404, "there is nothing of that name");
}

static void on_request(HttpExchange *x, void *userdata)
{
        Control *c = userdata;
        const char *method = http_exchange_method(x), *path = http_exchange_path(x);
        bool get = streq(method, "GET");

        if (!get && !streq(method, "POST"))
                reply_error(x, 405, "GET looks and POST acts; there is nothing else");
        else if (!get && !peer_may_act(http_exchange_peer(x)))
                reply_error(x, 403,
                                "only root, renewd's own user and members of its group may do "
                                "that");
        else if (has_prefix(path, CERTIFICATES_PATH "/"))
                on_certificate_request(c, x, path + strlen(CERTIFICATES_PATH "/"), get);
        else if (streq(path, CERTIFICATES_PATH) && get)
                get_certificates(c, x);
        else if (streq(path, "/v1/reload") && !get)
                post_reload(c, x);
        else if (streq(path, CERTIFICATES_PATH) || streq(path, "/v1/reload"))
                reply_error(x, 405, "this is asked for with another method");
        else
                reply_error(x, 404, "there is nothing of that name");
}

/* --- life ------------------------------------------------------------------------------------- */

static int on_changed(sd_event_source *s, void *userdata)
{
        Control *c = userdata;

        notify_status(c->manager);
        return 0;
}

static void on_manager_changed(void *userdata)
{
        Control *c = userdata;

        (void) sd_event_source_set_enabled(c->changed, SD_EVENT_ONESHOT);
}

static int control_listen(Control *c)
{
        HttpServerOptions options = {
                .description = "control",
                .max_connections = MAX_CONNECTIONS,
                .max_body = MAX_BODY,
                .deadline_usec = DEADLINE_USEC,
        };
        int fd = listen_unix(c->path, 0660);

        if (fd < 0)
                return fd;
        return http_server_new(c->manager->event, fd, &options, on_request, c, &c->server);
}

int control_new(Manager *m, const char *path, Control **ret)
{
        _cleanup_(control_freep) Control *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->manager = m;
        r = sd_event_add_defer(m->event, &c->changed, on_changed, c);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(c->changed, "control-status");
        (void) sd_event_source_set_enabled(c->changed, SD_EVENT_OFF);
        c->path = strdup(path);
        r = c->path ? control_listen(c) : -ENOMEM;
        if (r < 0)
                return r;
        m->changed = on_manager_changed;
        m->changed_userdata = c;
        *ret = TAKE_PTR(c);
        return 0;
}

Control *control_free(Control *c)
{
        if (!c)
                return NULL;
        c->manager->changed = NULL;
        if (c->server && unlink(c->path) < 0 && errno != ENOENT)
                log_debug("cannot remove %s: %s", c->path, strerror(errno));
        http_server_free(c->server);
        sd_event_source_disable_unref(c->changed);
        free(c->path);
        free(c);
        return NULL;
}
