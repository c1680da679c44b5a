/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* parse-net: what names a peer or an address of ours: CAs, contacts, listening addresses. */

#include <arpa/inet.h>
#include <sys/un.h>

#include "base/limits.h"
#include "base/strv.h"
#include "base/text.h"
#include "config/config-internal.h"
#include "config/parse.h"

#define HTTPS  "https://"
#define MAILTO "mailto:"
#define UNIX   "unix:"

static bool is_ascii(const char *s)
{
        for (; *s; s++)
                if ((unsigned char) *s >= 0x80)
                        return false;
        return true;
}

int parse_directory(const ConfigPlace *place, const char *value, void *field)
{
        const char *host = value + strlen(HTTPS), *mend = NULL;

        if (!*value)
                return parse_text(place, value, field);
        if (!has_prefix(value, HTTPS))
                mend = "write the URL of an ACME directory, which starts with https://";
        else if (strlen(value) > LIMIT_URL)
                mend = "a URL has at most 2048 characters";
        else if (strcspn(host, "/:?#") == 0)
                mend = "the URL has no host";
        else if (strpbrk(value, " \t\"<>\\^`{|}") || !is_ascii(value))
                mend = "the URL has a character that no URL has";
        else if (strcspn(host, "@") < strcspn(host, "/?#"))
                mend = "the URL has a user name; ACME knows none";
        else if (strchr(value, '#'))
                mend = "the URL has a fragment (#)";
        if (mend) {
                parse_problem(place, value, "%s", mend);
                return 0;
        }
        return parse_text(place, value, field);
}

/* RFC 8555 section 7.3: a mailto URL of one address, without header fields. */
static bool is_contact(const char *s)
{
        const char *at;

        if (has_prefix(s, MAILTO))
                s += strlen(MAILTO);
        at = strchr(s, '@');
        return at && at > s && at[1] && !strpbrk(at + 1, "@:/") && !strpbrk(s, "?#,;<>\"") &&
               is_ascii(s);
}

int parse_contacts(const ConfigPlace *place, const char *value, void *field)
{
        _cleanup_strv_ char **words = NULL;
        char ***contacts = field;
        int r;

        if (!*value)
                *contacts = strv_free(*contacts);
        r = strv_split(value, &words);
        STRV_FOREACH (word, words) {
                if (r < 0)
                        break;
                if (is_contact(*word))
                        r = parse_add(place, contacts, *word);
                else
                        parse_problem(place, *word, "write an e-mail address like ops@example.com");
        }
        return r;
}

/* --- addresses with ports: HttpListen=, DnsServer= */

static const char *get_listen_mend(const char *item)
{
        if (item[strspn(item, "0123456789")] == 0)
                return "a port alone; write 127.0.0.1:PORT behind a web server, or [::]:PORT and "
                       "0.0.0.0:PORT for everybody";
        if (*item == '@')
                return "abstract sockets have no permissions; write a path that starts with /";
        if (has_prefix(item, UNIX))
                return "write unix: with an absolute path, like unix:/run/renewd/http.sock";
        if (strchr(item, '/'))
                return "write the absolute path of a Unix socket, or ADDRESS:PORT";
        if (*item != '[' && strchr(item, ':') != strrchr(item, ':'))
                return "write an IPv6 address in brackets, like [::1]:8402";
        if (strchr(item, '%'))
                return "an address of one interface (%) cannot be listened on here";
        if (*item == '[' ? item[strlen(item) - 1] == ']' : !strchr(item, ':'))
                return "the port is missing; write ADDRESS:PORT, like [::]:80 or 127.0.0.1:8402";
        return "write ADDRESS:PORT with a numeric address and a port from 1 to 65535, like [::]:80 "
               "or 127.0.0.1:8402, or the path of a Unix socket";
}

static int parse_listen_path(const char *path, ConfigListen *ret)
{
        if (*path != '/' || strlen(path) >= sizeof(((struct sockaddr_un *) NULL)->sun_path))
                return -EINVAL;
        ret->text = strdup(path);
        ret->path = strdup(path);
        return ret->text && ret->path ? 0 : -ENOMEM;
}

