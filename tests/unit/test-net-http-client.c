/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The HTTP client against a real TLS server: what an honest CA gets, and a hostile one does not. */

#include "tls-server.h"

#include "net/http-client-internal.h"
#include "scratch.h"

typedef struct Fixture {
        Scratch scratch;
        sd_event *event;
        HttpClient *client;
        HttpOrigin *origin;
        X509 ca, leaf;
        char *trust_file;
        Server server;
        char *url; /* "https://127.0.0.1:PORT" */
} Fixture;

typedef struct Answer {
        unsigned n;
        unsigned status;
        size_t n_headers, size;
        char *headers; /* "name=value\n…" */
        char *body;
        char *failure;
        HttpTransfer *transfer;
} Answer;

static void answer_done(Answer *a)
{
        free(a->headers);
        free(a->body);
        free(a->failure);
        *a = (Answer){ 0 };
}
#define _cleanup_answer_ _cleanup_(answer_done)

static void on_answer(const HttpClientResponse *response, const char *failure, void *userdata)
{
        Answer *a = userdata;
        Buffer headers = BUFFER_INIT(1024 * 1024);

        a->n++;
        assert_true(!response != !failure);
        a->transfer = NULL;
        if (failure) {
                free(a->failure);
                a->failure = strdup(failure);
                return;
        }
        a->status = response->status;
        a->n_headers = response->n_headers;
        for (size_t i = 0; i < response->n_headers; i++)
                assert_int_equal(
                                buffer_append_format(&headers, "%s=%s\n", response->headers[i].name,
                                                response->headers[i].value),
                                0);
        a->headers = buffer_take(&headers);
        a->size = response->body_size;
        a->body = malloc(a->size + 1);
        assert_non_null(a->body);
        memcpy(a->body, response->body, a->size);
        a->body[a->size] = '\0';
}

/* --- what the server does --------------------------------------------------------------------- */

static void say_many(Stream *s, const char *text, unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                stream_say(s, text);
}

static void say_bytes(Stream *s, size_t n)
{
        static char data[16 * 1024];

        memset(data, 'x', sizeof(data));
        for (size_t part; n > 0; n -= part) {
                part = MIN(n, sizeof(data));
                stream_write(s, data, part);
        }
}

