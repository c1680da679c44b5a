/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "base/macros.h"

/*
 * The JSON files of this room. What a file holds is said once, by a table of fields that is used
 * for reading and for writing, so that the two cannot differ.
 */
typedef enum FieldKind {
        FIELD_TEXT,   /* char *; null or absent: NULL */
        FIELD_TEXTS,  /* char **, a list as in base/strv.h */
        FIELD_NUMBER, /* uint64_t */
        FIELD_COUNT,  /* unsigned */
        FIELD_RETRY,  /* RenewRetry, as a word */
        FIELD_OBJECT, /* a structure within, with fields of its own */
} FieldKind;

typedef struct Field {
        const char *key; /* NULL ends a table */
        FieldKind kind;
        size_t offset; /* in the structure */
        const struct Field *fields;
} Field;

#define FIELD(kind_, key_, type_, member_)                                         \
        {                                                                          \
                .key = (key_), .kind = (kind_), .offset = offsetof(type_, member_) \
        }
#define FIELD_WITHIN(key_, type_, member_, fields_)                                      \
        {                                                                                \
                .key = (key_), .kind = FIELD_OBJECT, .offset = offsetof(type_, member_), \
                .fields = (fields_)                                                      \
        }

/*
 * Reads a file of our format into a zeroed structure. Unknown keys are of no interest, absent ones
 * leave zero.
 * Return: 0, -ENOENT, STORE_E_DAMAGED, STORE_E_NEWER, -errno. On failure the caller frees what was
 * filled already, by the structure's own ..._done().
 */
int document_load(int dir_fd, const char *file, const Field *fields, void *structure);

/*
 * Writes the structure durably (base/file.h: file_write_at(), mode 0600 or 0644).
 * Return: 0, -E2BIG when it is more than could be read again, -errno.
 */
int document_save(int dir_fd, const char *file, mode_t mode, const Field *fields,
                const void *structure);

/* The same for a file that is not there yet (base/file.h: file_create_at()). */
int document_create(int dir_fd, const char *file, mode_t mode, const Field *fields,
                const void *structure);

/*
 * Whether the file may be replaced: it is not of a newer format.
 * Return: 0, -ENOTSUP when it is of a newer format, -ENOMEM.
 */
int document_may_replace(int dir_fd, const char *file);
