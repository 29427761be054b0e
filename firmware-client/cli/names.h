/*
 * names.h: words for the numbers on the wire, as options take them and as output shows them.
 */
#ifndef FIRMWARE_CLIENT_CLI_NAMES_H
#define FIRMWARE_CLIENT_CLI_NAMES_H

#include "fp/command.h"

const char *name_kind(uint64_t kind); /* NULL for an unknown one, as below */
const char *name_role(uint64_t role);
const char *name_priority(uint64_t priority);
const char *name_person(uint64_t state);  /* "offline" ... "busy" */
const char *name_viewer(uint64_t viewer); /* "everyone", "scope", "nobody" */
const char *name_level(uint64_t level);   /* "hidden" ... "exact" */
/* False if the word is none. */
bool name_to_role(const char *word, uint64_t *out);
bool name_to_viewer(const char *word, uint64_t *out);
bool name_to_level(const char *word, uint64_t *out);
bool name_to_priority(const char *word, uint8_t *out);

#endif
