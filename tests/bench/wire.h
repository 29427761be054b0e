/*
 * wire.h: the messages of the load: the text, the commands around it, and topics.
 *
 * Shape       a text is TEXT_BYTES long and begins with who sent it and the how manieth of his it is: "00017.0000001234 crane ..."
 * Memory      callers' buffers; a message that does not fit ends the run
 */
#ifndef TESTS_BENCH_WIRE_H
#define TESTS_BENCH_WIRE_H

#include "fp/cbor.h"
#include "fp/command.h"
#include "fp/topic.h"

#define TEXT_BYTES 256
#define COMMAND_ROOM 384 /* a msg command around such a text */

void text_pool_init(void); /* once, before anything else here */
void text_write(char text[TEXT_BYTES], unsigned sender, uint64_t index);
/* False if it is no text of ours. */
bool text_parse(struct fp_bytes text, unsigned *out_sender, uint64_t *out_index);

struct fp_id id_of(const char *word, unsigned number); /* "conv", 17: conv-00017 */
void id_text(const struct fp_id *id, char out[FP_ID_MAX + 1]);

/* The part of a msg command behind its n; only the text in it changes from one message to the next. */
struct msg_template {
    uint8_t tail[COMMAND_ROOM];
    size_t len; /* the text is its end */
    unsigned sender;
};
void msg_template_init(struct msg_template *t, const struct fp_id *conv, unsigned sender);
void enc_msg(struct fp_enc *e, struct msg_template *t, uint64_t n, uint64_t index);

/* The caller adds that many members, id and role, ids ascending. */
void enc_conv_new(struct fp_enc *e, uint64_t n, const struct fp_id *conv, const struct fp_id *scope, size_t members);
void enc_hello(struct fp_enc *e);
/* A hello with cursors 0 for conv-00000 to conv-<count - 1>. */
void enc_hello_all(struct fp_enc *e, unsigned convs, bool zlib);
void enc_get(struct fp_enc *e, const struct fp_id *conv, uint64_t after, bool zlib);

void topic_of(enum fp_topic_kind kind, const struct fp_id *a, const struct fp_id *b, char out[FP_TOPIC_MAX]);

/* Splits the payload of an .../event: *out_run is the events behind the array's head, if there is one. Returns how many there must be. */
size_t events_open(struct fp_bytes payload, struct fp_bytes *out_run);

#endif
