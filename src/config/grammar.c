/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * grammar: one table says what exists: kind of section, key, how its value is read, where it goes,
 * and its default, which is read like any other value. syntax.c hands lines in; they come out as
 * fields of sections.
 *
 * [Daemon] and [CA name] may be opened again, also in another file, and go on then, as in systemd.
 * A second [Certificate name] is refused: it is a copied file, not a plan. What stands in a section
 * that is refused is not looked at.
 */

#include <config.h>

#include "base/text.h"
#include "config/config-internal.h"
#include "config/grammar.h"
#include "config/parse.h"
#include "config/presets.h"
#include "config/suggest.h"
#include "config/syntax.h"

typedef enum SectionKind {
        SECTION_DAEMON,
        SECTION_CA,
        SECTION_CERTIFICATE,
} SectionKind;

static const char *const kind_names[] = {
        [SECTION_DAEMON] = "Daemon",
        [SECTION_CA] = "CA",
        [SECTION_CERTIFICATE] = "Certificate",
};

typedef struct Key {
        SectionKind kind;
        const char *name;
        ConfigParser parse;
        size_t offset; /* of the field in ConfigDaemon, ConfigCaEntry, ConfigCertificateEntry */
        const char *initial; /* the default, as one would write it; NULL: none */
} Key;

#define D(field) offsetof(ConfigDaemon, field)
#define A(field) offsetof(ConfigCaEntry, field)
#define C(field) offsetof(ConfigCertificateEntry, field)

static const Key keys[] = {
        { SECTION_DAEMON, "StateDirectory", parse_path, D(state_directory),
                        RENEWD_STATE_DIRECTORY },
        { SECTION_DAEMON, "ControlSocket", parse_socket_path, D(control_socket),
                        RENEWD_RUNTIME_DIRECTORY "/control.sock" },
        { SECTION_DAEMON, "HttpListen", parse_listen, 0, NULL },
        { SECTION_DAEMON, "HttpFallback", parse_fallback, D(http_fallback), "not-found" },
        { SECTION_DAEMON, "MaxParallelOrders", parse_parallel, D(max_parallel_orders), "4" },
        { SECTION_DAEMON, "SettleTime", parse_settle, D(settle_usec), "2s" },
        { SECTION_DAEMON, "UserAgent", parse_text, D(user_agent), NULL },

        { SECTION_CA, "Directory", parse_directory, A(section.directory), NULL },
        { SECTION_CA, "Contact", parse_contacts, A(section.contacts), NULL },
        { SECTION_CA, "AgreeToTerms", parse_bool, A(section.agree_to_terms), "no" },
        { SECTION_CA, "TrustFile", parse_path, A(section.trust_file), NULL },
        { SECTION_CA, "EabKeyId", parse_text, A(section.eab_key_id), NULL },
        { SECTION_CA, "EabKeyFile", parse_secret_path, A(eab_key_file), NULL },
        { SECTION_CA, "AccountKey", parse_key_type, A(section.account_key), "ecdsa-p256" },
        { SECTION_CA, "PreferredChain", parse_text, A(section.preferred_chain), NULL },

        { SECTION_CERTIFICATE, "Names", parse_names, C(section.names), NULL },
        { SECTION_CERTIFICATE, "CA", parse_ca_name, C(ca), NULL },
        { SECTION_CERTIFICATE, "Key", parse_key_type, C(section.key), "ecdsa-p256" },
        { SECTION_CERTIFICATE, "ReuseKey", parse_bool, C(section.reuse_key), "no" },
        { SECTION_CERTIFICATE, "RenewBefore", parse_renew_before, C(section.renew_before), "auto" },
        { SECTION_CERTIFICATE, "Profile", parse_text, C(section.profile), NULL },
        { SECTION_CERTIFICATE, "RequireProfile", parse_text, C(section.required_profile), NULL },
        { SECTION_CERTIFICATE, "Challenge", parse_challenge, 0, "http-01" },
        { SECTION_CERTIFICATE, "Webroot", parse_path, C(section.webroot), NULL },
        { SECTION_CERTIFICATE, "Reload", parse_units, C(section.reload), NULL },
        { SECTION_CERTIFICATE, "Run", parse_command, C(section.run), NULL },
};

/* Reading one file. */
typedef struct Grammar {
        Config *config;
        ConfigProblems *problems;
        const char *file;

        /* the section that is open */
        bool refused; /* its assignments are not looked at */
        SectionKind kind;
        const char *name; /* NULL for [Daemon] */
        void *fields;     /* NULL: none yet */
} Grammar;

#define problem(g, line, ...) config_problem((g)->problems, (g)->file, (line), __VA_ARGS__)

static int set_value(const ConfigPlace *place, const Key *key, void *fields, const char *value)
{
        if (!*value && key->initial)
                value = key->initial;
        return key->parse(place, value, (char *) fields + key->offset);
}

static int set_defaults(SectionKind kind, void *fields)
{
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(keys) && r >= 0; i++)
                if (keys[i].kind == kind && keys[i].initial)
                        r = set_value(NULL, &keys[i], fields, "");
        return r;
}

int grammar_init(Config *config)
{
        return set_defaults(SECTION_DAEMON, &config->daemon);
}

/* --- [Section name] */

static int open_ca(Grammar *g, unsigned line, const char *name)
{
        ConfigCaEntry *e = config_find_ca(g->config, name);
        int r;

        if (!e) {
                r = config_add_ca(g->config, name, g->file, line, &e);
                if (r >= 0)
                        r = set_defaults(SECTION_CA, e);
                if (r < 0)
                        return r;
        }
        g->name = e->section.name;
        g->fields = e;
        g->refused = false;
        return 0;
}

