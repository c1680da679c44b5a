/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <syslog.h>

#include "base/macros.h"
#include "base/limits.h"

/*
 * The log: the journal where stderr is connected to it, plain lines on stderr elsewhere.
 *
 * Levels mean: error = a certificate will expire unless a human acts; warning = we go on trying;
 * notice = renewed, deployed; info = planned; debug = each transition. Messages are sentences that
 * name the next step. Rooms base to store do not log; they return what happened.
 */

/* Fields beside the message, filled by the object that the message is about. */
typedef struct LogFields {
        char *fields[LIMIT_LOG_FIELDS]; /* "NAME=value" */
        size_t n;
} LogFields;

void log_fields_done(LogFields *f);
#define _cleanup_log_fields_ _cleanup_(log_fields_done)

/* Adds NAME=value; a NULL value adds nothing, and what has no room is left out. */
void log_field(LogFields *f, const char *name, const char *value);

/* The name before each plain line ("renewd"), and the least urgent level that is shown. */
void log_open(const char *program, int max_level);

int log_max_level(void);

/*
 * One record. message_id: 32 hexadecimal digits (<renew/journal.h>) or NULL; fields may be NULL.
 * The message must be clean of control characters: text of peers goes through text_escape() first.
 */
void log_record(int level, const char *message_id, const LogFields *fields, const char *format, ...)
                _printf_(4, 5);

#define log_error(...)   log_record(LOG_ERR, NULL, NULL, __VA_ARGS__)
#define log_warning(...) log_record(LOG_WARNING, NULL, NULL, __VA_ARGS__)
#define log_notice(...)  log_record(LOG_NOTICE, NULL, NULL, __VA_ARGS__)
#define log_info(...)    log_record(LOG_INFO, NULL, NULL, __VA_ARGS__)
#define log_debug(...)   log_record(LOG_DEBUG, NULL, NULL, __VA_ARGS__)
