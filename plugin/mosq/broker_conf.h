/*
 * broker_conf.h: what we have to know about the broker's own configuration, read from its files as it reads them.
 *
 * Shape       the file that -c names, and what its include_dir lines bring in
 * Errors      FP_EUNKNOWN: it cannot be told, and a reason; the caller then takes the careful way
 * Memory      values only
 */
#ifndef PLUGIN_MOSQ_BROKER_CONF_H
#define PLUGIN_MOSQ_BROKER_CONF_H

#include "fp/bytes.h"
#include "fp/err.h"

struct broker_conf {
    bool acl_file;
    bool per_listener_settings;
    unsigned plugins; /* we are one of them */
};

/* The path behind -c or --config-file in /proc/<pid>/cmdline's form (words, each with a NUL); false if there is none or it is too long. */
bool broker_conf_path(struct fp_bytes cmdline, char *out_path, size_t cap);
enum fp_err broker_conf_read(const char *path, struct broker_conf *out, char *out_why, size_t why_cap);
/* Both, for this process. */
enum fp_err broker_conf_own(struct broker_conf *out, char *out_why, size_t why_cap);

#endif
