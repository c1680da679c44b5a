/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * http-01-listen: the sockets of the challenge port.
 *
 * What is listened on follows the configuration by difference: a listener whose text is still
 * wanted is not touched (a validation may be under way on it), the others are closed, and what is
 * missing is opened. Each address fails for itself.
 *
 * Sockets that systemd gave us are kept for as long as we live, also while the configuration names
 * other addresses, because a later one may want them again; a server gets a duplicate. A configured
 * address that is the one of such a socket uses it: binding a second time would fail, with
 * ourselves as the holder.
 *
 * Port 80 taken is the usual case, so the sentence about it is written with care: who holds it, and
 * the three ways out with the lines to paste.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <utlist.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "challenge/http-01-internal.h"

/* A whole request and its answer; a CA gives up after about ten seconds itself. */
#define REQUEST_DEADLINE (10 * USEC_PER_SEC)

/* Room for every address and the ways out; the log cuts what is longer. */
#define PROBLEM_SIZE ((size_t) 16 * 1024)

struct Http01Inherited {
        int fd;
        char *text;
        char *host; /* numeric; NULL for a Unix socket */
        char *path; /* of a Unix socket, else NULL */
        unsigned port;
        Http01Inherited *next;
};

struct Http01Listener {
        char *text;
        char *path; /* to be removed with the listener; NULL for TCP and for what was inherited */
        HttpServer *server;
        Http01Listener *next;
};

static const ConfigListen default_listen[] = {
        { .text = (char *) (uintptr_t) "[::]:80", .host = (char *) (uintptr_t) "::", .port = 80 },
        { .text = (char *) (uintptr_t) "0.0.0.0:80",
                        .host = (char *) (uintptr_t) "0.0.0.0",
                        .port = 80 },
};

static Http01Inherited *inherited_free(Http01Inherited *i)
{
        if (!i)
                return NULL;
        (void) close_fd(i->fd);
        free(i->text);
        free(i->host);
        free(i->path);
        free(i);
        return NULL;
}
DEFINE_CLEANUP(Http01Inherited, inherited_free)

static Http01Listener *listener_free(Http01Listener *l)
{
        if (!l)
                return NULL;
        http_server_free(l->server);
        if (l->path)
                (void) unlink(l->path);
        free(l->path);
        free(l->text);
        free(l);
        return NULL;
}
DEFINE_CLEANUP(Http01Listener, listener_free)

/* Reads a socket's name. Return: 0 or -errno. */
static int inherited_name(Http01Inherited *i)
{
        union {
                struct sockaddr sa;
                struct sockaddr_in in;
                struct sockaddr_in6 in6;
                struct sockaddr_un un;
        } a = { 0 };
        socklen_t size = sizeof(a);
        char host[INET6_ADDRSTRLEN] = "";

        if (getsockname(i->fd, &a.sa, &size) < 0)
                return -errno;
        if (a.sa.sa_family == AF_INET) {
                (void) inet_ntop(AF_INET, &a.in.sin_addr, host, sizeof(host));
                i->port = ntohs(a.in.sin_port);
                i->text = text_format("%s:%u", host, i->port);
        } else if (a.sa.sa_family == AF_INET6) {
                (void) inet_ntop(AF_INET6, &a.in6.sin6_addr, host, sizeof(host));
                i->port = ntohs(a.in6.sin6_port);
                i->text = text_format("[%s]:%u", host, i->port);
        } else if (a.sa.sa_family == AF_UNIX) {
                i->path = strndup(a.un.sun_path, sizeof(a.un.sun_path));
                i->text = i->path ? strdup(i->path) : NULL;
        } else
                return -EAFNOSUPPORT;
        if (host[0])
                i->host = strdup(host);
        return i->text && (i->host || i->path) ? 0 : -ENOMEM;
}

int http01_add_socket(Http01 *h, int fd_take)
{
        _cleanup_close_ int fd = fd_take;
        _cleanup_(inherited_freep) Http01Inherited *i = calloc(1, sizeof(*i));
        int r;

        if (!i)
                return -ENOMEM;
        i->fd = TAKE_FD(fd);
        r = inherited_name(i);
        if (r < 0)
                return r;
        LL_APPEND(h->inherited, i);
        TAKE_PTR(i);
        return 0;
}

