/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * options: renewctl [OPTION...] COMMAND [ARGUMENT...], options anywhere among them.
 *
 * One table has every option of every command, so that one word means one thing everywhere. A
 * command names those that it takes by their letters; the letters cannot be typed.
 */

#include <getopt.h>
#include <stdio.h>

#include "base/strv.h"
#include "base/timestamp.h"
#include "config.h"
#include "config/suggest.h"
#include "ctl/command.h"

typedef struct OptionInfo {
        const char *name;
        const char *argument; /* NULL: takes none */
        char letter;
        const char *help;
} OptionInfo;

/* Taken by every command. */
#define GLOBAL "sctnhv"

static const OptionInfo infos[] = {
        { "all", NULL, 'a', "all certificates that are configured" },
        { "wait", NULL, 'w', "wait until they are issued and deployed, or failed" },
        { "json", NULL, 'j', "print what renewd answers, one JSON object" },
        { "socket", "PATH", 's',
                        "renewd's socket (default: " RENEWD_RUNTIME_DIRECTORY "/control.sock)" },
        { "config", "FILE", 'c', "take the socket from this configuration" },
        { "timeout", "SPAN", 't', "wait for so long at most, as in '90s' or '10min'" },
        { "no-color", NULL, 'n', "no colours on a terminal (as with NO_COLOR=1)" },
        { "help", NULL, 'h', "say this, or more about a command" },
        { "version", NULL, 'v', "say the version" },
};

/* --- help ------------------------------------------------------------------------------------- */

static void print_options(const char *letters)
{
        for (size_t i = 0; i < ELEMENTSOF(infos); i++)
                if (strchr(letters, infos[i].letter)) {
                        const char *argument = infos[i].argument ? infos[i].argument : "";

                        (void) printf("  --%s %-*s %s\n", infos[i].name,
                                        (int) (15 - strlen(infos[i].name)), argument,
                                        infos[i].help);
                }
}

static void print_help(const Command *command)
{
        if (command) {
                (void) printf("renewctl %s [OPTION...] %s\n\n%s\n", command->name,
                                command->arguments, command->help);
                print_options(command->options);
                print_options(GLOBAL);
        } else {
                (void) puts("renewctl [OPTION...] COMMAND [ARGUMENT...]\n\n"
                            "Shows and steers renewd, which keeps TLS certificates valid.\n");
                for (const Command *const *c = commands; *c; c++)
                        (void) printf("  %-12s %-10s %s\n", (*c)->name, (*c)->arguments,
                                        (*c)->summary);
                (void) puts("");
                print_options(GLOBAL);
        }
        (void) puts("\nSee renewctl(1).");
}

/* --- what getopt_long(3) cannot say by itself ------------------------------------------------- */

static int complain_unknown_command(const char *name)
{
        Suggestion s = SUGGESTION_INIT(name);

        for (const Command *const *c = commands; *c; c++)
                suggestion_offer(&s, (*c)->name);
        if (s.best)
                (void) fprintf(stderr, "renewctl: unknown command '%s', did you mean '%s'?\n", name,
                                s.best);
        else
                (void) fprintf(stderr, "renewctl: unknown command '%s'; see renewctl --help\n",
                                name);
        return -EINVAL;
}

static int check_options(const Command *command, const char *given)
{
        for (; *given; given++)
                if (!strchr(GLOBAL, *given) && !strchr(command->options, *given))
                        for (size_t i = 0; i < ELEMENTSOF(infos); i++)
                                if (infos[i].letter == *given) {
                                        (void) fprintf(stderr,
                                                        "renewctl: '%s' does not take --%s; see "
                                                        "renewctl %s --help\n",
                                                        command->name, infos[i].name,
                                                        command->name);
                                        return -EINVAL;
                                }
        return 0;
}

static int check_arguments(const Options *o)
{
        const Command *c = o->command;

        if (o->n_arguments > c->most_n)
                (void) fprintf(stderr,
                                "renewctl: '%s' does not take '%s'; see renewctl %s --help\n",
                                c->name, o->arguments[c->most_n], c->name);
        else if (o->n_arguments < c->least_n)
                (void) fprintf(stderr, "renewctl: it is 'renewctl %s %s'\n", c->name, c->arguments);
        else
                return 0;
        return -EINVAL;
}

static int set_timeout(Options *o, const char *text)
{
        if (timespan_parse(text, &o->timeout_usec) >= 0 && o->timeout_usec >= USEC_PER_MSEC &&
                        o->timeout_usec <= 365 * USEC_PER_DAY)
                return 0;
        (void) fprintf(stderr, "renewctl: --timeout=%s: it is a span as in '90s' or '10min'\n",
                        text);
        return -EINVAL;
}

static bool terminal_wants_color(void)
{
        const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

        return isatty(STDOUT_FILENO) && !(no && *no) && term && !streq(term, "dumb");
}

/* --- the command line ------------------------------------------------------------------------- */

typedef struct Given {
        char letters[ELEMENTSOF(infos) + 1]; /* each once */
        bool help;
} Given;

static void given_add(Given *g, char letter)
{
        if (!strchr(g->letters, letter))
                g->letters[strlen(g->letters)] = letter;
}

/* Return: as options_parse(). */
static int options_take(Options *o, Given *g, char letter, const char *value)
{
        given_add(g, letter);
        switch (letter) {
        case 'a':
                o->all = true;
                return 0;
        case 'w':
                o->wait = true;
                return 0;
        case 'j':
                o->json = true;
                return 0;
        case 's':
                o->socket = value;
                return 0;
        case 'c':
                o->config = value;
                return 0;
        case 't':
                return set_timeout(o, value);
        case 'n':
                o->color = false;
                return 0;
        case 'h':
                g->help = true;
                return 0;
        case 'v':
                (void) puts("renewctl " RENEWD_VERSION);
                return 1;
        default:
                (void) fputs("See renewctl --help.\n", stderr); /* getopt_long() said the rest */
                return -EINVAL;
        }
}

/* Return: as options_parse(). */
static int options_take_all(Options *o, Given *g, int argc, char **argv)
{
        struct option table[ELEMENTSOF(infos) + 1] = {};
        int c, r;

        for (size_t i = 0; i < ELEMENTSOF(infos); i++)
                table[i] = (struct option){
                        .name = infos[i].name,
                        .has_arg = infos[i].argument ? required_argument : no_argument,
                        .val = infos[i].letter,
                };
        while ((c = getopt_long(argc, argv, "", table, NULL)) >= 0) {
                r = options_take(o, g, (char) c, optarg);
                if (r != 0)
                        return r;
        }
        return 0;
}

int options_parse(Options *o, int argc, char **argv)
{
        Given given = {};
        const char *name;
        int r;

        *o = (Options){ .color = terminal_wants_color() };
        r = options_take_all(o, &given, argc, argv);
        if (r != 0)
                return r;
        name = argv[optind]; /* NULL behind the last one */
        if (name) {
                o->command = command_find(name);
                if (!o->command)
                        return complain_unknown_command(name);
                o->arguments = argv + optind + 1;
                o->n_arguments = strv_length(o->arguments);
        }
        if (given.help) {
                print_help(o->command);
                return 1;
        }
        if (!name) {
                (void) fputs("renewctl: which command? See renewctl --help\n", stderr);
                return -EINVAL;
        }
        r = check_options(o->command, given.letters);
        return r < 0 ? r : check_arguments(o);
}
