/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>
#include <stdio.h>

/* What `renewctl list` shows of renewd's answer, which is escaped in place. Return: 0, -ENOMEM. */
int list_render(json_t *answer, FILE *file, bool color, uint64_t now_usec);
