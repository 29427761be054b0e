/*
 * clock.h: times for people: local in lines, UTC in JSON.
 */
#ifndef FIRMWARE_CLIENT_CLI_CLOCK_H
#define FIRMWARE_CLIENT_CLI_CLOCK_H

#include "firmware-client/cli/str.h"
#include "fp/time.h"

void clock_local(struct str *out, struct fp_wall at); /* 2026-11-24 10:02 */
void clock_utc(struct str *out, struct fp_wall at);   /* 2026-11-24T10:02:03.004Z */
struct fp_mono clock_mono(void);
struct fp_wall clock_wall(void);

/* "30m" (s, m, h, d) from now on, or a time of UTC: "2026-11-24T12:00:00Z", with or without a fraction. False: neither. */
bool clock_parse(const char *text, struct fp_wall now, struct fp_wall *out);

#endif
