/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caa: RFC 8659 as the CA will read it, before it does.
 *
 * The climb (section 3) goes from the name towards the root and stops at the first name that has
 * CAA records; theirs alone count. A look-up that fails on the way ends it: no CA issues on what it
 * could not read. Records are then read as section 4.2 writes them. Where that leaves a doubt, the
 * strict reading is taken: what it costs is a warning.
 */

#include <strings.h>

#include "base/text.h"
#include "config/names.h"
#include "engine/caa.h"

/* RFC 8659 section 4.1: the first bit. */
#define FLAG_CRITICAL 0x80U

/* The value of issue and issuewild, taken apart. */
typedef struct Issue {
        char *issuer;                   /* "" : nobody */
        char *accounts, *methods;       /* NULL: not said */
        unsigned n_accounts, n_methods; /* how often they are said */
} Issue;

static void issue_done(Issue *i)
{
        free(i->issuer);
        free(i->accounts);
        free(i->methods);
}

/* --- one value (RFC 8659 section 4.2) --------------------------------------------------------- */

static const char *skip_space(const char *s)
{
        return s + strspn(s, " \t");
}

static size_t trimmed(const char *s, size_t n)
{
        while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
                n--;
        return n;
}

static bool is_all_of(const char *s, size_t n, const char *more)
{
        for (size_t i = 0; i < n; i++)
                if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
                                    (s[i] >= '0' && s[i] <= '9') || strchr(more, s[i])))
                        return false;
        return true;
}

static bool is_value(const char *s, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (s[i] < '!' || s[i] > '~')
                        return false;
        return true;
}

static int keep(char **field, unsigned *n, const char *s, size_t size)
{
        free(*field);
        *field = strndup(s, size);
        ++*n;
        return *field ? 0 : -ENOMEM;
}

/* tag *WSP "=" *WSP value. Return: 0, -EINVAL, -ENOMEM. */
static int issue_add_parameter(Issue *i, const char *s, size_t size)
{
        const char *equals = memchr(s, '=', size), *value;
        size_t n_tag, n_value;

        if (!equals)
                return -EINVAL;
        n_tag = trimmed(s, (size_t) (equals - s));
        value = skip_space(equals + 1);
        n_value = value > s + size ? 0 : (size_t) (s + size - value);
        if (n_tag == 0 || !is_all_of(s, n_tag, "-") || !is_value(value, n_value))
                return -EINVAL;
        if (n_tag == strlen("accounturi") && strncasecmp(s, "accounturi", n_tag) == 0)
                return keep(&i->accounts, &i->n_accounts, value, n_value);
        if (n_tag == strlen("validationmethods") && strncasecmp(s, "validationmethods", n_tag) == 0)
                return keep(&i->methods, &i->n_methods, value, n_value);
        return 0; /* the CA's own affair */
}

/* Return: 0, -EINVAL when it is not as the RFC writes it, and so permits nobody; -ENOMEM. */
static int issue_read(const LookupCaa *record, Issue *i)
{
        const char *s = skip_space(record->value);
        size_t n = strcspn(s, ";"), size = trimmed(s, n);
        int r = 0;

        if (strlen(record->value) != record->size || !is_all_of(s, size, "-."))
                return -EINVAL;
        i->issuer = strndup(s, size);
        if (!i->issuer)
                return -ENOMEM;
        for (s += n; *s == ';' && r >= 0; s += n) {
                s = skip_space(s + 1);
                n = strcspn(s, ";");
                size = trimmed(s, n);
                if (size > 0)
                        r = issue_add_parameter(i, s, size);
        }
        return r;
}

/* --- one record and our question -------------------------------------------------------------- */

/* How far a record goes along with us; the further, the more it is to be told of. */
typedef enum Match {
        MATCH_OTHER,   /* it permits another CA, or nobody */
        MATCH_METHOD,  /* this CA, but not by our way of validation */
        MATCH_ACCOUNT, /* this CA, but for another account */
        MATCH_PERMITS,
} Match;

static bool is_identity(const CaaQuestion *q, const char *issuer)
{
        for (const char *const *i = q->identities; *i; i++)
                if (strcasecmp(*i, issuer) == 0)
                        return true;
        return false;
}

static bool has_method(const char *list, const char *method)
{
        size_t n;

        for (; *list; list += n + (list[n] == ',')) {
                n = strcspn(list, ",");
                if (n == strlen(method) && strncmp(list, method, n) == 0)
                        return true;
        }
        return false;
}

static Match issue_match(const Issue *i, const CaaQuestion *q)
{
        if (!i->issuer || !is_identity(q, i->issuer))
                return MATCH_OTHER;
        /* Said twice, neither holds (RFC 8657 sections 3 and 4). */
        if (i->n_methods > 1 || (i->methods && !has_method(i->methods, q->method)))
                return MATCH_METHOD;
        if (i->n_accounts > 1 ||
                        (i->accounts && q->account_url && !streq(i->accounts, q->account_url)))
                return MATCH_ACCOUNT;
        return MATCH_PERMITS;
}

/* --- the records of one name ------------------------------------------------------------------ */

static bool is_tag(const LookupCaa *record, const char *tag)
{
        return strcasecmp(record->tag, tag) == 0;
}

