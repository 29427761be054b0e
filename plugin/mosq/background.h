/*
 * background.h: which of the connected devices are in the background.
 *
 * Shape       a set of device ids; the engine puts them in and takes them out (TELL_IDLE), the end of a connection takes them out at once
 * Errors      a device that does not fit, for want of memory, is not in it: it is sent more than it asked for, and nothing is lost
 * Memory      one allocation a device in the set; all zero is the empty set
 * Thread      one thread (the broker's)
 */
#ifndef PLUGIN_MOSQ_BACKGROUND_H
#define PLUGIN_MOSQ_BACKGROUND_H

#include "fp/bytes.h"

struct background_device;

struct background {
    struct background_device *table;
};

void background_fini(struct background *b);
void background_put(struct background *b, const struct fp_id *device, bool in);
bool background_has(const struct background *b, const struct fp_id *device);

#endif