static bool same_host(const char *a, const char *b)
{
        unsigned char x[16] = { 0 }, y[16] = { 0 };

        for (size_t i = 0; i < 2; i++) {
                int family = i == 0 ? AF_INET : AF_INET6;

                if (inet_pton(family, a, x) == 1)
                        return inet_pton(family, b, y) == 1 && memcmp(x, y, sizeof(x)) == 0;
        }
        return false;
}

static const Http01Inherited *find_inherited(const Http01 *h, const ConfigListen *wanted)
{
        const Http01Inherited *i;

        LL_FOREACH (h->inherited, i) {
                if (wanted->path && i->path && streq(wanted->path, i->path))
                        return i;
                if (wanted->host && i->host && wanted->port == i->port &&
                                same_host(wanted->host, i->host))
                        return i;
        }
        return NULL;
}

static bool is_loopback(const char *host)
{
        struct in_addr in;

        return same_host(host, "::1") ||
               (inet_pton(AF_INET, host, &in) == 1 && ntohl(in.s_addr) >> 24 == IN_LOOPBACKNET);
}

/* A descriptor for what is wanted, own or inherited. Return: it, or -errno. */
static int open_socket(const Http01 *h, const ConfigListen *wanted, bool *ret_own)
{
        const Http01Inherited *i = find_inherited(h, wanted);
        int fd;

        *ret_own = !i;
        if (i) {
                fd = fcntl(i->fd, F_DUPFD_CLOEXEC, 3);
                return fd < 0 ? -errno : fd;
        }
        /* Everybody may ask: a web server in front of us runs as a user of its own. */
        return wanted->path ? listen_unix(wanted->path, 0666)
                            : listen_tcp(wanted->host, wanted->port);
}

/* Return: 0 or -errno. */
static int listener_add(Http01 *h, const ConfigListen *wanted)
{
        _cleanup_(listener_freep) Http01Listener *l = calloc(1, sizeof(*l));
        HttpServerOptions options = {
                .description = "http-01",
                .max_connections = LIMIT_HTTP_01_CONNECTIONS,
                /* Whoever comes over loopback is a web server in front of us, with all its
                           visitors. */
                .max_per_address = wanted->path || is_loopback(wanted->host)
                                                   ? 0
                                                   : LIMIT_HTTP_01_PER_ADDRESS,
                .deadline_usec = REQUEST_DEADLINE,
        };
        bool own;
        int fd, r;

        if (!l)
                return -ENOMEM;
        l->text = strdup(wanted->text);
        if (!l->text)
                return -ENOMEM;
        fd = open_socket(h, wanted, &own);
        if (fd < 0)
                return fd;
        if (wanted->path && own) {
                l->path = strdup(wanted->path);
                if (!l->path) {
                        (void) close_fd(fd);
                        return -ENOMEM;
                }
        }
        r = http_server_new(h->event, fd, &options, http01_on_request, h, &l->server);
        if (r < 0)
                return r;
        LL_APPEND(h->listeners, l);
        TAKE_PTR(l);
        return 0;
}

static Http01Listener *find_listener(const Http01 *h, const char *text)
{
        Http01Listener *l;

        LL_FOREACH (h->listeners, l)
                if (streq(l->text, text))
                        return l;
        return NULL;
}

bool http01_problem_may_pass(const Http01 *h)
{
        return h->problem && h->may_pass;
}

/* Adds "cannot listen on …" to the problem. Return: 0, -ENOMEM, -E2BIG. */
static int problem_add(Buffer *b, const ConfigListen *wanted, int error)
{
        _cleanup_free_ char *holder = NULL;
        const char *separator = b->size > 0 ? "; " : "";

        if (error == EADDRINUSE && wanted->host) {
                holder = listen_holder(wanted->host, wanted->port);
                if (!holder)
                        return -ENOMEM;
                return buffer_append_format(b, "%scannot listen on %s: it is taken by %s",
                                separator, wanted->text, holder);
        }
        if (error == EACCES && wanted->host)
                return buffer_append_format(b,
                                "%scannot listen on %s: a port below 1024 needs root, "
                                "CAP_NET_BIND_SERVICE, or renewd-http.socket of systemd",
                                separator, wanted->text);
        return buffer_append_format(
                        b, "%scannot listen on %s: %s", separator, wanted->text, strerror(error));
}

