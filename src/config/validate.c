/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * validate: the whole after its parts. Each value was looked at where it was read (parse*.c); here
 * sections meet: certificates find their CA, CAs are checked to be complete. Nothing is asked of
 * the network or of other programs: the same files give the same answer.
 */

#include "base/strv.h"
#include "base/text.h"
#include "config/config-internal.h"
#include "config/names.h"
#include "config/presets.h"
#include "config/suggest.h"
#include "config/validate.h"

#define problem(section, problems, ...) \
        config_problem((problems), (section)->file, (section)->line, __VA_ARGS__)

/* --- [CA name] */

static bool is_preset_directory(const char *directory)
{
        for (const Preset *p = presets; p->name; p++)
                if (streq(p->directory, directory))
                        return true;
        return false;
}

static int validate_directory(ConfigCa *ca, ConfigProblems *problems)
{
        const Preset *preset = preset_find(ca->name);
        Suggestion s = SUGGESTION_INIT(ca->name);

        if (!ca->directory && preset) {
                ca->directory = strdup(preset->directory);
                if (!ca->directory)
                        return -ENOMEM;
        }
        if (ca->directory) {
                ca->preset = is_preset_directory(ca->directory);
                return 0;
        }
        for (const Preset *p = presets; p->name; p++)
                suggestion_offer(&s, p->name);
        problem(ca, problems,
                        "[CA %s] needs Directory=, the https URL of its ACME directory: it is not "
                        "one of the CAs that renewd knows by name%s%s%s",
                        ca->name, s.best ? "; did you mean [CA " : "", s.best ? s.best : "",
                        s.best ? "]?" : "");
        return 0;
}

static int validate_ca(ConfigCaEntry *e, bool secrets, ConfigProblems *problems)
{
        ConfigCa *ca = &e->section;
        int r;

        r = validate_directory(ca, problems);
        if (r < 0)
                return r;
        if (!ca->agree_to_terms)
                problem(ca, problems,
                                "[CA %s] needs AgreeToTerms=yes: without your consent to its terms "
                                "a CA issues nothing",
                                ca->name);
        if (ca->eab_key_id && !e->eab_key_file.text)
                problem(ca, problems,
                                "[CA %s] has EabKeyId= but no EabKeyFile=; they come together",
                                ca->name);
        if (!ca->eab_key_id && e->eab_key_file.text)
                problem(ca, problems,
                                "[CA %s] has EabKeyFile= but no EabKeyId=; they come together",
                                ca->name);
        return secrets && e->eab_key_file.text ? config_read_eab_key(e, problems) : 0;
}

/* --- [Certificate name] */

/* A CA that has no section. */
static void refuse_ca(const Config *config, const char *name, const ConfigWritten *where,
                ConfigProblems *problems)
{
        Suggestion s = SUGGESTION_INIT(name);

        if (preset_find(name)) {
                problem(where, problems,
                                "the CA %s%s needs your consent to its terms: add a section [CA "
                                "%s] with the line AgreeToTerms=yes",
                                name, where->text ? "" : " (the default)", name);
                return;
        }
        for (size_t i = 0; i < config->n_cas; i++)
                suggestion_offer(&s, config->cas[i]->name);
        for (const Preset *p = presets; p->name; p++)
                suggestion_offer(&s, p->name);
        if (s.best)
                problem(where, problems, "CA=%s: there is no such CA, did you mean '%s'?", name,
                                s.best);
        else
                problem(where, problems,
                                "CA=%s: there is no such CA; add a section [CA %s] with its "
                                "Directory=",
                                name, name);
}

/* Finds the CA, and says once of each that is missing that it is. */
static int resolve_ca(const Config *config, ConfigCertificateEntry *e, char ***missing,
                ConfigProblems *problems)
{
        const char *name = e->ca.text ? e->ca.text : PRESET_DEFAULT;
        const ConfigCaEntry *ca = config_find_ca(config, name);
        ConfigWritten where = e->ca;

        if (ca) {
                e->section.ca = &ca->section;
                return 0;
        }
        if (strv_contains(*missing, name))
                return 0;
        if (!where.text) {
                where.file = e->section.file;
                where.line = e->section.line;
        }
        refuse_ca(config, name, &where, problems);
        return strv_add(missing, name);
}

/* Without Names= a certificate is for the name of its section. */
static int complete_names(ConfigCertificate *c, ConfigProblems *problems)
{
        _cleanup_free_ char *name = NULL, *reason = NULL;
        int r;

        if (c->names)
                return 0;
        r = name_normalize(c->name, &name, &reason);
        if (r == -EINVAL) {
                problem(c, problems, "[Certificate %s] needs Names=, since '%s' %s", c->name,
                                c->name, reason);
                return 0;
        }
        return r < 0 ? r : strv_add(&c->names, name);
}

static void check_profile(const ConfigCertificate *c, ConfigProblems *problems)
{
        const char *profile = config_certificate_profile(c);
        bool lets_encrypt = c->ca && c->ca->preset && has_prefix(c->ca->name, "letsencrypt");

        if (c->profile && c->required_profile)
                problem(c, problems,
                                "[Certificate %s] has Profile= and RequireProfile=; write the one "
                                "that is meant",
                                c->name);
        /* RFC 8738 names are given for six days only. */
        STRV_FOREACH (name, c->names)
                if (lets_encrypt && name_is_address(*name) &&
                                !(profile && streq(profile, "shortlived"))) {
                        problem(c, problems,
                                        "[Certificate %s] is for the address %s, which Let's "
                                        "Encrypt certifies with Profile=shortlived only",
                                        c->name, *name);
                        break;
                }
}

int config_validate(Config *config, bool secrets, ConfigProblems *problems)
{
        _cleanup_strv_ char **missing = NULL;
        int r = 0;

        for (size_t i = 0; i < config->n_cas && r >= 0; i++)
                r = validate_ca(config_ca_entry(config->cas[i]), secrets, problems);
        for (size_t i = 0; i < config->n_certificates && r >= 0; i++) {
                ConfigCertificate *c = config->certificates[i];

                r = resolve_ca(config, config_certificate_entry(c), &missing, problems);
                if (r >= 0)
                        r = complete_names(c, problems);
                if (r >= 0)
                        check_profile(c, problems);
        }
        return r;
}
