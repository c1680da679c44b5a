/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store/document.h"
#include "store/layout.h"

/* What the writer and the reader of generations share. Not for other rooms. */

#define GENERATION_CERT      "cert.pem"
#define GENERATION_CHAIN     "chain.pem"
#define GENERATION_FULLCHAIN "fullchain.pem"
#define GENERATION_KEY       "privkey.pem"
#define GENERATION_META      "meta.json"

/* meta.json: what the other files do not say. */
typedef struct GenerationMeta {
        uint64_t issued_usec;
        char *serial; /* these two for people */
        char *fingerprint;
} GenerationMeta;

extern const Field generation_meta_fields[];

void generation_meta_done(GenerationMeta *m);

/* The instant that an id says: "20261124T001500Z-1a2b3c4d", its first five hexadecimal digits being
 * the microseconds. Return: 0, -EINVAL when it is no id. */
int generation_id_parse(const char *id, uint64_t *ret_usec);

/* Ids of the generations in a certificate's directory, oldest first; foreign names are left out.
 * The caller frees with strv_free(). Return: 0 or -errno. */
int generation_list(int certificate_fd, char ***ret);

/* The id that live/<name> points to; the caller frees it. Return: 0, -ENOENT when there is no link,
 * STORE_E_DAMAGED when it is none of ours, -errno. */
int generation_in_force(const Store *s, const char *certificate, char **ret_id);

/* Points live/<name> to the generation, durably. Return: 0 or -errno. */
int generation_link(const Store *s, const char *certificate, const char *id);
