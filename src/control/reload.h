/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/problems.h"
#include "engine/manager.h"

/*
 * Reads the configuration anew and puts it in force, telling systemd (RELOADING=1, READY=1) and the
 * log. What is wrong is logged and left in `problems`; the old configuration then stays. Return: 0,
 * -EINVAL when there are problems, -ENOMEM.
 */
int reload_configuration(Manager *m, ConfigProblems *problems);

/* Each problem on a line of its own: for the start and the reload. */
void log_config_problems(const ConfigProblems *problems);