/* Return: 0, -EINVAL, -ENOMEM; *ret may be half filled then. */
static int parse_listen_address(const char *item, ConfigListen *ret)
{
        _cleanup_free_ char *host = NULL;
        unsigned char address[sizeof(struct in6_addr)];
        char text[INET6_ADDRSTRLEN];
        const char *colon = strrchr(item, ':');
        bool six = *item == '[';
        uint64_t port;

        if (!colon || colon == item || (six && colon[-1] != ']') ||
                        text_parse_u64(colon + 1, 65535, &port) < 0 || port == 0)
                return -EINVAL;
        host = six ? strndup(item + 1, (size_t) (colon - item) - 2)
                   : strndup(item, (size_t) (colon - item));
        if (!host)
                return -ENOMEM;
        if (inet_pton(six ? AF_INET6 : AF_INET, host, address) != 1)
                return -EINVAL;
        if (!inet_ntop(six ? AF_INET6 : AF_INET, address, text, sizeof(text)))
                return -errno;
        ret->port = (unsigned) port;
        ret->host = strdup(text);
        ret->text = text_format(six ? "[%s]:%u" : "%s:%u", text, ret->port);
        return ret->host && ret->text ? 0 : -ENOMEM;
}

/* ADDRESS, [ADDRESS], or one of them with a port. */
int parse_dns_server(const ConfigPlace *place, const char *value, void *field)
{
        bool bare = !strchr(value, ']') && strchr(value, ':') != strrchr(value, ':');
        bool with_port = !bare && strchr(value, ':') && value[strlen(value) - 1] != ']';
        _cleanup_free_ char *whole = NULL;
        ConfigListen parsed = {};
        int r;

        if (!*value)
                return parse_text(place, value, field);
        whole = text_format(bare ? "[%s]%s" : "%s%s", value, with_port ? "" : ":53");
        if (!whole)
                return -ENOMEM;
        r = parse_listen_address(whole, &parsed);
        if (r >= 0)
                r = parse_text(place, parsed.text, field);
        else if (r == -EINVAL) {
                parse_problem(place, value,
                                "write the numeric address of a name server, like 192.0.2.53 or "
                                "[2001:db8::53]:5353");
                r = 0;
        }
        config_listen_done(&parsed);
        return r;
}

int parse_port(const ConfigPlace *place, const char *value, void *field)
{
        uint64_t n;

        if (text_parse_u64(value, 65535, &n) < 0 || n == 0)
                parse_problem(place, value, "write a port from 1 to 65535");
        else
                *(unsigned *) field = (unsigned) n;
        return 0;
}

static int listen_add(const ConfigPlace *place, ConfigDaemon *daemon, const char *item)
{
        ConfigListen listen = {}, *grown;
        int r;

        if (has_prefix(item, UNIX) || *item == '/')
                r = parse_listen_path(item + (*item == '/' ? 0 : strlen(UNIX)), &listen);
        else
                r = parse_listen_address(item, &listen);
        if (r == -EINVAL)
                parse_problem(place, item, "%s",
                                *item == '/' ? "the path of a Unix socket is too long"
                                             : get_listen_mend(item));
        for (size_t i = 0; r >= 0 && i < daemon->n_http_listen; i++)
                if (streq(daemon->http_listen[i].text, listen.text)) {
                        parse_problem(place, item, "is there already");
                        r = -EINVAL;
                }
        grown = r < 0 ? NULL
                      : reallocarray(daemon->http_listen, daemon->n_http_listen + 1,
                                        sizeof(*grown));
        if (!grown) {
                config_listen_done(&listen);
                return r == -EINVAL ? 0 : -ENOMEM;
        }
        grown[daemon->n_http_listen++] = listen;
        daemon->http_listen = grown;
        return 0;
}

int parse_listen(const ConfigPlace *place, const char *value, void *field)
{
        _cleanup_strv_ char **words = NULL;
        ConfigDaemon *daemon = field;
        int r;

        if (!*value)
                config_listen_reset(daemon);
        r = strv_split(value, &words);
        STRV_FOREACH (word, words)
                if (r >= 0)
                        r = listen_add(place, daemon, *word);
        return r;
}
