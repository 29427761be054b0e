/*
 * cbor_utf8.h: is it UTF-8? For the texts of CBOR and the topics of MQTT alike.
 *
 * Source      RFC 3629: no surrogates, nothing overlong, nothing above U+10FFFF
 */
#ifndef FIRMWARE_CLIENT_CORE_CBOR_UTF8_H
#define FIRMWARE_CLIENT_CORE_CBOR_UTF8_H

#include "fp/bytes.h"

bool fp_utf8_is_valid(struct fp_bytes text); /* an empty one is */

#endif
