/*
 * trunk_again.h: a trunk's frames and records, read and written again.
 */
#ifndef TESTS_VECTORS_TRUNK_AGAIN_H
#define TESTS_VECTORS_TRUNK_AGAIN_H

#include "fp/trunk.h"

/* Each false where it cannot be read or does not fit. */
bool trunk_again(struct fp_bytes in, struct fp_enc *e);
bool record_up_again(struct fp_bytes in, struct fp_enc *e);
bool record_down_again(struct fp_bytes in, struct fp_enc *e); /* an event as it stands */

#endif
