/*
 * Any bytes on any topic of two devices, to a hub with a conversation: no harm; every reply is one that a client can read; every event is well
 * formed; seq stays contiguous; where nothing was told nothing changed.
 */
#include "fuzz.h"

#include "tests/support/hub_kit.h"

#define MESSAGES_MAX 32

static const char *const devices[] = {"anna-phone", "ben-pad", "carl-phone"};
static const char *const ben[] = {"ben"};
static const uint64_t as_member[] = {FP_ROLE_MEMBER};

static void open_kitchen(struct kit *k)
{
    struct kit_body b;
    kit_open(k);
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", ben, as_member, 1);
    kit_send(k, devices[0], &c);
    kit_run(k);
    kit_clear(k);
}

/* 1 byte: device, topic, cut; 2 bytes: length; the payload. */
static bool next_message(struct fp_bytes *in, struct kit *k)
{
    static const enum fp_topic_kind topics[] = {FP_TOPIC_DEVICE_UP, FP_TOPIC_DEVICE_UP, FP_TOPIC_DEVICE_NOW, FP_TOPIC_DEVICE_BLOB};
    if (in->len < 3) {
        return false;
    }
    uint8_t how = in->p[0];
    size_t len = (size_t)in->p[1] << 8 | in->p[2];
    in->p += 3;
    in->len -= 3;
    len = len < in->len ? len : in->len;
    kit_raw(k, devices[how % 3], topics[how / 3 % 4], fp_bytes_of(in->p, len));
    in->p += len;
    in->len -= len;
    if (how & 0x40) {
        kit_disconnect(k, devices[how % 3]);
    }
    if (how & 0x80) {
        kit_pass(k, 700);
        kit_run(k);
        FUZZ_NEED(k->last == FP_OK);
    }
    return true;
}

struct walk {
    uint64_t expected;
};

static bool walk_run(void *arg, const struct store_run *run)
{
    struct walk *w = arg;
    struct fp_bytes rest = run->events;
    struct fp_bytes one;
    FUZZ_NEED(run->first == w->expected);
    while (fp_run_next(&rest, &one)) {
        struct fp_event ev;
        const char *why = NULL;
        FUZZ_NEED(fp_cbor_check(one, NULL, &why) == FP_OK);
        FUZZ_NEED(fp_event_decode(one, &ev) == FP_OK && ev.seq == w->expected && ev.seen < ev.seq);
        w->expected++;
    }
    FUZZ_NEED(run->last == w->expected - 1);
    return true;
}

static void check_store(struct kit *k)
{
    struct store_port p = mem_store_port(k->mem);
    struct store_conv c;
    struct fp_id id = kit_id("kitchen");
    bool found = false;
    struct walk w = {.expected = 1};

    FUZZ_NEED(p.load_conv(p.ctx, &id, &c, &found) == FP_OK && found);
    FUZZ_NEED(p.each_run(p.ctx, c.cid, 1, c.head, walk_run, &w) == FP_OK && w.expected == c.head + 1);
}

static void check_told(struct kit *k)
{
    struct fp_reply r;
    for (size_t d = 0; d < 3; d++) {
        for (size_t i = 0; kit_reply(k, devices[d], i, &r); i++) {
            /* kit_reply() asserts that it can be read */
        }
    }
    for (size_t i = 0; i < k->bus.count; i++) {
        const struct fake_tell *t = fake_bus_at(&k->bus, i);
        const char *why = NULL;
        FUZZ_NEED(t->tell.kind != TELL_PUBLISH || fp_cbor_check(t->tell.payload, NULL, &why) == FP_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fp_bytes in = fp_bytes_of(data, size);
    struct kit k;

    open_kitchen(&k);
    uint64_t before = mem_store_hash(k.mem);
    for (size_t i = 0; i < MESSAGES_MAX && next_message(&in, &k); i++) {
    }
    kit_run(&k);
    FUZZ_NEED(k.last == FP_OK);
    kit_idle(&k);
    check_told(&k);
    check_store(&k);
    FUZZ_NEED(k.bus.count > 0 || mem_store_hash(k.mem) == before);
    kit_close(&k);
    return 0;
}
