/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * document: JSON files of our own making, read as if somebody else had made them.
 *
 * A crash cannot tear them (base/file.h), but a disk, a restored backup or a human can. So each
 * type and range is checked, and whatever does not fit makes the file damaged as a whole: half of a
 * memory would be a plan that nobody made. "version" comes first: a newer format is told apart from
 * damage.
 *
 * Instants are microseconds, as everywhere in renewd. JSON's integers end at 2^63 with jansson, so
 * a number beyond that is written as a string of digits; both are read.
 */

#include <limits.h>

#include <renew/problem.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/strv.h"
#include "base/text.h"
#include "store/document.h"
#include "store/layout.h"

static const char *const retries[] = {
        [RENEW_RETRY_NOW] = "now",
        [RENEW_RETRY_NETWORK] = "network",
        [RENEW_RETRY_VALIDATION] = "validation",
        [RENEW_RETRY_DAILY] = "daily",
        [RENEW_RETRY_HELD] = "held",
};

/* --- reading ---------------------------------------------------------------------------------- */

static int read_text(const json_t *json, char **ret)
{
        char *copy;

        if (json_is_null(json))
                return 0;
        if (!json_is_string(json))
                return STORE_E_DAMAGED;
        copy = strdup(json_string_value(json));
        if (!copy)
                return -ENOMEM;
        free(*ret);
        *ret = copy;
        return 0;
}

static int read_texts(const json_t *json, char ***ret)
{
        const json_t *item;
        size_t i;

        if (!json_is_array(json) || json_array_size(json) > LIMIT_NAMES)
                return STORE_E_DAMAGED;
        json_array_foreach (json, i, item) {
                int r;

                if (!json_is_string(item))
                        return STORE_E_DAMAGED;
                r = strv_add(ret, json_string_value(item));
                if (r < 0)
                        return r;
        }
        return 0;
}

static int read_number(const json_t *json, uint64_t max, uint64_t *ret)
{
        if (json_is_string(json))
                return text_parse_u64(json_string_value(json), max, ret) < 0 ? STORE_E_DAMAGED : 0;
        if (!json_is_integer(json) || json_integer_value(json) < 0 ||
                        (uint64_t) json_integer_value(json) > max)
                return STORE_E_DAMAGED;
        *ret = (uint64_t) json_integer_value(json);
        return 0;
}

static int read_count(const json_t *json, unsigned *ret)
{
        uint64_t n;
        int r = read_number(json, UINT_MAX, &n);

        if (r == 0)
                *ret = (unsigned) n;
        return r;
}

static int read_retry(const json_t *json, RenewRetry *ret)
{
        const char *word = json_string_value(json);

        for (size_t i = 0; word && i < ELEMENTSOF(retries); i++) {
                if (streq(word, retries[i])) {
                        *ret = (RenewRetry) i;
                        return 0;
                }
        }
        return STORE_E_DAMAGED;
}

static int read_object(const json_t *json, const Field *fields, void *structure);

static int read_field(const json_t *json, const Field *f, void *member)
{
        switch (f->kind) {
        case FIELD_TEXT:
                return read_text(json, member);
        case FIELD_TEXTS:
                return read_texts(json, member);
        case FIELD_NUMBER:
                return read_number(json, UINT64_MAX, member);
        case FIELD_COUNT:
                return read_count(json, member);
        case FIELD_RETRY:
                return read_retry(json, member);
        case FIELD_OBJECT:
                return read_object(json, f->fields, member);
        }
        assert_not_reached();
}

static int read_object(const json_t *json, const Field *fields, void *structure)
{
        if (!json_is_object(json))
                return STORE_E_DAMAGED;
        for (const Field *f = fields; f->key; f++) {
                const json_t *value = json_object_get(json, f->key);
                int r;

                if (!value)
                        continue;
                r = read_field(value, f, (char *) structure + f->offset);
                if (r != 0)
                        return r;
        }
        return 0;
}

static int check_version(const json_t *json)
{
        const json_t *version = json_object_get(json, "version");

        if (!json_is_integer(version) || json_integer_value(version) < 1)
                return STORE_E_DAMAGED;
        return json_integer_value(version) > STORE_VERSION ? STORE_E_NEWER : 0;
}

static int load_json(int dir_fd, const char *file, json_t **ret)
{
        _cleanup_free_ char *text = NULL;
        json_auto_t *json = NULL;
        json_error_t error;
        size_t size;
        int r;

        r = file_read_at(dir_fd, file, LIMIT_STATE_FILE, &text, &size);
        if (r < 0)
                return r != -ENOENT && store_is_damage(r) ? STORE_E_DAMAGED : r;
        json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
        if (!json)
                return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM
                                                                           : STORE_E_DAMAGED;
        r = check_version(json);
        if (r != 0)
                return r;
        *ret = TAKE_PTR(json);
        return 0;
}

