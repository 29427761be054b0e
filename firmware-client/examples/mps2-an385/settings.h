/*
 * settings.h: what QEMU's command line tells the example, as name=value. A device would have these in its own settings.
 *
 * Memory      the strings are good for ever; "" and 0 where nothing was said
 */
#ifndef FIRMWARE_CLIENT_EXAMPLES_MPS2_AN385_SETTINGS_H
#define FIRMWARE_CLIENT_EXAMPLES_MPS2_AN385_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct settings {
    const char *device, *user, *password;
    const char *conv;
    const char *flash; /* file */
    const char *psk;   /* hexadecimal */
    uint32_t first;    /* number of the first message; the text is "m" and the number */
    uint32_t count;    /* messages to queue */
    uint32_t cut;      /* bytes to the flash until the power goes; 0: it does not */
    uint32_t late_s;   /* gives up then; 0: 30 */
};

/* False: no device, user, conversation or flash, or an unknown name. */
bool settings_read(struct settings *out);

#endif