static int problem_add_ways(Buffer *b, const ConfigDaemon *config)
{
        const char *state = config->state_directory;

        return buffer_append_format(b,
                        ". Three ways out: (1) free the port (of a service: systemctl disable "
                        "--now NAME.service), then: renewctl reload. (2) Have the web server pass "
                        "the challenges on: 'HttpListen=127.0.0.1:8402' in [Daemon] of "
                        "renewd.conf, and in nginx's server block for port 80 'location "
                        "/.well-known/acme-challenge/ { proxy_pass http://127.0.0.1:8402; }'. (3) "
                        "Have the web server show them: 'Webroot=%s/webroot' in the [Certificate] "
                        "section, and in that server block 'location /.well-known/acme-challenge/ "
                        "{ alias %s/webroot/; }'",
                        state, state);
}

/*
 * Opens what is missing of one address. Addresses that nobody wrote down may be of a family that
 * this machine has not. Return: 0 or -ENOMEM.
 */
static int listen_one(Http01 *h, const ConfigListen *wanted, bool written, Buffer *problem)
{
        int r;

        if (find_listener(h, wanted->text))
                return 0;
        r = listener_add(h, wanted);
        if (r >= 0 || (r == -EAFNOSUPPORT && !written))
                return 0;
        if (r != -EADDRINUSE && r != -EACCES)
                h->may_pass = true;
        return r == -ENOMEM ? r : problem_add(problem, wanted, -r);
}

static int listen_all(Http01 *h, const ConfigDaemon *config, Buffer *problem)
{
        const Http01Inherited *i;
        int r;

        for (size_t n = 0; n < config->n_http_listen; n++) {
                r = listen_one(h, &config->http_listen[n], true, problem);
                if (r < 0)
                        return r;
        }
        if (config->n_http_listen > 0)
                return 0;
        LL_FOREACH (h->inherited, i) {
                ConfigListen wanted = {
                        .text = i->text, .host = i->host, .path = i->path, .port = i->port
                };

                r = listen_one(h, &wanted, true, problem);
                if (r < 0)
                        return r;
        }
        if (h->inherited)
                return 0;
        for (size_t n = 0; n < ELEMENTSOF(default_listen); n++) {
                r = listen_one(h, &default_listen[n], false, problem);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What the configuration wants, before anything is opened: an address that moves from one text to
 * another
 * ("[::]:80" to "0.0.0.0:80" and back) must be free by then. */
static bool is_wanted(const Http01 *h, const ConfigDaemon *config, const char *text)
{
        const Http01Inherited *i;

        for (size_t n = 0; n < config->n_http_listen; n++)
                if (streq(config->http_listen[n].text, text))
                        return true;
        if (config->n_http_listen > 0)
                return false;
        LL_FOREACH (h->inherited, i)
                if (streq(i->text, text))
                        return true;
        for (size_t n = 0; !h->inherited && n < ELEMENTSOF(default_listen); n++)
                if (streq(default_listen[n].text, text))
                        return true;
        return false;
}

int http01_listen(Http01 *h, const ConfigDaemon *config, char **ret_problem)
{
        _cleanup_(buffer_done) Buffer problem = BUFFER_INIT(PROBLEM_SIZE);
        _cleanup_free_ char *copy = NULL;
        Http01Listener *l, *next;
        int r, n;

        LL_FOREACH_SAFE (h->listeners, l, next)
                if (!is_wanted(h, config, l->text)) {
                        LL_DELETE(h->listeners, l);
                        listener_free(l);
                }
        h->fallback = config->http_fallback;
        h->may_pass = false;
        r = listen_all(h, config, &problem);
        if (r >= 0 && problem.size > 0)
                r = problem_add_ways(&problem, config);
        if (r < 0 && r != -E2BIG)
                return r;
        if (problem.size > 0) {
                copy = strdup(problem.data);
                if (!copy)
                        return -ENOMEM;
        }
        free(h->problem);
        h->problem = problem.size > 0 ? buffer_take(&problem) : NULL;
        *ret_problem = TAKE_PTR(copy);
        LL_COUNT(h->listeners, l, n);
        return n;
}

void http01_close_listeners(Http01 *h)
{
        Http01Listener *l, *next_listener;
        Http01Inherited *i, *next;

        LL_FOREACH_SAFE (h->listeners, l, next_listener)
                listener_free(l);
        h->listeners = NULL;
        LL_FOREACH_SAFE (h->inherited, i, next)
                inherited_free(i);
        h->inherited = NULL;
}