static int open_certificate(Grammar *g, unsigned line, const char *name)
{
        const ConfigCertificate *first = config_find_certificate(g->config, name);
        ConfigCertificateEntry *e;
        int r;

        if (first) {
                problem(g, line, "[Certificate %s] is there already, at %s:%u; keep one of them",
                                name, first->file, first->line);
                return 0;
        }
        r = config_add_certificate(g->config, name, g->file, line, &e);
        if (r >= 0)
                r = set_defaults(SECTION_CERTIFICATE, e);
        if (r < 0)
                return r;
        g->name = e->section.name;
        g->fields = e;
        g->refused = false;
        return 0;
}

static bool check_section_name(Grammar *g, unsigned line, const char *kind, const char *name)
{
        _cleanup_free_ char *shown = text_escape(name, strlen(name), 80);

        if (!*name)
                problem(g, line, "[%s] needs a name, like [%s %s]", kind, kind,
                                streq(kind, kind_names[SECTION_CA]) ? PRESET_DEFAULT
                                                                    : "example.com");
        else if (!text_is_plain_name(name))
                problem(g, line,
                                "the name '%s' of a [%s] becomes a directory: up to 200 letters, "
                                "digits, '.', '_' and '-', not starting with a dot%s",
                                shown ? shown : "", kind,
                                streq(kind, kind_names[SECTION_CERTIFICATE])
                                                ? "; what the certificate is for goes into Names="
                                                : "");
        else
                return true;
        return false;
}

static int refuse_section(Grammar *g, unsigned line, const char *kind)
{
        _cleanup_free_ char *shown = text_escape(kind, strlen(kind), 80);
        Suggestion s = SUGGESTION_INIT(kind);

        for (size_t i = 0; i < ELEMENTSOF(kind_names); i++)
                suggestion_offer(&s, kind_names[i]);
        if (s.best)
                problem(g, line, "unknown section [%s], did you mean [%s]?", shown ? shown : "",
                                s.best);
        else
                problem(g, line,
                                "unknown section [%s]; there are [Daemon], [CA name] and "
                                "[Certificate name]",
                                shown ? shown : "");
        return 0;
}

static int on_section(void *userdata, unsigned line, const char *text)
{
        Grammar *g = userdata;
        size_t n = strcspn(text, " \t");
        const char *name = text + n + strspn(text + n, " \t");
        _cleanup_free_ char *kind = strndup(text, n);

        if (!kind)
                return -ENOMEM;
        g->refused = true;
        g->name = NULL;
        if (streq(kind, kind_names[SECTION_DAEMON])) {
                g->kind = SECTION_DAEMON;
                g->fields = &g->config->daemon;
                g->refused = false;
                if (*name)
                        problem(g, line, "[Daemon] takes no name; write [Daemon]");
                return 0;
        }
        if (streq(kind, kind_names[SECTION_CA])) {
                g->kind = SECTION_CA;
                return check_section_name(g, line, kind, name) ? open_ca(g, line, name) : 0;
        }
        if (streq(kind, kind_names[SECTION_CERTIFICATE])) {
                g->kind = SECTION_CERTIFICATE;
                return check_section_name(g, line, kind, name) ? open_certificate(g, line, name)
                                                               : 0;
        }
        return refuse_section(g, line, kind);
}

/* --- Key=value */

static const Key *find_key(SectionKind kind, const char *name)
{
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (keys[i].kind == kind && streq(keys[i].name, name))
                        return &keys[i];
        return NULL;
}

/* The key as it is, or a hint where it would be right. */
static void refuse_key(Grammar *g, unsigned line, const char *name)
{
        _cleanup_free_ char *shown = text_escape(name, strlen(name), 80);
        const char *space = g->name ? " " : "", *section = g->name ? g->name : "";
        Suggestion s = SUGGESTION_INIT(name);

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                if (keys[i].kind == g->kind)
                        suggestion_offer(&s, keys[i].name);
                else if (streq(keys[i].name, name)) {
                        problem(g, line, "%s= does not belong in [%s%s%s] but in a [%s%s] section",
                                        name, kind_names[g->kind], space, section,
                                        kind_names[keys[i].kind],
                                        keys[i].kind == SECTION_DAEMON ? "" : " name");
                        return;
                }
        }
        problem(g, line, "unknown key '%s' in [%s%s%s]%s%s%s", shown ? shown : "",
                        kind_names[g->kind], space, section, s.best ? ", did you mean '" : "",
                        s.best ? s.best : "", s.best ? "'?" : "; renewd.conf(5) has the list");
}

static int on_assignment(void *userdata, unsigned line, const char *name, const char *value)
{
        Grammar *g = userdata;
        const Key *key;

        if (!g->fields && !g->refused) {
                problem(g, line, "stands before the first [Section]");
                g->refused = true; /* one such message says it */
        }
        if (g->refused)
                return 0;
        key = find_key(g->kind, name);
        if (!key) {
                refuse_key(g, line, name);
                return 0;
        }
        return set_value(&(ConfigPlace){ g->file, line, key->name, g->problems }, key, g->fields,
                        value);
}

static void on_problem(void *userdata, unsigned line, const char *text)
{
        problem((Grammar *) userdata, line, "%s", text);
}

int grammar_read(Config *config, const char *file, const char *text, size_t size,
                ConfigProblems *problems)
{
        static const SyntaxHandler handler = { on_section, on_assignment, on_problem };
        Grammar g = { .config = config, .problems = problems, .file = file };

        return syntax_read(text, size, &handler, &g);
}
