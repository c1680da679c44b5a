/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * generation-load: what is in force, believed only after a look at every file of it.
 *
 * "Issued" is not a flag but files that were read, parsed and matched. If those that live/ points
 * to are not whole (a disk error, a hand that slipped), the newest whole generation takes their
 * place, so that the services have a pair that loads.
 */

#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/strv.h"
#include "base/text.h"
#include "store/generation.h"

void store_generation_done(StoreGeneration *g)
{
        free(g->id);
        renew_chain_free(g->chain);
        renew_key_unref(g->key);
        *g = (StoreGeneration){};
}

/* Return: 0, STORE_E_DAMAGED, -errno. */
static int read_public(int fd, const char *file, char **ret, size_t *ret_size)
{
        int r = file_read_at(fd, file, LIMIT_STATE_FILE, ret, ret_size);

        return r < 0 && store_is_damage(r) ? STORE_E_DAMAGED : r;
}

/* Whether fullchain.pem is cert.pem and then chain.pem, byte for byte. Return: 0, STORE_E_DAMAGED,
 * -errno. */
static int check_parts(int fd, const char *full, size_t full_size)
{
        _cleanup_free_ char *cert = NULL, *chain = NULL;
        size_t cert_size, chain_size;
        int r;

        r = read_public(fd, GENERATION_CERT, &cert, &cert_size);
        if (r != 0)
                return r;
        r = read_public(fd, GENERATION_CHAIN, &chain, &chain_size);
        if (r != 0)
                return r;
        if (cert_size + chain_size != full_size || memcmp(full, cert, cert_size) != 0 ||
                        memcmp(full + cert_size, chain, chain_size) != 0)
                return STORE_E_DAMAGED;
        return 0;
}

/* Return: 0, STORE_E_DAMAGED, -errno; *ret_bad is the file that is bad. */
static int load_pair(int fd, StoreGeneration *g, const char **ret_bad)
{
        _cleanup_free_ char *full = NULL, *reason = NULL;
        size_t size;
        int r;

        *ret_bad = GENERATION_FULLCHAIN;
        r = read_public(fd, GENERATION_FULLCHAIN, &full, &size);
        if (r != 0)
                return r;
        r = renew_chain_from_pem(full, size, &g->chain, &reason);
        if (r != 0)
                return r > 0 ? STORE_E_DAMAGED : r;
        r = check_parts(fd, full, size);
        if (r != 0)
                return r;
        *ret_bad = GENERATION_KEY;
        r = store_key_load(fd, GENERATION_KEY, &g->key);
        if (r != 0)
                return r == -EIO ? STORE_E_DAMAGED : r;
        return renew_chain_matches_key(g->chain, g->key) ? 0 : STORE_E_DAMAGED;
}

/* meta.json only tells the instant, which the id nearly knows. */
static int load_issued(int fd, StoreGeneration *g)
{
        GenerationMeta m = {};
        int r;

        r = document_load(fd, GENERATION_META, generation_meta_fields, &m);
        if (r == 0 && m.issued_usec > 0)
                g->issued_usec = m.issued_usec;
        else if (r != -ENOMEM)
                (void) generation_id_parse(g->id, &g->issued_usec);
        generation_meta_done(&m);
        return r == -ENOMEM ? r : 0;
}

/* Return: 0, STORE_E_DAMAGED, -errno; *ret_bad says what is bad. */
static int load_one(int certificate_fd, const char *id, StoreGeneration *ret, const char **ret_bad)
{
        _cleanup_close_ int fd = openat(
                        certificate_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        _cleanup_(store_generation_done) StoreGeneration g = {};
        int r;

        *ret_bad = "its directory";
        if (fd < 0)
                return store_is_damage(-errno) ? STORE_E_DAMAGED : -errno;
        g.id = strdup(id);
        if (!g.id)
                return -ENOMEM;
        r = load_pair(fd, &g, ret_bad);
        if (r == 0)
                r = load_issued(fd, &g);
        if (r != 0)
                return r;
        *ret = g;
        g = (StoreGeneration){};
        return 0;
}

/* The newest whole generation but for one that is known to be bad. Return: 0, -ENOENT, -errno. */
static int load_newest(int certificate_fd, const char *known_bad, StoreGeneration *ret)
{
        _cleanup_strv_ char **ids = NULL;
        const char *bad;
        int r;

        r = generation_list(certificate_fd, &ids);
        if (r < 0)
                return r;
        for (size_t i = strv_length(ids); i > 0; i--) {
                if (streq_ptr(ids[i - 1], known_bad))
                        continue;
                r = load_one(certificate_fd, ids[i - 1], ret, &bad);
                if (r != STORE_E_DAMAGED)
                        return r;
        }
        return -ENOENT;
}

/* Why live/<name> could not be believed, as the beginning of a sentence. */
static char *describe_trouble(const char *certificate, const char *id, const char *bad)
{
        if (id)
                return text_format("generation %s, which live/%s points to, is not whole (%s)", id,
                                certificate, bad);
        return text_format("live/%s %s", certificate, bad);
}

static int fall_back(Store *s, int certificate_fd, const char *certificate, const char *known_bad,
                const char *trouble, StoreGeneration *ret, char **ret_warning)
{
        _cleanup_(store_generation_done) StoreGeneration g = {};
        _cleanup_free_ char *warning = NULL;
        int r, linked = 0;

        r = load_newest(certificate_fd, known_bad, &g);
        if (r < 0 && r != -ENOENT)
                return r;
        if (r == 0 && !s->read_only)
                linked = generation_link(s, certificate, g.id);
        if (r < 0)
                warning = text_format("%s, and there is no whole one", trouble);
        else if (linked < 0)
                warning = text_format(
                                "%s; generation %s is whole, but the link cannot be changed: %s",
                                trouble, g.id, strerror(-linked));
        else
                warning = text_format("%s; the newest whole generation %s takes its place", trouble,
                                g.id);
        if (!warning)
                return -ENOMEM;
        *ret_warning = TAKE_PTR(warning);
        if (r == 0) {
                *ret = g;
                g = (StoreGeneration){};
        }
        return r;
}

/* Whether there was ever one: what was never issued is not a trouble to tell of. */
static bool has_generations(int certificate_fd)
{
        _cleanup_strv_ char **ids = NULL;

        return generation_list(certificate_fd, &ids) < 0 || strv_length(ids) > 0;
}

int store_generation_load(
                Store *s, const char *certificate, StoreGeneration *ret, char **ret_warning)
{
        _cleanup_close_ int fd = store_directory(s, 0, "certificates/%s", certificate);
        _cleanup_free_ char *id = NULL, *trouble = NULL;
        const char *bad = "is not a link to a generation";
        int r;

        if (fd < 0)
                return fd;
        r = generation_in_force(s, certificate, &id);
        if (r == 0)
                r = load_one(fd, id, ret, &bad);
        else if (r == -ENOENT && !has_generations(fd))
                return r;
        else if (r == -ENOENT) {
                bad = "is missing";
                r = STORE_E_DAMAGED;
        }
        if (r <= 0)
                return r;
        trouble = describe_trouble(certificate, id, bad);
        return trouble ? fall_back(s, fd, certificate, id, trouble, ret, ret_warning) : -ENOMEM;
}
