/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* commands: the table that --help shows and that names are looked up in. */

#include "ctl/command.h"

#define DECLARE(name) extern const Command command_##name;
COMMANDS(DECLARE)

#define POINT_TO(name) &command_##name,
const Command *const commands[] = { COMMANDS(POINT_TO) NULL };

const Command *command_find(const char *name)
{
        for (const Command *const *c = commands; *c; c++)
                if (streq((*c)->name, name))
                        return *c;
        return NULL;
}
