/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/config.h"

/* The values of keys: one function for each kind of value. */

/* Where a value stands. */
typedef struct ConfigPlace {
        const char *file;
        unsigned line;
        const char *key; /* without the "=" */
        ConfigProblems *problems;
} ConfigPlace;

/*
 * Reads a value into its field. What is not right is a problem, and the field stays as it was. An
 * empty value resets the field; lists grow otherwise.
 * Return: 0 (also with a problem), -ENOMEM.
 */
typedef int (*ConfigParser)(const ConfigPlace *place, const char *value, void *field);

/* "KEY=VALUE: what would be right", with a long value cut. */
void parse_problem(const ConfigPlace *place, const char *value, const char *format, ...)
                _printf_(3, 4);

/* Appends to a list what is not in it yet; beyond LIMIT_CONFIG_ITEMS that is a problem. Return: 0,
 * -ENOMEM. */
int parse_add(const ConfigPlace *place, char ***list, const char *item);

/* parse.c */
int parse_bool(const ConfigPlace *place, const char *value, void *field);        /* bool */
int parse_text(const ConfigPlace *place, const char *value, void *field);        /* char * */
int parse_path(const ConfigPlace *place, const char *value, void *field);        /* char * */
int parse_socket_path(const ConfigPlace *place, const char *value, void *field); /* char * */
int parse_secret_path(const ConfigPlace *place, const char *value, void *field); /* ConfigWritten */
int parse_ca_name(const ConfigPlace *place, const char *value, void *field);     /* ConfigWritten */
int parse_later_bool(const ConfigPlace *place, const char *value, void *field);  /* ConfigWritten */
int parse_parallel(const ConfigPlace *place, const char *value, void *field);    /* unsigned */
int parse_key_type(const ConfigPlace *place, const char *value, void *field);    /* RenewKeyType */
int parse_fallback(const ConfigPlace *place, const char *value, void *field); /* ConfigFallback */

/* parse-span.c */
int parse_settle(const ConfigPlace *place, const char *value, void *field);       /* uint64_t */
int parse_renew_before(const ConfigPlace *place, const char *value, void *field); /* RenewBefore */

/* parse-net.c */
int parse_directory(const ConfigPlace *place, const char *value, void *field);  /* char * */
int parse_contacts(const ConfigPlace *place, const char *value, void *field);   /* char ** */
int parse_listen(const ConfigPlace *place, const char *value, void *field);     /* ConfigDaemon */
int parse_dns_server(const ConfigPlace *place, const char *value, void *field); /* char * */
int parse_port(const ConfigPlace *place, const char *value, void *field);       /* unsigned */

/* parse-certificate.c */
int parse_challenge(const ConfigPlace *place, const char *value, void *field); /* none */
int parse_names(const ConfigPlace *place, const char *value, void *field);     /* char ** */
int parse_units(const ConfigPlace *place, const char *value, void *field);     /* char ** */
int parse_command(const ConfigPlace *place, const char *value, void *field);   /* char ** */
