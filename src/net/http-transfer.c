/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * http-transfer: one HTTPS request and its answer, as curl's easy handle is told to make it.
 *
 * What a CA may do to us ends here: https and nothing else (http only to a Unix socket, or to an
 * address of a plain origin), TLS 1.2 or newer with a certificate that is trusted and names the
 * host, no redirect followed (librenew says which may be: a POST that went elsewhere would carry a
 * signature for another URL), no compressed body, no cookie, no password from a URL or a .netrc,
 * and a ceiling on every size and every time. What is beyond one ends the transfer with a sentence
 * that says so.
 *
 * The request is sent as the caller wrote it: curl's own Accept, Content-Type and Expect are taken
 * out. Nothing is logged, bodies and headers carry signatures.
 */

#include <arpa/inet.h>
#include <stdio.h>

#include "base/text.h"
#include "base/timestamp.h"
#include "net/http-client-internal.h"

static void headers_reset(HttpTransfer *t)
{
        for (size_t i = 0; i < t->n_headers; i++) {
                free((char *) (uintptr_t) t->headers[i].name);
                free((char *) (uintptr_t) t->headers[i].value);
        }
        t->n_headers = 0;
}

HttpTransfer *http_transfer_free(HttpTransfer *t)
{
        if (!t)
                return NULL;
        curl_easy_cleanup(t->easy);
        curl_slist_free_all(t->request_headers);
        headers_reset(t);
        buffer_done(&t->body);
        free(t->failure);
        free(t->host);
        free(t);
        return NULL;
}

void http_transfer_fail(HttpTransfer *t, char *sentence_take)
{
        if (t->failed)
                free(sentence_take);
        else
                t->failure = sentence_take;
        t->failed = true;
}

static uint64_t transfer_date(const HttpTransfer *t)
{
        for (size_t i = 0; i < t->n_headers; i++)
                if (strcasecmp(t->headers[i].name, "Date") == 0) {
                        time_t date = curl_getdate(t->headers[i].value, NULL);

                        return date > 0 ? (uint64_t) date * USEC_PER_SEC : 0;
                }
        return 0;
}

void http_transfer_deliver(HttpTransfer *t)
{
        HttpClientResponse response = {
                .headers = t->headers,
                .n_headers = t->n_headers,
                .body = t->body.data ? t->body.data : "",
                .body_size = t->body.size,
        };
        long status = 0;

        if (t->failed) {
                t->handler(NULL, t->failure ? t->failure : "out of memory", t->userdata);
                return;
        }
        (void) curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        response.status = (unsigned) status;
        response.date_usec = transfer_date(t);
        t->handler(&response, NULL, t->userdata);
}

static size_t on_body(char *data, size_t size, size_t n, void *userdata)
{
        HttpTransfer *t = userdata;
        int r;

        r = buffer_append(&t->body, data, size * n);
        if (r >= 0)
                return size * n;
        http_transfer_fail(t, r == -E2BIG ? text_format("the answer of %s is larger than %zu kB",
                                                            t->host, t->body.limit / 1024)
                                          : NULL);
        return CURL_WRITEFUNC_ERROR;
}

/* Keeps "name: value" without the white space around the value (RFC 9112 section 5). What is no
 * header is left out. Return: 0 or -ENOMEM. */
static int header_add(HttpTransfer *t, const char *line, size_t size)
{
        const char *colon = memchr(line, ':', size), *value, *end = line + size;
        _cleanup_free_ char *name_copy = NULL, *value_copy = NULL;

        if (!colon || colon == line || line[0] == ' ' || line[0] == '\t')
                return 0;
        value = colon + 1;
        while (value < end && (*value == ' ' || *value == '\t'))
                value++;
        while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
                end--;
        name_copy = strndup(line, (size_t) (colon - line));
        value_copy = strndup(value, (size_t) (end - value));
        if (!name_copy || !value_copy)
                return -ENOMEM;
        t->headers[t->n_headers++] = (HttpHeader){ .name = TAKE_PTR(name_copy),
                .value = TAKE_PTR(value_copy) };
        return 0;
}

