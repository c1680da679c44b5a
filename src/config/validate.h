/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/config.h"

/*
 * What can be said only when all files were read: which CA a name means, what is missing, what does
 * not go together. Fills ConfigCertificate.ca and .names, ConfigCa.directory and .preset, and with
 * `secrets` ConfigCa.eab_hmac_key.
 * Return: 0 (also with problems), -ENOMEM.
 */
int config_validate(Config *config, bool secrets, ConfigProblems *problems);
