/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>
#include <stdio.h>

/* What `renewctl show` shows of one certificate, which is escaped in place. Return: 0, -ENOMEM. */
int show_render(json_t *certificate, FILE *file, bool color, uint64_t now_usec);