/* One line of a head at a time. After the body come trailers: nobody asked for them. */
static size_t on_header(char *data, size_t size, size_t n, void *userdata)
{
        HttpTransfer *t = userdata;
        size_t length = size * n;

        t->headers_size += length;
        if (t->headers_size > LIMIT_HTTP_HEADERS) {
                http_transfer_fail(
                                t, text_format("the headers that %s answers are larger than %zu kB",
                                                   t->host, LIMIT_HTTP_HEADERS / 1024));
                return 0;
        }
        while (length > 0 && (data[length - 1] == '\n' || data[length - 1] == '\r'))
                length--;
        if (length >= 5 && memcmp(data, "HTTP/", 5) == 0) { /* also the one after a 1xx */
                headers_reset(t);
                t->headers_complete = false;
        } else if (length == 0)
                t->headers_complete = true;
        else if (!t->headers_complete) {
                if (t->n_headers == LIMIT_HTTP_N_HEADERS) {
                        http_transfer_fail(t, text_format("%s answers with more than %u headers",
                                                              t->host, LIMIT_HTTP_N_HEADERS));
                        return 0;
                }
                if (header_add(t, data, length) < 0) {
                        http_transfer_fail(t, NULL);
                        return 0;
                }
        }
        return size * n;
}

static void url_freep(CURLU **url)
{
        curl_url_cleanup(*url);
}

static void part_freep(char **part)
{
        curl_free(*part);
}

static bool url_has(CURLU *url, CURLUPart part)
{
        _cleanup_(part_freep) char *s = NULL;

        return curl_url_get(url, part, &s, 0) == CURLUE_OK;
}

/* RFC 3986 has printable ASCII only; anything else would not be sent as it is written. */
static bool url_is_plain(const char *s)
{
        if (strlen(s) > LIMIT_URL)
                return false;
        for (; *s; s++)
                if (*s <= ' ' || *s > '~')
                        return false;
        return true;
}

static const char *origin_scheme(const HttpOrigin *o)
{
        return o->socket_path || o->plain ? "http" : "https";
}

/* Who is asked, for sentences. */
static int transfer_set_place(HttpTransfer *t, const char *host, unsigned port)
{
        const char *path = t->origin->socket_path;

        t->port = path ? 0 : port;
        t->host = path ? text_escape(path, strlen(path), LIMIT_PEER_TEXT)
                       : text_escape(host, strlen(host), LIMIT_DNS_NAME);
        return t->host ? 0 : -ENOMEM;
}

/* With or without the brackets of IPv6. */
static bool is_address(const char *host)
{
        unsigned char address[sizeof(struct in6_addr)];
        size_t n = strlen(host);
        char inner[INET6_ADDRSTRLEN];

        if (host[0] != '[')
                return inet_pton(AF_INET, host, address) == 1;
        if (n < 3 || n - 2 >= sizeof(inner))
                return false;
        memcpy(inner, host + 1, n - 2);
        inner[n - 2] = '\0';
        return inet_pton(AF_INET6, inner, address) == 1;
}

/* Return: 0, -ENOMEM, -EINVAL when it is no URL of the origin's scheme, or names a user or a
 * password. */
