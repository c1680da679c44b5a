/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * http-failure: why a request did not get its answer, as a sentence for people.
 *
 * curl's result says what kind of failure it was, its timings how far it came, its error text the
 * details. The sentence names the host and the cause, and where the administrator can do something,
 * what. Text that may come from the other side is escaped.
 *
 * TLS is GnuTLS's, so the result of the verification is made of its flags; only their numbers are
 * used here, not the library.
 */

#include <gnutls/gnutls.h>

#include "base/text.h"
#include "base/timestamp.h"
#include "net/http-client-internal.h"

/* curl's own words, escaped; the caller frees it. NULL when out of memory. */
static char *details(const HttpTransfer *t, CURLcode result)
{
        const char *words = t->error[0] ? t->error : curl_easy_strerror(result);

        return text_escape(words, strlen(words), LIMIT_PEER_TEXT);
}

/* An administrator who forgot about a proxy looks for the fault at the CA. */
static const char *proxy_hint(void)
{
        static const char *const names[] = { "https_proxy", "HTTPS_PROXY", "all_proxy",
                "ALL_PROXY" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const char *value = getenv(names[i]);

                if (value && *value)
                        return " (the environment names a proxy)";
        }
        return "";
}

static char *describe_connect(const HttpTransfer *t, CURLcode result)
{
        _cleanup_free_ char *words = NULL;
        long error = 0;

        (void) curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &error);
        words = error > 0 ? strdup(strerror((int) error)) : details(t, result);
        if (words && t->port == 0)
                return text_format("could not connect to %s: %s", t->host, words);
        return words ? text_format("could not connect to %s:%u: %s%s", t->host, t->port, words,
                                       proxy_hint())
                     : NULL;
}

static char *describe_trust(const HttpTransfer *t, CURLcode result)
{
        static const struct {
                long flag;
                const char *reason;
        } reasons[] = {
                { GNUTLS_CERT_EXPIRED, "it has expired (or the clock of this machine is wrong)" },
                { GNUTLS_CERT_NOT_ACTIVATED, "it is not valid yet (or the clock of this "
                                             "machine is wrong)" },
                { GNUTLS_CERT_REVOKED, "it was revoked" },
                { GNUTLS_CERT_SIGNER_NOT_CA, "its issuer is not a CA" },
                { GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, "its issuer may not issue it" },
                { GNUTLS_CERT_INSECURE_ALGORITHM, "it is signed with an insecure algorithm" },
                { GNUTLS_CERT_SIGNATURE_FAILURE, "it is not signed by the trusted issuer of "
                                                 "that name" },
        };
        _cleanup_free_ char *words = NULL;
        long status = 0;

        (void) curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &status);
        if (status & GNUTLS_CERT_SIGNER_NOT_FOUND)
                return text_format("the TLS certificate of %s is not valid: %s", t->host,
                                t->origin->trust_file
                                                ? "its issuer is not among those of TrustFile="
                                                : "its issuer is not trusted here (a private CA "
                                                  "needs TrustFile=)");
        for (size_t i = 0; i < ELEMENTSOF(reasons); i++)
                if (status & reasons[i].flag)
                        return text_format("the TLS certificate of %s is not valid: %s", t->host,
                                        reasons[i].reason);
        words = details(t, result);
        return words ? text_format("the TLS certificate of %s is not valid: %s", t->host, words)
                     : NULL;
}

static uint64_t reached(const HttpTransfer *t, CURLINFO info)
{
        curl_off_t usec = 0;

        (void) curl_easy_getinfo(t->easy, info, &usec);
        return (uint64_t) usec;
}

/* Not CURLINFO_CONNECT_TIME_T: curl 7.88 sets that only when TLS is done, too. */
static bool is_connected(const HttpTransfer *t)
{
        long port = 0;

        (void) curl_easy_getinfo(t->easy, CURLINFO_LOCAL_PORT, &port);
        return port > 0;
}

static char *describe_timeout(const HttpTransfer *t)
{
        HttpClientLimits l = http_origin_limits(t->origin);
        uint64_t total = reached(t, CURLINFO_TOTAL_TIME_T);
        uint64_t unit = total < 10 * USEC_PER_SEC ? 100 * USEC_PER_MSEC : USEC_PER_SEC;
        char connect[TIMESTAMP_MAX], took[TIMESTAMP_MAX];

        timespan_format(connect, l.connect_usec);
        if (t->port != 0 && reached(t, CURLINFO_PRETRANSFER_TIME_T) == 0) {
                if (total == 0) { /* never began: others tried to connect for as long */
                        timespan_format(took, l.total_usec);
                        return text_format("no connection to %s:%u could be made within %s%s",
                                        t->host, t->port, took, proxy_hint());
                }
                if (reached(t, CURLINFO_NAMELOOKUP_TIME_T) == 0)
                        return text_format("cannot resolve %s: no answer from the name server "
                                           "within %s%s",
                                        t->host, connect, proxy_hint());
                if (!is_connected(t))
                        return text_format("could not connect to %s:%u: no answer within %s%s",
                                        t->host, t->port, connect, proxy_hint());
                return text_format("the TLS handshake with %s was not done within %s%s", t->host,
                                connect, proxy_hint());
        }
        /* Either the whole time was up, or too little came for too long. */
        timespan_format(took, (total + unit / 2) / unit * unit);
        return text_format("%s %s within %s", t->host,
                        t->headers_size > 0 ? "did not finish its answer" : "did not answer", took);
}

/* "what HOST: curl's words" */
static char *describe_plain(const HttpTransfer *t, const char *what, CURLcode result)
{
        _cleanup_free_ char *words = details(t, result);

        return words ? text_format("%s %s: %s", what, t->host, words) : NULL;
}

static char *describe_break(const HttpTransfer *t, CURLcode result)
{
        _cleanup_free_ char *words = details(t, result);

        return words ? text_format("the connection to %s broke: %s%s", t->host, words,
                                       t->port == 0 ? "" : proxy_hint())
                     : NULL;
}

char *http_failure_describe(HttpTransfer *t, CURLcode result)
{
        switch ((int) result) { /* an int: curl has a hundred more, all of them for default */
        case CURLE_OUT_OF_MEMORY:
                return NULL;
        case CURLE_COULDNT_RESOLVE_HOST:
                return describe_plain(t, "cannot resolve", result);
        case CURLE_COULDNT_RESOLVE_PROXY:
                return describe_plain(t, "cannot resolve the proxy on the way to", result);
        case CURLE_COULDNT_CONNECT:
                return describe_connect(t, result);
        case CURLE_OPERATION_TIMEDOUT:
                return describe_timeout(t);
        case CURLE_PEER_FAILED_VERIFICATION:
                return describe_trust(t, result);
        case CURLE_SSL_CACERT_BADFILE:
                return text_format("cannot read the trusted certificates of %s",
                                t->origin->trust_file ? t->origin->trust_file : "the system");
        case CURLE_SSL_CONNECT_ERROR:
                return describe_plain(t, "no TLS connection to", result);
        case CURLE_GOT_NOTHING:
                return text_format("%s closed the connection without an answer", t->host);
        case CURLE_PARTIAL_FILE:
        case CURLE_RECV_ERROR:
        case CURLE_SEND_ERROR:
                return describe_break(t, result);
        default:
                return describe_plain(t, "no usable answer from", result);
        }
}
