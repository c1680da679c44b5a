/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/manager.h"

/* What systemd is told of renewd (sd_notify(3)); nothing happens where nobody listens. */
void notify_ready(const Manager *m);
void notify_reloading(void);
void notify_stopping(void);

/* Tells the status line if it is another than the last one told. */
void notify_status(const Manager *m);