static int transfer_set_url(HttpTransfer *t, const char *s)
{
        const char *allowed = origin_scheme(t->origin);
        _cleanup_(url_freep) CURLU *url = curl_url();
        _cleanup_(part_freep) char *host = NULL, *scheme = NULL, *port = NULL;
        uint64_t n;

        if (!url)
                return -ENOMEM;
        if (!url_is_plain(s) ||
                        curl_url_set(url, CURLUPART_URL, s, CURLU_PATH_AS_IS) != CURLUE_OK ||
                        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
                        curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
                        curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
                return -EINVAL;
        if (!streq(scheme, allowed) || url_has(url, CURLUPART_USER) ||
                        url_has(url, CURLUPART_PASSWORD) ||
                        text_parse_u64(port, UINT16_MAX, &n) < 0 ||
                        (t->origin->plain && (!is_address(host) || url_has(url, CURLUPART_ZONEID))))
                return -EINVAL;
        if (transfer_set_place(t, host, (unsigned) n) < 0)
                return -ENOMEM;
        return curl_easy_setopt(t->easy, CURLOPT_URL, s) == CURLE_OK ? 0 : -ENOMEM;
}

/* Return: 0, -ENOMEM, -EINVAL for text that would be two lines. */
static int transfer_add_header(HttpTransfer *t, const char *name, const char *value)
{
        _cleanup_free_ char *line = NULL;
        struct curl_slist *list;

        if (!*name || name[strcspn(name, ":;\r\n ")] != '\0' ||
                        value[strcspn(value, "\r\n")] != '\0')
                return -EINVAL;
        /* curl takes "Name:" for "leave it out" and "Name;" for an empty value. */
        line = *value ? text_format("%s: %s", name, value) : text_format("%s;", name);
        if (!line)
                return -ENOMEM;
        list = curl_slist_append(t->request_headers, line);
        if (!list)
                return -ENOMEM;
        t->request_headers = list;
        return 0;
}

static bool request_has_header(const HttpClientRequest *request, const char *name)
{
        for (size_t i = 0; i < request->n_headers; i++)
                if (strcasecmp(request->headers[i].name, name) == 0)
                        return true;
        return false;
}

static int transfer_set_headers(HttpTransfer *t, const HttpClientRequest *request)
{
        static const char *const of_curl[] = { "Accept", "Content-Type", "Expect" };
        int r;

        for (size_t i = 0; i < request->n_headers; i++) {
                r = transfer_add_header(t, request->headers[i].name, request->headers[i].value);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < ELEMENTSOF(of_curl); i++) {
                char line[32];
                struct curl_slist *list;

                if (request_has_header(request, of_curl[i]))
                        continue;
                (void) snprintf(line, sizeof(line), "%s:", of_curl[i]);
                list = curl_slist_append(t->request_headers, line);
                if (!list)
                        return -ENOMEM;
                t->request_headers = list;
        }
        return curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->request_headers) == CURLE_OK
                               ? 0
                               : -ENOMEM;
}

/*
 * A kept connection that ends before the answer looks to curl like one that had ended before, and it
 * sends the request again by itself (curl#18417 is about an option for that). The server may well
 * have done what it was asked: whether a POST is made again, and how, is for its sender to say.
 */
static int on_request(void *userdata, char *to, char *from, int to_port, int from_port)
{
        HttpTransfer *t = userdata;

        if (!t->sent) {
                t->sent = true;
                return CURL_PREREQFUNC_OK;
        }
        http_transfer_fail(
                        t, text_format("the connection to %s broke before it answered", t->host));
        return CURL_PREREQFUNC_ABORT;
}

/* Return: 0, -ENOMEM, -EINVAL for a method that we do not know. */
static int transfer_set_method(HttpTransfer *t, const HttpClientRequest *request)
{
        CURLcode code;

        if (streq(request->method, "GET"))
                code = curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L);
        else if (streq(request->method, "HEAD"))
                code = curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
        else if (streq(request->method, "POST")) {
                code = curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
                if (code == CURLE_OK)
                        code = curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                        (curl_off_t) request->body_size);
                if (code == CURLE_OK)
                        code = curl_easy_setopt(t->easy, CURLOPT_COPYPOSTFIELDS,
                                        request->body_size > 0 ? request->body : "");
                if (code == CURLE_OK)
                        code = curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, on_request);
                if (code == CURLE_OK)
                        code = curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
        } else
                return -EINVAL;
        return code == CURLE_OK ? 0 : -ENOMEM;
}

