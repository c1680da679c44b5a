/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * client: a loop that is run for the time of one request, so that the house has one HTTP client.
 *
 * Why a socket cannot be had is found out by connecting once more, after curl could not: what a
 * person needs to know (is it running, who may) is in the errno and the socket's owner.
 */

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "config.h"
#include "config/check.h"
#include "config/config.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "net/http-client.h"

/* renewd gives up on a request after 30 s; a reload of ten thousand certificates takes a few. */
#define REQUEST_TIMEOUT (45 * USEC_PER_SEC)

#define CERTIFICATES_PATH "/v1/certificates/"

struct Client {
        char *socket;
        sd_event *event;
        HttpClient *http;
        HttpOrigin *origin;

        /* the request under way */
        bool ended;
        unsigned status;
        json_t *json;  /* NULL: no answer, or none that is an object */
        char *failure; /* NULL: there was an answer */
};

/* --- life ------------------------------------------------------------------------------------- */

/* Return: the path; the caller frees it. NULL when it was said why there is none. */
static char *socket_from_config(const char *path)
{
        _cleanup_config_problems_ ConfigProblems problems = {};
        _cleanup_(config_unrefp) Config *config = NULL;
        int r = config_load_without_secrets(path, &problems, &config);
        char *copy = NULL;

        config_problems_print(&problems, stderr);
        if (r >= 0)
                copy = strdup(config->daemon.control_socket);
        if (!copy)
                log_error("%s does not say where renewd's socket is; --socket PATH does", path);
        return copy;
}

static char *find_socket(const Options *o)
{
        char *path = o->socket   ? strdup(o->socket)
                     : o->config ? socket_from_config(o->config)
                                 : strdup(RENEWD_RUNTIME_DIRECTORY "/control.sock");

        if (path && strlen(path) >= sizeof(((struct sockaddr_un *) NULL)->sun_path)) {
                log_error("the path of a socket is shorter than %zu bytes",
                                sizeof(((struct sockaddr_un *) NULL)->sun_path));
                free(path);
                return NULL;
        }
        return path;
}

int client_new(const Options *o, Client **ret)
{
        _cleanup_(client_freep) Client *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return CTL_FAILED;
        c->socket = find_socket(o);
        if (!c->socket)
                return CTL_FAILED;
        r = sd_event_new(&c->event);
        if (r >= 0)
                r = http_client_new(c->event, &c->http);
        if (r >= 0)
                r = http_origin_new_unix(c->http, c->socket,
                                o->timeout_usec > 0 ? o->timeout_usec : REQUEST_TIMEOUT,
                                &c->origin);
        if (r < 0) {
                log_error("%s", strerror(-r));
                return CTL_FAILED;
        }
        http_origin_set_max_body(c->origin, LIMIT_CONTROL_BODY);
        *ret = TAKE_PTR(c);
        return CTL_WELL;
}

Client *client_free(Client *c)
{
        if (!c)
                return NULL;
        http_origin_free(c->origin);
        http_client_free(c->http);
        sd_event_unref(c->event);
        json_decref(c->json);
        free(c->failure);
        free(c->socket);
        free(c);
        return NULL;
}

void answer_done(Answer *a)
{
        json_decref(a->json);
        *a = (Answer){};
}

/* --- what keeps it from being asked ----------------------------------------------------------- */

static int probe(const char *path)
{
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        memcpy(address.sun_path, path, strlen(path) + 1); /* find_socket() saw to the length */
        if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        return 0;
}

/* The group that the socket lets in; NULL when nobody knows. */
static const char *group_of(const char *path)
{
        struct stat st;
        const struct group *group;

        if (stat(path, &st) < 0 || st.st_gid == 0)
                return NULL;
        group = getgrgid(st.st_gid);
        return group ? group->gr_name : NULL;
}

static void tell_unreachable(const Client *c)
{
        const char *group;

        switch (probe(c->socket)) {
        case -ENOENT:
                log_error("renewd is not running (no socket at %s): systemctl start renewd",
                                c->socket);
                break;
        case -ECONNREFUSED:
                log_error("renewd is not running (nobody listens at %s): systemctl start renewd",
                                c->socket);
                break;
        case -EACCES:
        case -EPERM:
                group = group_of(c->socket);
                log_error("you may not connect to %s: root and members of the group %s may",
                                c->socket, group ? group : "that owns it");
                break;
        default:
                log_error("renewd does not answer: %s", c->failure);
        }
}

/* --- requests --------------------------------------------------------------------------------- */

static void on_answer(const HttpClientResponse *response, const char *failure, void *userdata)
{
        Client *c = userdata;

        c->ended = true;
        if (!response) {
                c->failure = strdup(failure);
                return;
        }
        c->status = response->status;
        c->json = json_loadb(response->body, response->body_size, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(c->json)) {
                json_decref(c->json);
                c->json = NULL;
        }
}

/* Return: 0 when there was an answer or a failure, -errno. */
static int client_exchange(Client *c, const char *method, const char *path)
{
        _cleanup_free_ char *url = text_format("http://renewd%s", path);
        HttpClientRequest request = { .method = method, .url = url };
        int r = url ? http_client_send(c->origin, &request, on_answer, c, NULL) : -ENOMEM;

        c->ended = r < 0;
        free(c->failure);
        c->failure = NULL;
        while (r >= 0 && !c->ended)
                r = sd_event_run(c->event, UINT64_MAX);
        return r;
}

int client_ask(Client *c, const char *method, const char *path, Answer *ret)
{
        int r = client_exchange(c, method, path);

        if (r < 0) {
                log_error("renewd cannot be asked: %s", strerror(-r));
                return CTL_FAILED;
        }
        if (c->failure) {
                tell_unreachable(c);
                return CTL_UNREACHABLE;
        }
        if (!c->json) {
                log_error("what listens at %s does not answer as renewd does (HTTP status %u)",
                                c->socket, c->status);
                return CTL_UNREACHABLE;
        }
        *ret = (Answer){ .status = c->status, .json = TAKE_PTR(c->json) };
        return CTL_WELL;
}

int client_ask_of(Client *c, const char *method, const char *name, const char *rest, Answer *ret)
{
        _cleanup_free_ char *path = NULL;

        /* Anything else would be another path. */
        if (!text_is_plain_name(name)) {
                *ret = (Answer){ .status = 404,
                        .json = json_pack(
                                        "{s:s}", "error", "there is no certificate of that name") };
                return ret->json ? CTL_WELL : CTL_FAILED;
        }
        path = text_format(CERTIFICATES_PATH "%s%s", name, rest);
        return path ? client_ask(c, method, path, ret) : CTL_FAILED;
}

/* --- answers ---------------------------------------------------------------------------------- */

int answer_check(const Answer *a)
{
        const char *error = json_string_value(json_object_get(a->json, "error"));
        _cleanup_free_ char *text = NULL;

        if (a->status >= 200 && a->status < 300)
                return CTL_WELL;
        text = error ? text_escape(error, strlen(error), LIMIT_PEER_TEXT) : NULL;
        log_error("renewd refuses: %s (HTTP status %u)", text ? text : "it does not say why",
                        a->status);
        return CTL_FAILED;
}

void answer_print(const json_t *json)
{
        (void) json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
        (void) putchar('\n');
}