int document_load(int dir_fd, const char *file, const Field *fields, void *structure)
{
        json_auto_t *json = NULL;
        int r;

        r = load_json(dir_fd, file, &json);
        return r != 0 ? r : read_object(json, fields, structure);
}

int document_may_replace(int dir_fd, const char *file)
{
        json_auto_t *json = NULL;
        int r;

        r = load_json(dir_fd, file, &json);
        return r == STORE_E_NEWER ? -ENOTSUP : r == -ENOMEM ? r : 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Text of a peer may be anything. JSON cannot hold what is not UTF-8, and losing a whole memory
 * over it would be worse than \xNN in it. */
static json_t *write_text(const char *text)
{
        _cleanup_free_ char *escaped = NULL;
        json_t *json;

        if (!text)
                return json_null();
        json = json_string(text);
        if (json)
                return json;
        escaped = text_escape(text, strlen(text), LIMIT_STATE_FILE);
        return escaped ? json_string(escaped) : NULL;
}

static json_t *write_texts(char *const *texts)
{
        json_auto_t *array = json_array();

        STRV_FOREACH (text, texts)
                if (json_array_append_new(array, write_text(*text)) < 0)
                        return NULL;
        return TAKE_PTR(array);
}

static json_t *write_number(uint64_t n)
{
        _cleanup_free_ char *digits = NULL;

        if (n <= INT64_MAX)
                return json_integer((json_int_t) n);
        digits = text_format("%ju", (uintmax_t) n);
        return digits ? json_string(digits) : NULL;
}

static json_t *write_retry(RenewRetry retry)
{
        assert((size_t) retry < ELEMENTSOF(retries));
        return json_string(retries[retry]);
}

static json_t *write_object(const Field *fields, const void *structure);

static json_t *write_field(const Field *f, const void *member)
{
        switch (f->kind) {
        case FIELD_TEXT:
                return write_text(*(char *const *) member);
        case FIELD_TEXTS:
                return write_texts(*(char **const *) member);
        case FIELD_NUMBER:
                return write_number(*(const uint64_t *) member);
        case FIELD_COUNT:
                return write_number(*(const unsigned *) member);
        case FIELD_RETRY:
                return write_retry(*(const RenewRetry *) member);
        case FIELD_OBJECT:
                return write_object(f->fields, member);
        }
        assert_not_reached();
}

/* Return: the object, NULL when out of memory (jansson's appenders refuse NULL, so it comes
 * through). */
static json_t *write_object(const Field *fields, const void *structure)
{
        json_auto_t *object = json_object();

        for (const Field *f = fields; f->key; f++) {
                json_t *value = write_field(f, (const char *) structure + f->offset);

                if (json_object_set_new(object, f->key, value) < 0)
                        return NULL;
        }
        return TAKE_PTR(object);
}

typedef struct Sink {
        Buffer buffer;
        int error;
} Sink;

static int on_dump(const char *data, size_t size, void *userdata)
{
        Sink *sink = userdata;

        sink->error = buffer_append(&sink->buffer, data, size);
        return sink->error < 0 ? -1 : 0;
}

static int sink_fill(Sink *sink, const Field *fields, const void *structure)
{
        json_auto_t *content = write_object(fields, structure);
        json_auto_t *document = json_object();

        if (!content || json_object_set_new(document, "version", json_integer(STORE_VERSION)) < 0 ||
                        json_object_update(document, content) < 0)
                return -ENOMEM;
        if (json_dump_callback(document, on_dump, sink, JSON_INDENT(2)) < 0)
                return sink->error < 0 ? sink->error : -ENOMEM;
        return buffer_append(&sink->buffer, "\n", 1);
}

typedef int (*FileWriter)(int dir_fd, const char *path, const void *data, size_t size, mode_t mode);

static int write_json(FileWriter write, int dir_fd, const char *file, mode_t mode,
                const Field *fields, const void *structure)
{
        Sink sink = { .buffer = BUFFER_INIT(LIMIT_STATE_FILE) };
        int r;

        r = sink_fill(&sink, fields, structure);
        if (r >= 0)
                r = write(dir_fd, file, sink.buffer.data, sink.buffer.size, mode);
        buffer_done(&sink.buffer);
        return r;
}

int document_save(int dir_fd, const char *file, mode_t mode, const Field *fields,
                const void *structure)
{
        return write_json(file_write_at, dir_fd, file, mode, fields, structure);
}

int document_create(int dir_fd, const char *file, mode_t mode, const Field *fields,
                const void *structure)
{
        return write_json(file_create_at, dir_fd, file, mode, fields, structure);
}