static bool serve_large(Stream *s, size_t size)
{
        _cleanup_free_ char *head = text_format(
                        "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);

        stream_say(s, head);
        say_bytes(s, size);
        return true;
}

_Noreturn static bool serve_forever(
                Stream *s, const char *head, const char *part, useconds_t pause_usec)
{
        stream_say(s, head);
        for (;;) {
                stream_say(s, part);
                if (pause_usec > 0)
                        (void) usleep(pause_usec);
        }
}

_Noreturn static bool serve_silence(void)
{
        for (;;)
                (void) pause();
}

static bool serve(Stream *s)
{
        static const char ok[] = "HTTP/1.1 200 OK";

        if (streq(s->path, "/hello"))
                return stream_answer(s,
                                "HTTP/1.1 201 Created\r\nReplay-Nonce:  abc \t\r\nLink: "
                                "<a>;rel=\"up\"\r\nlink: <b>\r\nX-Empty:",
                                "hello");
        if (streq(s->path, "/head")) {
                stream_say(s, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
                return true;
        }
        if (streq(s->path, "/empty"))
                return stream_answer(s, "HTTP/1.1 204 No Content", "");
        if (streq(s->path, "/slow")) {
                (void) usleep(50000);
                return stream_answer(s, ok, "slow");
        }
        if (streq(s->path, "/gzip"))
                return stream_answer(s, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip", "not gzip");
        if (streq(s->path, "/moved"))
                return stream_answer(s, "HTTP/1.1 307 Temporary Redirect\r\nLocation: /hello", "");
        if (streq(s->path, "/moved-to-plain"))
                return stream_answer(s, "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1/", "");
        if (streq(s->path, "/limit"))
                return serve_large(s, LIMIT_HTTP_BODY);
        if (streq(s->path, "/beyond"))
                return serve_large(s, LIMIT_HTTP_BODY + 1);
        if (streq(s->path, "/endless"))
                return serve_forever(s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                                "4\r\nspam\r\n", 0);
        if (streq(s->path, "/128-headers")) {
                stream_say(s, ok);
                say_many(s, "\r\nX-A: 1", LIMIT_HTTP_N_HEADERS - 1);
                return stream_answer(s, "", "ok");
        }
        if (streq(s->path, "/129-headers")) {
                stream_say(s, ok);
                say_many(s, "\r\nX-A: 1", LIMIT_HTTP_N_HEADERS);
                return stream_answer(s, "", "ok");
        }
        if (streq(s->path, "/large-headers")) {
                stream_say(s, "HTTP/1.1 200 OK\r\nX-Large: ");
                say_bytes(s, LIMIT_HTTP_HEADERS);
                return stream_answer(s, "", "ok");
        }
        if (streq(s->path, "/continue-forever"))
                return serve_forever(s, "", "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n", 0);
        if (streq(s->path, "/continue")) {
                stream_say(s, "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n");
                return stream_answer(s, "HTTP/1.1 200 OK\r\nX-Late: 1", "ok");
        }
        if (streq(s->path, "/trailers")) {
                stream_say(s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: "
                              "X-T\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n");
                return true;
        }
        if (streq(s->path, "/drip"))
                return serve_forever(
                                s, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", "x", 20000);
        if (streq(s->path, "/drip-header"))
                return serve_forever(s, "HTTP/1.1 200 OK\r\n", "X", 20000);
        if (streq(s->path, "/silent"))
                return serve_silence();
        if (streq(s->path, "/late")) {
                (void) sleep(2);
                return stream_answer(s, ok, "late");
        }
        if (streq(s->path, "/close"))
                return false;
        if (streq(s->path, "/short")) {
                stream_say(s, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
                return false;
        }
        if (streq(s->path, "/garbage")) {
                stream_say(s, "\x1b[31m 220 smtp.example ESMTP\r\n");
                return false;
        }
        return stream_answer(s, "HTTP/1.1 404 Not Found", s->path);
}

/* --- fixture ---------------------------------------------------------------------------------- */

static int setup(void **state)
{
        Fixture *f = calloc(1, sizeof(*f));
        _cleanup_free_ char *pem = NULL;

        assert_non_null(f);
        scratch_open(&f->scratch);
        x509_new(&f->ca, &(X509Options){ .is_ca = true });
        x509_new(&f->leaf, &(X509Options){ .issuer = &f->ca, .ip = "127.0.0.1" });
        pem = x509_pem(&f->ca);
        assert_int_equal(file_write_at(f->scratch.fd, "ca.pem", pem, strlen(pem), 0644), 0);
        f->trust_file = text_format("%s/ca.pem", f->scratch.path);
        assert_int_equal(sd_event_new(&f->event), 0);
        assert_int_equal(http_client_new(f->event, &f->client), 0);
        assert_int_equal(http_origin_new(f->client, f->trust_file, &f->origin), 0);
        (void) unsetenv("https_proxy");
        (void) unsetenv("HTTPS_PROXY");
        (void) unsetenv("all_proxy");
        (void) unsetenv("ALL_PROXY");
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        Fixture *f = *state;

        http_origin_free(f->origin);
        http_client_free(f->client);
        server_stop(&f->server);
        sd_event_unref(f->event);
        x509_done(&f->leaf);
        x509_done(&f->ca);
        scratch_close(&f->scratch);
        free(f->trust_file);
        free(f->url);
        free(f);
        return 0;
}

static void start_with(Fixture *f, const ServerOptions *o)
{
        server_stop(&f->server);
        server_start(&f->server, o);
        free(f->url);
        f->url = text_format("https://127.0.0.1:%u", f->server.port);
        assert_non_null(f->url);
}

static void start(Fixture *f)
{
        start_with(f, &(ServerOptions){ .leaf = &f->leaf, .handler = serve });
}

static int try_send(HttpOrigin *o, const char *url, Answer *a)
{
        HttpClientRequest request = { .method = "GET", .url = url };

        return http_client_send(o, &request, on_answer, a, &a->transfer);
}

static void send_get(Fixture *f, const char *path, Answer *a)
{
        _cleanup_free_ char *url = text_format("%s%s", f->url, path);

        assert_int_equal(try_send(f->origin, url, a), 0);
        assert_int_equal(a->n, 0);
}

static void get(Fixture *f, const char *path, Answer *a)
{
        send_get(f, path, a);
        loop_until(f->event, a->n > 0);
}

static void assert_fails(Fixture *f, const char *path, const char *part)
{
        _cleanup_answer_ Answer a = { 0 };

        get(f, path, &a);
        if (!a.failure)
                fail_msg("%s was answered with %u", path, a.status);
        assert_contains(a.failure, part);
        for (const char *s = a.failure; *s; s++)
                assert_true((unsigned char) *s >= ' ' && *s != 0x7f);
}

/* And afterwards an honest request is answered. */
static void assert_recovers(Fixture *f)
{
        _cleanup_answer_ Answer a = { 0 };

        get(f, "/hello", &a);
        if (a.failure)
                fail_msg("%s", a.failure);
        assert_int_equal(a.status, 201);
}

/* --- requests and answers --------------------------------------------------------------------- */

static void test_get(void **state)
{
        Fixture *f = *state;
        _cleanup_answer_ Answer a = { 0 }, b = { 0 };
        _cleanup_free_ char *expected = NULL;

        start(f);
        get(f, "/hello", &a);
        assert_int_equal(a.status, 201);
        assert_string_equal(a.body, "hello");
        assert_string_equal(a.headers, "Replay-Nonce=abc\nLink=<a>;rel=\"up\"\nlink=<b>\nX-Empty=\n"
                                       "Content-Length=5\n");
        /* nothing is added to what was asked to be sent */
        expected = text_format("GET /hello HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", f->server.port);
        assert_string_equal(f->server.served->last, expected);
        get(f, "/a/../%41//b?c=d", &b);
        assert_int_equal(b.status, 404);
        assert_string_equal(b.body, "/a/../%41//b?c=d");
        loop_for(f->event, 20 * USEC_PER_MSEC);
        assert_int_equal(a.n, 1);
}

static void test_post(void **state)
{
        static char body[20000];
        static const HttpHeader headers[] = { { "Content-Type", "application/jose+json" },
                { "User-Agent", "renewd/1" }, { "X-Empty", "" } };
        Fixture *f = *state;
        _cleanup_answer_ Answer a = { 0 }, b = { 0 };
        _cleanup_free_ char *url = NULL, *expected = NULL;
        HttpClientRequest request = { .method = "POST", .headers = headers, .n_headers = 3 };

        start(f);
        url = text_format("%s/hello", f->url);
        request.url = url;
        memset(body, 'b', sizeof(body) - 1);
        request.body = body;
        request.body_size = sizeof(body) - 1;
        assert_int_equal(http_client_send(f->origin, &request, on_answer, &a, NULL), 0);
        memset(body, 'c', 1000); /* it was copied */
        loop_until(f->event, a.n > 0);
        assert_int_equal(a.status, 201);
        memset(body, 'b', 1000);
        expected = text_format("POST /hello HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                               "Content-Type: application/jose+json\r\nUser-Agent: renewd/1\r\n"
                               "X-Empty:\r\nContent-Length: %zu\r\n\r\n%s",
                        f->server.port, sizeof(body) - 1, body);
        assert_string_equal(f->server.served->last, expected);
        request.body = NULL;
        request.body_size = 0;
        request.n_headers = 0;
        assert_int_equal(http_client_send(f->origin, &request, on_answer, &b, NULL), 0);
        loop_until(f->event, b.n > 0);
        assert_int_equal(b.status, 201);
        assert_contains(f->server.served->last, "\r\nContent-Length: 0\r\n");
        assert_lacks(f->server.served->last, "Content-Type");
}

static void test_head_and_empty(void **state)
{
        Fixture *f = *state;
        _cleanup_answer_ Answer a = { 0 }, b = { 0 };
        _cleanup_free_ char *url = NULL;
        HttpClientRequest request = { .method = "HEAD" };

        start(f);
        url = text_format("%s/head", f->url);
        request.url = url;
        assert_int_equal(http_client_send(f->origin, &request, on_answer, &a, NULL), 0);
        loop_until(f->event, a.n > 0);
        assert_int_equal(a.status, 200);
        assert_int_equal(a.size, 0);
        assert_string_equal(a.body, "");
        get(f, "/empty", &b);
        assert_int_equal(b.status, 204);
        assert_string_equal(b.body, "");
        assert_int_equal(f->server.served->connections, 1);
}

/* Each of these is refused before anything is sent. */
static void test_bad_requests(void **state)
{
        static const char *const urls[] = { "", "/hello", "example.com", "http://127.0.0.1/",
                "HTTP://127.0.0.1/", "ftp://127.0.0.1/", "file:///etc/passwd", "ldap://127.0.0.1/",
                "https://", "https:///", "https://user@127.0.0.1/", "https://user:pw@127.0.0.1/",
                "https://:pw@127.0.0.1/", "https://127.0.0.1:99999/", "https://127.0.0.1/a b",
                "https://127.0.0.1/\r\nHost: b", "https://127.0.0.1/\x7f",
                "https://127.0.0.1/\xc3\xa9", "https://\xc3\xbc.example/" };
        static const HttpHeader headers[] = { { "", "a" }, { "A:", "a" }, { "A B", "a" },
                { "A\r\nB", "a" }, { "A", "a\r\nB: c" }, { "A", "a\nB: c" }, { "A;", "a" } };
        Fixture *f = *state;
        _cleanup_free_ char *longest = calloc(1, LIMIT_URL + 2), *url = NULL;
        Answer a = { 0 };

        assert_non_null(longest);
        for (size_t i = 0; i < ELEMENTSOF(urls); i++)
                if (try_send(f->origin, urls[i], &a) != -EINVAL)
                        fail_msg("'%s' was taken", urls[i]);
        start(f);
        url = text_format("%s/", f->url);
        memset(longest, 'a', LIMIT_URL + 1);
        memcpy(longest, url, strlen(url));
        assert_int_equal(try_send(f->origin, longest, &a), -EINVAL);
        for (size_t i = 0; i < ELEMENTSOF(headers); i++) {
                HttpClientRequest request = {
                        .method = "GET", .url = url, .headers = &headers[i], .n_headers = 1
                };

                assert_int_equal(http_client_send(f->origin, &request, on_answer, &a, NULL),
                                -EINVAL);
        }
        assert_int_equal(http_client_send(f->origin,
                                         &(HttpClientRequest){ .method = "PUT", .url = url },
                                         on_answer, &a, NULL),
                        -EINVAL);
        loop_for(f->event, 20 * USEC_PER_MSEC);
        assert_int_equal(a.n, 0);
        assert_int_equal(f->server.served->connections, 0);
}

static void test_connection_is_kept(void **state)
{
        Fixture *f = *state;

        start(f);
        for (unsigned i = 0; i < 10; i++)
                assert_recovers(f);
        assert_int_equal(f->server.served->connections, 1);
        assert_int_equal(f->server.served->requests, 10);
}

static void test_parallel(void **state)
{
        Fixture *f = *state;
        Answer a[12] = { 0 };
        unsigned done = 0;

        start(f);
        http_origin_set_parallel(f->origin, 3);
        for (size_t i = 0; i < ELEMENTSOF(a); i++)
                send_get(f, "/slow", &a[i]);
        while (done < ELEMENTSOF(a)) {
                loop_turn(f->event);
                done = 0;
                for (size_t i = 0; i < ELEMENTSOF(a); i++)
                        done += a[i].n;
                assert_true(f->origin->n_running <= 3);
        }
        for (size_t i = 0; i < ELEMENTSOF(a); i++) {
                assert_int_equal(a[i].status, 200);
                answer_done(&a[i]);
        }
        assert_in_range(f->server.served->peak, 1, 3);
        assert_in_range(f->server.served->connections, 1, 3);
        assert_int_equal(f->origin->n_running, 0);
        assert_null(f->origin->transfers);
}

/* A redirect is an answer like any other: a CA's URLs are in its directory. */
static void test_redirects_are_not_followed(void **state)
{
        static const char *const paths[] = { "/moved", "/moved-to-plain" };
        Fixture *f = *state;

        start(f);
        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                _cleanup_answer_ Answer a = { 0 };

                get(f, paths[i], &a);
                assert_int_equal(a.status / 100, 3);
                assert_contains(a.headers, "Location=");
        }
        assert_int_equal(f->server.served->requests, 2);
}

static void test_odd_answers(void **state)
{
        Fixture *f = *state;
        _cleanup_answer_ Answer gzip = { 0 }, hints = { 0 }, trailers = { 0 };

        start(f);
        get(f, "/gzip", &gzip); /* as it came: nothing that unpacks to more */
        assert_string_equal(gzip.body, "not gzip");
        get(f, "/continue", &hints);
        assert_string_equal(hints.headers, "X-Late=1\nContent-Length=2\n");
        get(f, "/trailers", &trailers);
        assert_string_equal(trailers.body, "ok");
        assert_lacks(trailers.headers, "X-T=");
}

/* --- ceilings --------------------------------------------------------------------------------- */

static void test_sizes(void **state)
{
        Fixture *f = *state;
        _cleanup_answer_ Answer a = { 0 }, b = { 0 };

        start(f);
        get(f, "/limit", &a);
        assert_int_equal(a.size, LIMIT_HTTP_BODY);
        assert_int_equal(strspn(a.body, "x"), LIMIT_HTTP_BODY);
        assert_fails(f, "/beyond", "the answer of 127.0.0.1 is larger than 256 kB");
        assert_fails(f, "/endless", "the answer of 127.0.0.1 is larger than 256 kB");
        get(f, "/128-headers", &b);
        assert_int_equal(b.n_headers, LIMIT_HTTP_N_HEADERS);
        assert_fails(f, "/129-headers", "127.0.0.1 answers with more than 128 headers");
        assert_fails(f, "/large-headers",
                        "the headers that 127.0.0.1 answers are larger than 32 kB");
        assert_fails(f, "/continue-forever", "larger than 32 kB");
        assert_recovers(f);
}

static void test_times(void **state)
{
        Fixture *f = *state;

        start(f);
        assert_recovers(f); /* connected */
        f->client->limits.total_usec = USEC_PER_SEC;
        assert_fails(f, "/drip", "127.0.0.1 did not finish its answer within 1 s");
        assert_fails(f, "/drip-header", "127.0.0.1 did not finish its answer within 1 s");
        assert_fails(f, "/silent", "127.0.0.1 did not answer within 1 s");
        f->client->limits.total_usec = PATIENCE * 2;
        f->client->limits.stall_usec = USEC_PER_SEC;
        f->client->limits.stall_rate = 1000;
        assert_fails(f, "/drip", "127.0.0.1 did not finish its answer within ");
        f->client->limits.stall_rate = 0;
        assert_recovers(f);
}

static void test_breaks(void **state)
{
        Fixture *f = *state;

        start(f);
        assert_fails(f, "/close", "127.0.0.1 closed the connection without an answer");
        assert_fails(f, "/short", "the connection to 127.0.0.1 broke: ");
        assert_fails(f, "/garbage", "127.0.0.1");
        assert_recovers(f);
}

/* --- TLS -------------------------------------------------------------------------------------- */

static void test_versions(void **state)
{
        static const char *const priorities[] = { "NORMAL:-VERS-ALL:+VERS-TLS1.3",
                "NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.1",
                "NORMAL:-VERS-ALL:+VERS-TLS1.0" };
        Fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(priorities); i++) {
                start_with(f, &(ServerOptions){ .leaf = &f->leaf,
                                              .handler = serve,
                                              .priority = priorities[i] });
                if (i < 2)
                        assert_recovers(f);
                else {
                        assert_fails(f, "/hello", "no TLS connection to 127.0.0.1: ");
                        assert_int_equal(f->server.served->handshakes, 0);
                }
        }
}

static void assert_refused(Fixture *f, const X509Options *o, const char *part)
{
        X509 leaf;

        x509_new(&leaf, o);
        start_with(f, &(ServerOptions){ .leaf = &leaf, .issuer = o->issuer, .handler = serve });
        assert_fails(f, "/hello", part);
        /* nothing was said to whoever it is */
        assert_int_equal(f->server.served->requests, 0);
        x509_done(&leaf);
}

static void test_certificates(void **state)
{
        Fixture *f = *state;
        X509 stranger, namesake;

        x509_new(&stranger, &(X509Options){ .is_ca = true, .cn = "Another CA" });
        x509_new(&namesake, &(X509Options){ .is_ca = true });
        assert_refused(f, &(X509Options){ .issuer = &f->ca, .dns = "localhost" },
                        "the TLS certificate of 127.0.0.1 is not valid: ");
        assert_refused(f, &(X509Options){ .issuer = &f->ca, .ip = "127.0.0.2" },
                        "the TLS certificate of 127.0.0.1 is not valid: ");
        assert_refused(f, &(X509Options){ .issuer = &stranger, .ip = "127.0.0.1" },
                        "is not valid: its issuer is not among those of TrustFile=");
        assert_refused(f, &(X509Options){ .ip = "127.0.0.1" },
                        "is not valid: its issuer is not among those of TrustFile=");
        assert_refused(f,
                        &(X509Options){ .issuer = &f->ca,
                                        .ip = "127.0.0.1",
                                        .from = -7200,
                                        .to = -3600 },
                        "is not valid: it has expired (or the clock of this machine is wrong)");
        assert_refused(f,
                        &(X509Options){ .issuer = &f->ca,
                                        .ip = "127.0.0.1",
                                        .from = 3600,
                                        .to = 7200 },
                        "is not valid: it is not valid yet (or the clock");
        /* a private CA that was made anew, and an old TrustFile= */
        assert_refused(f, &(X509Options){ .issuer = &namesake, .ip = "127.0.0.1" },
                        "is not valid: it is not signed by the trusted issuer of that name");
        x509_done(&stranger);
        x509_done(&namesake);
        start(f);
        assert_recovers(f);
}

/* A leaf must not issue: a CA of a certificate's owner would be everybody's. */
static void test_issuer_is_no_ca(void **state)
{
        Fixture *f = *state;

        assert_refused(f, &(X509Options){ .issuer = &f->leaf, .ip = "127.0.0.1" },
                        "the TLS certificate of 127.0.0.1 is not valid: its issuer");
}

static void test_trust(void **state)
{
        static const char garbage[] = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        Fixture *f = *state;
        _cleanup_free_ char *missing = text_format("%s/missing.pem", f->scratch.path);
        _cleanup_free_ char *bad = text_format("%s/bad.pem", f->scratch.path);

        start(f);
        /* the system's roots do not know our CA */
        http_origin_free(f->origin);
        assert_int_equal(http_origin_new(f->client, NULL, &f->origin), 0);
        assert_fails(f, "/hello", "a private CA needs TrustFile=");
        http_origin_free(f->origin);
        assert_int_equal(http_origin_new(f->client, missing, &f->origin), 0);
        assert_fails(f, "/hello", "cannot read the trusted certificates of /tmp/");
        http_origin_free(f->origin);
        assert_int_equal(
                        file_write_at(f->scratch.fd, "bad.pem", garbage, strlen(garbage), 0644), 0);
        assert_int_equal(http_origin_new(f->client, bad, &f->origin), 0);
        assert_fails(f, "/hello", "cannot read the trusted certificates of /tmp/");
        assert_int_equal(f->server.served->requests, 0);
        http_origin_free(f->origin);
        assert_int_equal(http_origin_new(f->client, f->trust_file, &f->origin), 0);
        assert_recovers(f);
}

static void test_no_tls(void **state)
{
        Fixture *f = *state;
        int fd;

        /* plain text, and from the first byte on, as SMTP does it */
        start_with(f, &(ServerOptions){ .handler = serve, .greets = true });
        assert_fails(f, "/hello", "no TLS connection to 127.0.0.1: ");
        assert_int_equal(f->server.served->requests, 0);
        /* accepts, and then nothing */
        start_with(f, &(ServerOptions){ .handler = NULL });
        f->client->limits.connect_usec = 300 * USEC_PER_MSEC;
        assert_fails(f, "/hello", "the TLS handshake with 127.0.0.1 was not done within 300 ms");
        server_stop(&f->server);
        assert_fails(f, "/hello", "could not connect to 127.0.0.1:");
        /* a full queue: no answer to a connection at all */
        fd = listen_tcp("127.0.0.1", 0);
        assert_true(fd >= 0);
        assert_int_equal(listen(fd, 0), 0);
        free(f->url);
        f->url = text_format("https://127.0.0.1:%u", port_of(fd));
        (void) close_fd(connect_to("127.0.0.1", port_of(fd)));
        assert_fails(f, "/hello", "within 300 ms");
        (void) close_fd(fd);
}

/* One connection is made at a time; who waited for it in vain does not blame the name server. */
static void test_waiting_for_a_connection(void **state)
{
        Fixture *f = *state;
        Answer a[3] = { 0 };

        start_with(f, &(ServerOptions){ .handler = NULL });
        f->client->limits.connect_usec = 300 * USEC_PER_MSEC;
        f->client->limits.total_usec = 450 * USEC_PER_MSEC;
        for (size_t i = 0; i < ELEMENTSOF(a); i++)
                send_get(f, "/hello", &a[i]);
        for (size_t i = 0; i < ELEMENTSOF(a); i++) {
                loop_until(f->event, a[i].n > 0);
                assert_non_null(a[i].failure);
                assert_contains(a[i].failure, "127.0.0.1");
                assert_contains(a[i].failure, " within ");
                assert_lacks(a[i].failure, "resolve");
                answer_done(&a[i]);
        }
}

/* --- the end of things ------------------------------------------------------------------------ */

typedef struct Act {
        Fixture *f;
        Answer first, second, third;
        enum {
                ACT_CANCEL_ITSELF,
                ACT_CANCEL_OTHERS,
                ACT_SEND,
                ACT_FREE_ORIGIN,
                ACT_FREE_CLIENT,
                ACT_FREE_CLIENT_AND_ORIGIN,
        } what;
} Act;

static void on_act(const HttpClientResponse *response, const char *failure, void *userdata)
{
        Act *act = userdata;
        Fixture *f = act->f;

        act->first.n++;
        assert_non_null(response);
        switch (act->what) {
        case ACT_CANCEL_ITSELF:
                act->first.transfer = http_transfer_cancel(act->first.transfer);
                break;
        case ACT_CANCEL_OTHERS:
                act->second.transfer = http_transfer_cancel(act->second.transfer);
                act->third.transfer = http_transfer_cancel(act->third.transfer);
                break;
        case ACT_SEND:
                send_get(f, "/hello", &act->third);
                break;
        case ACT_FREE_ORIGIN:
                f->origin = http_origin_free(f->origin);
                break;
        case ACT_FREE_CLIENT:
                f->client = http_client_free(f->client);
                break;
        case ACT_FREE_CLIENT_AND_ORIGIN:
                f->client = http_client_free(f->client);
                f->origin = http_origin_free(f->origin);
                break;
        }
        /* what was given is still there */
        assert_int_equal(response->status, 201);
        assert_memory_equal(response->body, "hello", 5);
}

static void test_from_within(void **state)
{
        Fixture *f = *state;

        for (unsigned what = ACT_CANCEL_ITSELF; what <= ACT_FREE_CLIENT_AND_ORIGIN; what++) {
                Act act = { .f = f, .what = what };
                _cleanup_free_ char *url = NULL;
                HttpClientRequest request = { .method = "GET" };

                start(f);
                url = text_format("%s/hello", f->url);
                request.url = url;
                assert_int_equal(http_client_send(f->origin, &request, on_act, &act,
                                                 &act.first.transfer),
                                0);
                send_get(f, "/silent", &act.second);
                if (what == ACT_CANCEL_OTHERS) /* waits for its turn, for ever */
                        http_origin_set_parallel(f->origin, 2);
                if (what != ACT_SEND)
                        send_get(f, "/silent", &act.third);
                loop_until(f->event, act.first.n > 0);
                if (what == ACT_SEND)
                        loop_until(f->event, act.third.n > 0);
                else
                        loop_for(f->event, 20 * USEC_PER_MSEC);
                assert_int_equal(act.first.n, 1);
                assert_int_equal(act.second.n, 0);
                assert_int_equal(act.third.n, what == ACT_SEND);
                answer_done(&act.third);
                f->origin = http_origin_free(f->origin);
                if (!f->client)
                        assert_int_equal(http_client_new(f->event, &f->client), 0);
                assert_int_equal(http_origin_new(f->client, f->trust_file, &f->origin), 0);
        }
}

/* Given up at any moment: never called, and whoever waits takes the place. */
static void test_cancel(void **state)
{
        Fixture *f = *state;

        start(f);
        http_origin_set_parallel(f->origin, 1);
        for (unsigned turns = 0; turns < 40; turns++) {
                Answer given_up = { 0 };
                _cleanup_answer_ Answer next = { 0 };

                send_get(f, "/hello", &given_up);
                send_get(f, "/hello", &next);
                for (unsigned i = 0; i < turns && given_up.n == 0; i++)
                        assert_true(sd_event_run(f->event, USEC_PER_MSEC) >= 0);
                if (given_up.n == 0) {
                        given_up.transfer = http_transfer_cancel(given_up.transfer);
                        loop_until(f->event, next.n > 0);
                        assert_int_equal(given_up.n, 0);
                } else
                        loop_until(f->event, next.n > 0);
                assert_int_equal(next.status, 201);
                answer_done(&given_up);
        }
        assert_null(http_transfer_cancel(NULL));
}

static void test_free_while_running(void **state)
{
        static const char *const paths[] = { "/silent", "/drip", "/hello", "/slow", "/endless" };
        Fixture *f = *state;
        Answer a[ELEMENTSOF(paths)] = { 0 };

        start(f);
        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                send_get(f, paths[i], &a[i]);
        for (unsigned i = 0; i < 3; i++)
                assert_true(sd_event_run(f->event, USEC_PER_MSEC) >= 0);
        f->client = http_client_free(f->client);
        loop_for(f->event, 50 * USEC_PER_MSEC);
        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                answer_done(&a[i]);
        f->origin = http_origin_free(f->origin);
        assert_null(http_client_free(NULL));
        assert_null(http_origin_free(NULL));
}

/* --- names ------------------------------------------------------------------------------------ */

static void test_unknown_name(void **state)
{
        Fixture *f = *state;

        f->url = strdup("https://renewd-test.invalid");
        /* whether the machine's name server says so or says nothing */
        f->client->limits.connect_usec = 2 * USEC_PER_SEC;
        assert_fails(f, "/", "cannot resolve renewd-test.invalid: ");
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
        unsigned *n = userdata;

        ++*n;
        assert_true(sd_event_source_set_time_relative(source, 10 * USEC_PER_MSEC) >= 0);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* A name server that swallows every question holds up neither the loop nor the end. */
static void test_silent_name_server(void **state)
{
        Fixture *f = *state;
        /* an address of its own, so that the same test may run beside this one */
        _cleanup_free_ char *address = text_format("127.86.%u.%u", (unsigned) getpid() >> 8 & 0xff,
                        (unsigned) getpid() & 0xff);
        /* the resolver of libc would wait for so long, in a thread that nobody joins */
        _cleanup_free_ char *conf = text_format(
                        "nameserver %s\noptions timeout:30 attempts:2\n", address);
        _cleanup_free_ char *path = text_format("%s/resolv.conf", f->scratch.path);
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(53) };
        _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        sd_event_source *ticker = NULL;
        Answer a = { 0 }, b = { 0 };
        unsigned ticks = 0;
        char question[512];
        uint64_t before;

        assert_int_equal(inet_pton(AF_INET, address, &in.sin_addr), 1);
        assert_int_equal(file_write_at(f->scratch.fd, "resolv.conf", conf, strlen(conf), 0644), 0);
        if (!scratch_may_mount())
                skip();
        assert_return_code(bind(fd, (struct sockaddr *) &in, sizeof(in)), errno);
        assert_return_code(mount(path, "/etc/resolv.conf", "none", MS_BIND, NULL), errno);

        assert_int_equal(sd_event_add_time_relative(
                                         f->event, &ticker, CLOCK_MONOTONIC, 0, 1, on_tick, &ticks),
                        0);
        f->url = strdup("https://ca.renewd-test.example");
        f->client->limits.connect_usec = USEC_PER_SEC;
        send_get(f, "/", &a);
        loop_until(f->event, a.n > 0);
        assert_non_null(a.failure);
        assert_contains(a.failure,
                        "cannot resolve ca.renewd-test.example: no answer from the name server "
                        "within 1 s");
        assert_true(recv(fd, question, sizeof(question), MSG_DONTWAIT) > 0); /* it was asked */
        assert_true(ticks > 10);
        /* and the end in the middle of it */
        send_get(f, "/", &b);
        loop_for(f->event, 50 * USEC_PER_MSEC);
        before = clock_monotonic_usec();
        f->client = http_client_free(f->client);
        assert_true(clock_monotonic_usec() - before < 15 * USEC_PER_SEC);
        assert_int_equal(b.n, 0);
        answer_done(&a);
        sd_event_source_disable_unref(ticker);
        assert_return_code(umount2("/etc/resolv.conf", MNT_DETACH), errno);
}

/* --- Unix sockets ----------------------------------------------------------------------------- */

static void test_unix(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *path = text_format("%s/socket", f->scratch.path);
        _cleanup_answer_ Answer a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 }, e = { 0 };
        HttpOrigin *o;
        int fd;

        assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
        assert_int_equal(http_origin_new_unix(f->client, path, 2 * USEC_PER_SEC, &o), 0);
        assert_int_equal(try_send(o, "https://localhost/hello", &a), -EINVAL);
        assert_int_equal(try_send(o, "http://localhost/hello", &a), 0);
        loop_until(f->event, a.n > 0);
        assert_non_null(a.failure);
        assert_contains(a.failure, "could not connect to /tmp/");
        assert_contains(a.failure, "No such file or directory");

        fd = listen_unix(path, 0600);
        assert_true(fd >= 0);
        start_with(f, &(ServerOptions){ .handler = serve, .fd = fd });
        assert_int_equal(try_send(o, "http://localhost/hello", &b), 0);
        loop_until(f->event, b.n > 0);
        assert_int_equal(b.status, 201);
        assert_string_equal(b.body, "hello");
        assert_int_equal(try_send(o, "http://localhost/slow", &c), 0);
        loop_until(f->event, c.n > 0);
        assert_int_equal(c.status, 200);
        assert_int_equal(f->server.served->connections, 2);
        /* silent for as long as it may, however short CAs are kept */
        f->client->limits.stall_usec = USEC_PER_SEC;
        f->client->limits.stall_rate = 1000;
        http_origin_free(o);
        assert_int_equal(http_origin_new_unix(f->client, path, PATIENCE, &o), 0);
        assert_int_equal(try_send(o, "http://localhost/late", &d), 0);
        loop_until(f->event, d.n > 0);
        assert_string_equal(d.body, "late");
        http_origin_free(o);
        assert_int_equal(http_origin_new_unix(f->client, path, 200 * USEC_PER_MSEC, &o), 0);
        assert_int_equal(try_send(o, "http://localhost/silent", &e), 0);
        loop_until(f->event, e.n > 0);
        assert_contains(e.failure, "socket did not answer within 200 ms");
        http_origin_free(o);
        (void) unsetenv("http_proxy");
}

/* --- proxies ---------------------------------------------------------------------------------- */

/* CONNECT, and then bytes in both directions until one side ends. */
static bool serve_proxy(Stream *s)
{
        struct pollfd fds[2] = { { .fd = s->fd, .events = POLLIN }, { .events = POLLIN } };
        unsigned port;
        char data[4096];

        if (sscanf(s->head, "CONNECT 127.0.0.1:%u HTTP/1.1", &port) != 1)
                return stream_answer(s, "HTTP/1.1 403 Forbidden\r\nX-Of-Proxy: 1", "");
        fds[1].fd = connect_to("127.0.0.1", port);
        (void) fcntl(fds[1].fd, F_SETFL, 0);
        stream_say(s, "HTTP/1.1 200 Connected\r\nX-Of-Proxy: 1\r\n\r\n");
        for (;;) {
                if (poll(fds, 2, -1) < 0)
                        return false;
                for (unsigned i = 0; i < 2; i++) {
                        ssize_t n = fds[i].revents ? recv(fds[i].fd, data, sizeof(data), 0) : -1;

                        if (fds[i].revents && n <= 0)
                                return false;
                        if (n > 0 && send(fds[1 - i].fd, data, (size_t) n, MSG_NOSIGNAL) != n)
                                return false;
                }
        }
}

static void test_proxy(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *url = NULL;
        _cleanup_answer_ Answer a = { 0 };
        Server proxy = { 0 };

        start(f);
        server_start(&proxy, &(ServerOptions){ .handler = serve_proxy });
        url = text_format("http://127.0.0.1:%u", proxy.port);
        assert_int_equal(setenv("https_proxy", url, 1), 0);
        get(f, "/hello", &a);
        if (a.failure)
                fail_msg("%s", a.failure);
        assert_int_equal(a.status, 201);
        assert_lacks(a.headers, "X-Of-Proxy");
        assert_int_equal(proxy.served->requests, 1);
        assert_starts(proxy.served->last, "CONNECT 127.0.0.1:");
        /* the proxy sees no certificate's name, no path and no header of ours */
        assert_lacks(proxy.served->last, "/hello");
        assert_recovers(f); /* by the same way */
        assert_int_equal(proxy.served->connections, 1);
        assert_int_equal(f->server.served->connections, 1);

        assert_int_equal(setenv("no_proxy", "127.0.0.1", 1), 0);
        assert_recovers(f);
        assert_int_equal(proxy.served->connections, 1);
        assert_int_equal(f->server.served->connections, 2);
        assert_int_equal(unsetenv("no_proxy"), 0);

        /* it does not let us through */
        free(f->url);
        f->url = strdup("https://192.0.2.1");
        assert_fails(f, "/hello", "the connection to 192.0.2.1 broke: ");
        assert_fails(f, "/hello", "403 (the environment names a proxy)");

        /* gone: the sentence names the proxy as a cause */
        server_stop(&proxy);
        http_client_free(f->client);
        http_origin_free(f->origin);
        assert_int_equal(http_client_new(f->event, &f->client), 0);
        assert_int_equal(http_origin_new(f->client, f->trust_file, &f->origin), 0);
        assert_fails(f, "/hello", "(the environment names a proxy)");
        assert_int_equal(setenv("https_proxy", "http://proxy.invalid:3128", 1), 0);
        f->client->limits.connect_usec = 2 * USEC_PER_SEC;
        assert_fails(f, "/hello", "cannot resolve ");
        assert_int_equal(unsetenv("https_proxy"), 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_get),
                T(test_post),
                T(test_head_and_empty),
                T(test_bad_requests),
                T(test_connection_is_kept),
                T(test_parallel),
                T(test_redirects_are_not_followed),
                T(test_odd_answers),
                T(test_sizes),
                T(test_times),
                T(test_breaks),
                T(test_versions),
                T(test_certificates),
                T(test_issuer_is_no_ca),
                T(test_trust),
                T(test_no_tls),
                T(test_waiting_for_a_connection),
                T(test_from_within),
                T(test_cancel),
                T(test_free_while_running),
                T(test_unknown_name),
                T(test_silent_name_server),
                T(test_unix),
                T(test_proxy),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
