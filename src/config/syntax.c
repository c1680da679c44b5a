/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * syntax: the one parser that we write ourselves, because no library reads systemd.syntax(7).
 *
 * - "[Section name]" and "Key=value", spaces around each of them dropped, empty lines ignored.
 * - "#" and ";" open a comment at the start of a line only, also between the lines of a
 *   continuation, which goes on behind it.
 * - A backslash at the end continues the line; it becomes a space. Two of them are two backslashes.
 * - Quotes and other backslashes mean nothing here and are handed on.
 * - A byte order mark at the start and carriage returns at the ends of lines are dropped.
 *
 * Where systemd warns and goes on, this reports a problem, and the configuration is not taken. What
 * is not printable UTF-8 is refused outside of comments: nobody should wonder about a name with a
 * character in it that no editor shows. A NUL is refused everywhere.
 */

#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "config/syntax.h"

#define SPACES          " \t"
#define COMMENTS        "#;"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

typedef struct Reader {
        const SyntaxHandler *handler;
        void *userdata;
        Buffer line;        /* with the continuations so far */
        unsigned number;    /* of its first line */
        bool continued;     /* there is more to come */
        const char *broken; /* why it is not read, where it is not */
} Reader;

/* Cuts the spaces around s off, in place. */
static char *strip(char *s)
{
        size_t n;

        s += strspn(s, SPACES);
        for (n = strlen(s); n > 0 && strchr(SPACES, s[n - 1]); n--)
                ;
        s[n] = 0;
        return s;
}

static int read_section(Reader *r, char *s)
{
        size_t n = strlen(s);

        if (s[n - 1] != ']') {
                r->handler->problem(r->userdata, r->number,
                                "the section's name is not closed; write it as [Section name]");
                return 0;
        }
        s[n - 1] = 0;
        return r->handler->section(r->userdata, r->number, strip(s + 1));
}

static int read_assignment(Reader *r, char *s)
{
        char *equals = strchr(s, '=');

        if (!equals || equals == s) {
                r->handler->problem(r->userdata, r->number,
                                "neither a [Section], nor Key=value, nor a comment (#)");
                return 0;
        }
        *equals = 0;
        return r->handler->assignment(r->userdata, r->number, strip(s), strip(equals + 1));
}

/* The line with all its continuations is there. */
static int finish_line(Reader *r)
{
        const char *broken = TAKE_PTR(r->broken);
        char *s = r->line.data ? strip(r->line.data) : NULL;
        int k = 0;

        if (broken)
                r->handler->problem(r->userdata, r->number, broken);
        else if (s && *s == '[')
                k = read_section(r, s);
        else if (s && *s)
                k = read_assignment(r, s);
        buffer_done(&r->line);
        r->continued = false;
        return k;
}

/* Whether the line ends in a backslash that no other one before it escapes. */
static bool is_continued(const char *s, size_t size)
{
        size_t n = 0;

        while (n < size && s[size - 1 - n] == '\\')
                n++;
        return n % 2 == 1;
}

/* A tab is the one control character of a text. */
static bool is_clean(const char *s, size_t size)
{
        size_t n = 0;

        while (n < size) {
                size_t printable = text_printable(s + n, size - n);

                if (printable == 0 && s[n] != '\t')
                        return false;
                n += printable ? printable : 1;
        }
        return true;
}

/* One line as it stands in the text, without its end. */
static int take_line(Reader *r, unsigned number, const char *s, size_t size)
{
        size_t indent = 0;
        bool continued;
        int k;

        while (indent < size && strchr(SPACES, s[indent]) && s[indent])
                indent++;
        if (memchr(s, 0, size))
                r->broken = "a NUL byte; a configuration is text";
        else if (indent < size && strchr(COMMENTS, s[indent]))
                return 0;
        else if (!is_clean(s, size))
                r->broken = "a character that is not printable, or not UTF-8";
        if (!r->continued)
                r->number = number;
        continued = is_continued(s, size);
        k = buffer_append(&r->line, s, continued ? size - 1 : size);
        if (k >= 0 && continued)
                k = buffer_append_string(&r->line, " ");
        if (k == -E2BIG)
                r->broken = "the line is too long, more than 64 kB with its continuations";
        else if (k < 0)
                return k;
        r->continued = continued;
        return continued ? 0 : finish_line(r);
}

int syntax_read(const char *text, size_t size, const SyntaxHandler *handler, void *userdata)
{
        Reader r = {
                .handler = handler,
                .userdata = userdata,
                .line = BUFFER_INIT(LIMIT_CONFIG_LINE),
        };
        const char *end = text + size;
        unsigned number = 0;
        int k = 0;

        if (size >= strlen(BYTE_ORDER_MARK) && has_prefix(text, BYTE_ORDER_MARK))
                text += strlen(BYTE_ORDER_MARK);
        while (text < end && k >= 0) {
                const char *newline = memchr(text, '\n', (size_t) (end - text));
                size_t n = (size_t) ((newline ? newline : end) - text);

                if (n > 0 && text[n - 1] == '\r')
                        n--;
                k = take_line(&r, ++number, text, n);
                text = newline ? newline + 1 : end;
        }
        if (k >= 0 && r.continued)
                k = finish_line(&r);
        buffer_done(&r.line);
        return k;
}