static const LookupCaa *find_unknown_critical(const LookupAnswer *a)
{
        static const char *const known[] = { "issue", "issuewild", "issuemail", "iodef" };

        for (size_t i = 0; i < a->n_caa; i++) {
                bool is_known = false;

                for (size_t k = 0; k < ELEMENTSOF(known); k++)
                        is_known = is_known || is_tag(&a->caa[i], known[k]);
                if (!is_known && a->caa[i].flags & FLAG_CRITICAL)
                        return &a->caa[i];
        }
        return NULL;
}

static bool has_tag(const LookupAnswer *a, const char *tag)
{
        for (size_t i = 0; i < a->n_caa; i++)
                if (is_tag(&a->caa[i], tag))
                        return true;
        return false;
}

/* Which property counts: a wildcard has one of its own, where it is used. NULL: none restricts. */
static const char *relevant_tag(const CaaQuestion *q, const LookupAnswer *a)
{
        if (has_prefix(q->name, "*.") && has_tag(a, "issuewild"))
                return "issuewild";
        return has_tag(a, "issue") ? "issue" : NULL;
}

static void climb_end(CaaClimb *c, CaaVerdict verdict, char *reason_take)
{
        c->verdict = verdict;
        c->reason = reason_take;
        c->at = NULL;
}

/* The record that goes along with us furthest says what is to be changed. */
static void climb_refuse(CaaClimb *c, Match best, const LookupCaa *record, const char *tag)
{
        const CaaQuestion *q = &c->question;
        _cleanup_free_ char *shown = text_escape(record->value, record->size, LIMIT_PEER_TEXT);
        const char *identity = q->identities[0], *text = shown ? shown : "";
        char *reason = NULL;

        switch (best) {
        case MATCH_ACCOUNT:
                reason = text_format(
                                "the CAA record of %s, %s \"%s\", permits another account than "
                                "ours; correct it to accounturi=%s",
                                c->at, tag, text, q->account_url);
                break;
        case MATCH_METHOD:
                reason = text_format("the CAA record of %s, %s \"%s\", does not permit validation "
                                     "by %s, which renewd uses; add %s to its validationmethods",
                                c->at, tag, text, q->method, q->method);
                break;
        case MATCH_OTHER:
        case MATCH_PERMITS:
                reason = text_format("the CAA records of %s permit others (%s \"%s\") and not this "
                                     "CA; add the record: %s. CAA 0 %s \"%s\"",
                                c->at, tag, text, c->at, tag, identity);
                break;
        }
        climb_end(c, CAA_REFUSED, reason);
}

static void climb_judge(CaaClimb *c, const LookupAnswer *a)
{
        const LookupCaa *critical = find_unknown_critical(a), *best_record = NULL;
        const char *tag = relevant_tag(&c->question, a);
        Match best = MATCH_OTHER;

        if (critical) {
                _cleanup_free_ char *shown = text_escape(
                                critical->tag, strlen(critical->tag), LIMIT_DNS_LABEL);

                climb_end(c, CAA_REFUSED,
                                text_format("the CAA records of %s have a critical property '%s' "
                                            "that CAs do not know, and so none may issue; remove "
                                            "it or its critical flag",
                                                c->at, shown ? shown : ""));
                return;
        }
        for (size_t i = 0; i < a->n_caa && tag && best != MATCH_PERMITS; i++) {
                Issue issue = {};
                Match match;

                if (!is_tag(&a->caa[i], tag))
                        continue;
                match = issue_read(&a->caa[i], &issue) >= 0 ? issue_match(&issue, &c->question)
                                                            : MATCH_OTHER;
                if (!best_record || match > best) {
                        best = match;
                        best_record = &a->caa[i];
                }
                issue_done(&issue);
        }
        if (!best_record || best == MATCH_PERMITS)
                climb_end(c, CAA_PERMITTED, NULL);
        else
                climb_refuse(c, best, best_record, tag);
}

/* --- the climb -------------------------------------------------------------------------------- */

void caa_climb_init(CaaClimb *c, const CaaQuestion *question)
{
        *c = (CaaClimb){ .question = *question, .verdict = CAA_PERMITTED };
        if (!question->identities || !question->identities[0] || name_is_address(question->name))
                return;
        c->at = has_prefix(question->name, "*.") ? question->name + 2 : question->name;
}

void caa_climb_done(CaaClimb *c)
{
        free(c->reason);
        c->reason = NULL;
}

/* The root has no CAA that counts. */
static void climb_up(CaaClimb *c)
{
        const char *dot = strchr(c->at, '.');

        if (dot && dot[1])
                c->at = dot + 1;
        else
                climb_end(c, CAA_PERMITTED, NULL);
}

void caa_climb_feed(CaaClimb *c, const LookupAnswer *answer)
{
        assert(c->at);
        switch (answer->outcome) {
        case LOOKUP_ANSWER:
                climb_judge(c, answer);
                break;
        case LOOKUP_NO_DATA:
        case LOOKUP_NO_NAME:
                climb_up(c);
                break;
        case LOOKUP_BOGUS:
        case LOOKUP_SERVFAIL:
        case LOOKUP_REFUSED:
        case LOOKUP_BAD_ANSWER:
        case LOOKUP_TIMEOUT:
        case LOOKUP_UNREACHABLE:
                climb_end(c, CAA_UNKNOWN,
                                text_format("the CAA records of %s cannot be looked up: %s; a CA "
                                            "that sees the same will refuse",
                                                c->at,
                                                lookup_outcome_to_sentence(answer->outcome)));
                break;
        }
}
