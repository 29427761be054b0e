/*
 * hub_kit.h: a hub on the fakes, for tests: send commands as a device would, run turns, read what was told.
 *
 * Units       the clock starts at 1 s (mono) and 2023-11-14 (wall), and moves by kit_pass() only
 * Memory      a failed call fails the test
 */
#ifndef TESTS_SUPPORT_HUB_KIT_H
#define TESTS_SUPPORT_HUB_KIT_H

#include "fp/command.h"
#include "fp/event.h"
#include "fp/live.h"
#include "fp/reply.h"
#include "plugin/hub/hub.h"
#include "tests/support/fake_bus.h"
#include "tests/support/fault_store.h"
#include "tests/support/mem_store.h"

#define KIT_ITEMS_MAX 256

struct kit {
    struct mem_store *mem;
    struct fault_store fault;
    struct fake_bus bus;
    struct hub_config config;
    struct hub *hub;
    struct fp_mono mono;
    struct fp_wall wall;
    struct source_item items[KIT_ITEMS_MAX];
    size_t count;
    enum fp_err last; /* of the latest turn */
};

struct kit_body { /* a small CBOR body */
    uint8_t buf[12288];
    struct fp_enc e;
};

struct fp_id kit_id(const char *text);

void kit_open(struct kit *k);
/* On another store than the fake; it is the caller's, and outlives the kit. */
void kit_open_on(struct kit *k, struct store_port store, const struct store_info *info);
void kit_open_as(struct kit *k, struct store_port store, const struct store_info *info, const char *site); /* NULL: a hub */
void kit_close(struct kit *k);
void kit_restart(struct kit *k); /* as after kill -9: staged and untold is gone, the store's commits stay */
void kit_pass(struct kit *k, uint64_t ms);

/* Devices are named "<user>-<something>" or just the user: "anna-phone" belongs to "anna". */
void kit_raw(struct kit *k, const char *device, enum fp_topic_kind topic, struct fp_bytes payload);
void kit_send(struct kit *k, const char *device, const struct fp_command *c);
void kit_disconnect(struct kit *k, const char *device);
#define KIT_RELAY_CONN 1000                                                    /* the connection that relays' frames come on */
void kit_relay_frame(struct kit *k, const char *relay, struct fp_bytes frame); /* on .../up, as its pipe would bring it */
void kit_relay_gone(struct kit *k, const char *relay);
void kit_as(struct kit *k, const char *user, const char *device, const struct fp_command *c);
void kit_run(struct kit *k);  /* one turn with all that was sent */
void kit_idle(struct kit *k); /* turns without input until nothing is left to do now */

/* Commands; the body is built into *b. */
struct fp_command kit_msg(struct kit_body *b, uint64_t n, const char *conv, const char *text);
struct fp_command kit_conv_new(struct kit_body *b, uint64_t n, const char *conv, const char *scope, const char *const *members, const uint64_t *roles,
                               size_t count);
struct fp_command kit_member(struct kit_body *b, uint64_t n, uint64_t kind, const char *conv, const char *user, int role, int from);
struct fp_command kit_hello(struct kit_body *b, const char *cursor_conv, uint64_t cursor);
struct fp_command kit_get(struct kit_body *b, const char *conv, uint64_t after, uint64_t upto, uint64_t bytes, bool zlib);

/* The index-th reply told to the device since the last kit_clear(); false if there are not so many. */
bool kit_reply(const struct kit *k, const char *device, size_t index, struct fp_reply *out);
size_t kit_replies(const struct kit *k, const char *device);
/* The latest reply is a nack with this code / an ack whose last row has this n and seq. */
bool kit_nacked(const struct kit *k, const char *device, enum fp_err code);
bool kit_acked(const struct kit *k, const char *device, uint64_t n, uint64_t seq);
void kit_clear(struct kit *k);

#endif
