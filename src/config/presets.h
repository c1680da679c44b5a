/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/* A public CA whose directory nobody has to look up. */
typedef struct Preset {
        const char *name;
        const char *directory;
} Preset;

/* The CA of a certificate that names none. It never changes: accounts and limits hang on it. */
#define PRESET_DEFAULT "letsencrypt"

/* The table, ended by a preset without a name. */
extern const Preset presets[];

/* NULL when there is none of that name. */
const Preset *preset_find(const char *name);
