/*
 * One stream, read whole and in chunks of sizes that the input says: the same packets, the same bytes consumed, the same verdict, and nothing
 * read that had not come. Both for what a server may send and for what a client may.
 */
#include "tests/fuzz/fuzz.h"

#include "firmware-client/core/mqtt.h"

#define CAP 512

struct outcome {
    uint64_t packets; /* a hash of them all */
    size_t count;
    size_t consumed;
    enum fp_err err;
};

static void note(struct outcome *o, uint64_t v)
{
    o->packets = fp_hash(o->packets, &v, sizeof v);
}

static void note_packet(struct outcome *o, const struct fp_mqtt_packet *p, struct fp_bytes have)
{
    FUZZ_NEED(fuzz_is_within(p->topic, have) && (p->skipped ? p->payload.p == NULL : fuzz_is_within(p->payload, have)));
    FUZZ_NEED(p->qos < 3 && (p->type != FP_MQTT_PUBLISH || (p->topic.len > 0 && (p->qos > 0) == (p->id > 0))));
    FUZZ_NEED(!p->skipped || (p->type == FP_MQTT_PUBLISH && p->topic.len <= FP_TOPIC_MAX));
    note(o, p->type | (uint64_t)p->code << 8 | (uint64_t)p->qos << 16 | (uint64_t)p->id << 24);
    note(o, p->session_present | p->dup << 1 | p->retain << 2 | p->skipped << 3);
    note(o, p->payload.len);
    o->packets = fp_hash(o->packets, p->topic.p, p->topic.len);
    if (!p->skipped) {
        o->packets = fp_hash(o->packets, p->payload.p, p->payload.len);
    }
    o->count++;
}

/* Like a client: a buffer of CAP bytes, filled by at most what sizes says at a time. Empty: as much as fits. */
static struct outcome run(struct fp_bytes stream, struct fp_bytes sizes, bool from_client)
{
    struct outcome o = {.packets = FP_HASH_START};
    struct fp_mqtt_reader r = {0};
    size_t have = 0; /* bytes that have come and are not consumed, at stream + consumed */
    for (size_t turn = 0; o.err == FP_OK; turn++) {
        size_t rest = stream.len - o.consumed - have;
        size_t chunk = sizes.len == 0 ? CAP : 1U + sizes.p[turn % sizes.len] % 64U;
        chunk = chunk < rest ? chunk : rest;
        chunk = chunk < CAP - have ? chunk : CAP - have;
        have += chunk;
        FUZZ_NEED(chunk > 0 || rest == 0); /* a full buffer always holds something to take out */
        for (;;) {
            struct fp_mqtt_packet p;
            size_t used = 0;
            uint8_t *exact = malloc(have > 0 ? have : 1); /* so that a sanitizer sees what is read past it */
            FUZZ_NEED(exact != NULL);
            memcpy(exact, stream.p + o.consumed, have);
            enum fp_err err = fp_mqtt_read(&r, fp_bytes_of(exact, have), CAP, from_client, &p, &used);
            FUZZ_NEED(used <= have);
            if (!err) {
                FUZZ_NEED(used > 0);
                note_packet(&o, &p, fp_bytes_of(exact, have));
            }
            free(exact);
            o.consumed += used;
            have -= used;
            if (err) {
                FUZZ_NEED(err == FP_EAGAIN || err == FP_EMALFORMED);
                o.err = err == FP_EMALFORMED ? err : FP_OK;
                break;
            }
        }
        if (rest == chunk && !o.err) { /* all has come */
            note(&o, r.skip);
            break;
        }
    }
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct fp_bytes sizes = fp_bytes_of(data, 2);
    struct fp_bytes stream = fp_bytes_of(data + 2, size - 2);
    for (int from_client = 0; from_client < 2; from_client++) {
        struct outcome whole = run(stream, (struct fp_bytes){0}, from_client);
        struct outcome chunks = run(stream, sizes, from_client);
        struct outcome bytes = run(stream, fp_bytes_of("", 1), from_client);
        FUZZ_NEED(whole.packets == chunks.packets && whole.count == chunks.count && whole.consumed == chunks.consumed && whole.err == chunks.err);
        FUZZ_NEED(whole.packets == bytes.packets && whole.count == bytes.count && whole.consumed == bytes.consumed && whole.err == bytes.err);
    }
    return 0;
}
