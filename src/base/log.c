/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * log: one record, one call of sd_journal_sendv() or one line on stderr.
 *
 * Which of the two is decided once, as sd-daemon(3) says: $JOURNAL_STREAM names the device and inode of
 * the stream that systemd gave us, and when stderr still is that stream, the journal takes our fields
 * natively. Everything else (a terminal, a pipe of a test, a container's log) gets plain lines.
 */

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* CODE_FILE= and the like would name this file, whoever logs. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/log.h"
#include "base/text.h"

static struct {
        const char *program;
        int max_level;
        bool journal;
} log_state = { .program = "renewd", .max_level = LOG_INFO };

static bool stderr_is_journal(void)
{
        const char *stream = getenv("JOURNAL_STREAM");
        _cleanup_free_ char *ours = NULL;
        struct stat st;

        if (!stream || fstat(STDERR_FILENO, &st) < 0)
                return false;
        ours = text_format("%ju:%ju", (uintmax_t) st.st_dev, (uintmax_t) st.st_ino);
        return ours && streq(ours, stream);
}

void log_open(const char *program, int max_level)
{
        log_state.program = program;
        log_state.max_level = max_level;
        log_state.journal = stderr_is_journal();
}

int log_max_level(void)
{
        return log_state.max_level;
}

void log_fields_done(LogFields *f)
{
        for (size_t i = 0; i < f->n; i++)
                free(f->fields[i]);
        *f = (LogFields){};
}

void log_field(LogFields *f, const char *name, const char *value)
{
        char *field;

        if (!value || f->n >= LIMIT_LOG_FIELDS)
                return;
        field = text_format("%s=%s", name, value);
        if (field)
                f->fields[f->n++] = field;
}

static struct iovec iovec_string(const char *s)
{
        return (struct iovec){ .iov_base = (void *) (uintptr_t) s, .iov_len = strlen(s) };
}

static void log_to_journal(
                int level, const char *message_id, const LogFields *fields, const char *message)
{
        _cleanup_free_ char *text = text_format("MESSAGE=%s", message);
        _cleanup_free_ char *priority = text_format("PRIORITY=%d", level);
        _cleanup_free_ char *id = message_id ? text_format("MESSAGE_ID=%s", message_id) : NULL;
        _cleanup_free_ char *identifier = text_format("SYSLOG_IDENTIFIER=%s", log_state.program);
        struct iovec iov[LIMIT_LOG_FIELDS + 4];
        size_t n = 0;

        if (!text || !priority || !identifier)
                return;
        iov[n++] = iovec_string(text);
        iov[n++] = iovec_string(priority);
        iov[n++] = iovec_string(identifier);
        if (id)
                iov[n++] = iovec_string(id);
        for (size_t i = 0; fields && i < fields->n; i++)
                iov[n++] = iovec_string(fields->fields[i]);
        (void) sd_journal_sendv(iov, (int) n);
}

static void log_to_stderr(int level, const char *message)
{
        const char *word = level <= LOG_ERR       ? "error: "
                           : level == LOG_WARNING ? "warning: "
                           : level >= LOG_DEBUG   ? "debug: "
                                                  : "";

        (void) fprintf(stderr, "%s: %s%s\n", log_state.program, word, message);
}

void log_record(int level, const char *message_id, const LogFields *fields, const char *format, ...)
{
        char message[LIMIT_LOG_MESSAGE];
        int saved = errno;
        va_list ap;

        if (level > log_state.max_level)
                return;
        va_start(ap, format);
        (void) vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);
        if (log_state.journal)
                log_to_journal(level, message_id, fields, message);
        else
                log_to_stderr(level, message);
        errno = saved;
}