typedef struct EasyOption {
        CURLoption option;
        long value;
} EasyOption;

static const EasyOption fixed_options[] = {
        /* A resolver thread that waits for a silent name server is joined without the
                 * first, and the loop stands still for as long; without the second curl plays with
                 * SIGALRM and SIGPIPE. */
        { CURLOPT_QUICK_EXIT, 1 },
        { CURLOPT_NOSIGNAL, 1 },
        { CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
        { CURLOPT_SSL_VERIFYPEER, 1 },
        { CURLOPT_SSL_VERIFYHOST, 2 },
        { CURLOPT_FOLLOWLOCATION, 0 },
        { CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS },
        /* Rather share a connection that is being made than make a second one beside it. */
        { CURLOPT_PIPEWAIT, 1 },
        { CURLOPT_TCP_KEEPALIVE, 1 },
        { CURLOPT_PATH_AS_IS, 1 },
        /* A proxy's answer to CONNECT is not the CA's. */
        { CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
        { CURLOPT_NETRC, CURL_NETRC_IGNORED },
};

static long msec(uint64_t usec)
{
        return (long) ((usec + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

static bool set_limits(CURL *easy, const HttpClientLimits *l)
{
        return curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, msec(l->connect_usec)) ==
                               CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, msec(l->total_usec)) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long) l->stall_rate) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                               (long) (l->stall_usec / USEC_PER_SEC)) == CURLE_OK;
}

static bool set_callbacks(HttpTransfer *t)
{
        return curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t) == CURLE_OK &&
               curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error) == CURLE_OK &&
               curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
               curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t) == CURLE_OK &&
               curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
               curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t) == CURLE_OK;
}

/* Instead of the system's roots means without their directory too, which curl would add. */
static bool set_trust(CURL *easy, const char *trust_file)
{
        return !trust_file ||
               (curl_easy_setopt(easy, CURLOPT_CAINFO, trust_file) == CURLE_OK &&
                               curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK);
}

/* No proxy of the environment, and no kept connection: what listens there may end when it is idle,
 * and a look at an address is a look at its connection as well. */
static bool set_direct(CURL *easy)
{
        return curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
}

static bool set_way(CURL *easy, const HttpOrigin *o)
{
        if (o->plain)
                return set_direct(easy);
        if (o->socket_path)
                return curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, o->socket_path) ==
                                       CURLE_OK &&
                       set_direct(easy);
        return set_trust(easy, o->trust_file);
}

static int transfer_set_options(HttpTransfer *t)
{
        const HttpOrigin *o = t->origin;
        HttpClientLimits limits = http_origin_limits(o);

        for (size_t i = 0; i < ELEMENTSOF(fixed_options); i++)
                if (curl_easy_setopt(t->easy, fixed_options[i].option, fixed_options[i].value) !=
                                CURLE_OK)
                        return -ENOMEM;
        if (curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, origin_scheme(o)) != CURLE_OK ||
                        !set_limits(t->easy, &limits) || !set_callbacks(t) || !set_way(t->easy, o))
                return -ENOMEM;
        return 0;
}

int http_transfer_new(HttpOrigin *o, const HttpClientRequest *request, HttpClientHandler handler,
                void *userdata, HttpTransfer **ret)
{
        _cleanup_(http_transfer_freep) HttpTransfer *t = calloc(1, sizeof(*t));
        int r;

        if (!t)
                return -ENOMEM;
        t->origin = o;
        t->handler = handler;
        t->userdata = userdata;
        t->body = BUFFER_INIT(o->max_body);
        t->easy = curl_easy_init();
        if (!t->easy)
                return -ENOMEM;
        r = transfer_set_options(t);
        if (r < 0)
                return r;
        r = transfer_set_url(t, request->url);
        if (r < 0)
                return r;
        r = transfer_set_method(t, request);
        if (r < 0)
                return r;
        r = transfer_set_headers(t, request);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(t);
        return 0;
}
