/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * names: what a certificate may be asked for with http-01.
 *
 * Names are normalised once, here, so that two spellings of one name are one name everywhere else:
 * in an order, in a CSR, in the comparison with the certificate in force. libidn2 does the
 * international part (IDNA 2008 with the mapping of UTS 46, as browsers do). What comes out is
 * checked again as plain ASCII, because the mapping can make dots and digits of other characters.
 *
 * Names of one label ("localhost", "db1") are allowed: private CAs know them, public ones refuse
 * them with a reason of their own.
 */

#include <arpa/inet.h>
#include <ctype.h>
#include <idn2.h>

#include "base/limits.h"
#include "base/text.h"
#include "config/names.h"

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyz"

/* Return: the family of the address that it is, AF_UNSPEC when it is none. */
static int address_parse(const char *name, unsigned char address[static sizeof(struct in6_addr)])
{
        int family = strchr(name, ':') ? AF_INET6 : AF_INET;

        return inet_pton(family, name, address) == 1 ? family : AF_UNSPEC;
}

/* Return: 0 with *ret, -EINVAL when it is no address, -ENOMEM. */
static int normalize_address(const char *name, char **ret)
{
        char text[INET6_ADDRSTRLEN];
        unsigned char address[sizeof(struct in6_addr)];
        int family = address_parse(name, address);

        if (family == AF_UNSPEC)
                return -EINVAL;
        if (!inet_ntop(family, address, text, sizeof(text)))
                return -errno;
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

/* What people write where a name should be. Return: the mend, or NULL. */
static const char *find_mistake(const char *name)
{
        if (strchr(name, '*'))
                return "is a wildcard, which http-01 cannot prove (RFC 8555 section 8.3 asks one "
                       "host); list each name that is used";
        if (strstr(name, "://") || strchr(name, '/'))
                return "is a URL or a path; write the host's name alone";
        if (strchr(name, '@'))
                return "is an e-mail address; write the host's name alone";
        if (strchr(name, '['))
                return "is not a name; write an IPv6 address without brackets and port";
        if (strchr(name, ':'))
                return "is neither a name nor an IPv6 address; a name stands without a port";
        if (strchr(name, ','))
                return "has a comma; names are separated by spaces";
        return NULL;
}

/* What is wrong with one label of ASCII. Return: the reason, or NULL. */
static const char *find_label_problem(const char *label, size_t size)
{
        if (size == 0)
                return "has an empty label: two dots, or a dot at the start";
        if (size > LIMIT_DNS_LABEL)
                return "has a label of more than 63 characters";
        if (label[0] == '-' || label[size - 1] == '-')
                return "has a label that starts or ends with a hyphen";
        if (strspn(label, LETTERS DIGITS "-") < size)
                return "has a character that no host name has; letters, digits, hyphens and dots "
                       "are allowed";
        return NULL;
}

/* What is wrong with a name of A-labels. Return: the reason, or NULL. */
static const char *find_problem(const char *name)
{
        const char *label = name, *problem;
        size_t size;

        if (strlen(name) > LIMIT_DNS_NAME)
                return "is longer than 253 characters";
        for (;; label += size + 1) {
                size = strcspn(label, ".");
                problem = find_label_problem(label, size);
                if (problem)
                        return problem;
                if (!label[size])
                        break;
        }
        if (strspn(label, DIGITS) == size)
                return "is not an IP address, and no name ends in a number";
        return NULL;
}

static int refuse(const char *reason, char **ret_reason)
{
        *ret_reason = strdup(reason);
        return *ret_reason ? -EINVAL : -ENOMEM;
}

/* A copy in A-labels and lower case. */
static int to_a_labels(const char *name, char **ret, char **ret_reason)
{
        uint8_t *out = NULL;
        int k = idn2_lookup_u8((const uint8_t *) name, &out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);

        if (k == IDN2_MALLOC)
                return -ENOMEM;
        if (k != IDN2_OK) {
                *ret_reason = text_format("is not a name (IDNA 2008): %s", idn2_strerror(k));
                return *ret_reason ? -EINVAL : -ENOMEM;
        }
        *ret = (char *) out;
        for (char *p = *ret; *p; p++)
                *p = (char) tolower((unsigned char) *p);
        return 0;
}

int name_normalize(const char *name, char **ret, char **ret_reason)
{
        _cleanup_free_ char *copy = NULL, *ascii = NULL;
        const char *problem;
        size_t n;
        int r;

        r = normalize_address(name, ret);
        if (r != -EINVAL)
                return r;
        problem = find_mistake(name);
        if (problem)
                return refuse(problem, ret_reason);
        copy = strdup(name);
        if (!copy)
                return -ENOMEM;
        n = strlen(copy);
        if (n > 1 && copy[n - 1] == '.')
                copy[n - 1] = 0;
        /* libidn2 stops at the first thing that it does not like; for what is plain ASCII anyway,
         * our reasons are the clearer ones. */
        if (strspn(copy, LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "-.") == strlen(copy)) {
                for (char *p = copy; *p; p++)
                        *p = (char) tolower((unsigned char) *p);
                problem = find_problem(copy);
                if (problem)
                        return refuse(problem, ret_reason);
        }
        r = to_a_labels(copy, &ascii, ret_reason);
        if (r < 0)
                return r;
        problem = find_problem(ascii);
        if (problem)
                return refuse(problem, ret_reason);
        *ret = TAKE_PTR(ascii);
        return 0;
}

bool name_is_address(const char *name)
{
        unsigned char address[sizeof(struct in6_addr)];

        return address_parse(name, address) != AF_UNSPEC;
}
