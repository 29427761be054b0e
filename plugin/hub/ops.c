#include "plugin/hub/trunk.h"

#define NUMBER_BYTES 9
#define TIMES_BYTES (3 * (HISTOGRAM_BUCKETS * NUMBER_BYTES + 16) + 3 * (NUMBER_BYTES + 16) + 16)
#define DISK_BYTES 160

struct fp_mono ops_now(const struct hub *h)
{
    return h->config.ops && h->config.clock ? h->config.clock() : (struct fp_mono){0};
}

static uint64_t passed_us(struct fp_mono from, struct fp_mono to)
{
    return to.us > from.us ? to.us - from.us : 0;
}

void ops_committed(struct hub *h, struct fp_mono begun)
{
    if (begun.us > 0) {
        histogram_add(&h->ops.commit_us, passed_us(begun, ops_now(h)));
    }
}

void ops_answered(struct hub *h, const struct source_item *items, size_t count)
{
    struct fp_mono now = count > 0 ? ops_now(h) : (struct fp_mono){0};
    if (now.us == 0) {
        return; /* O1 */
    }
    histogram_add(&h->ops.batch, count);
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind == SOURCE_MESSAGE) {
            histogram_add(&h->ops.answer_us, passed_us(items[i].mono, now));
        }
    }
}

void ops_tell(struct hub *h, const char *name, const struct fp_enc *e)
{
    if (e->failed) { /* without memory: a second later */
        return;
    }
    struct fp_topic topic = {.kind = FP_TOPIC_OPS, .a = {.len = (uint8_t)strlen(name)}};
    memcpy(topic.a.text, name, topic.a.len);
    tells_now(h, &topic, fp_enc_bytes_of(e), 0, true);
}

void ops_put_text(struct fp_enc *e, const char *text)
{
    fp_enc_text(e, text, strlen(text));
}

static void put_number(struct fp_enc *e, const char *name, uint64_t value)
{
    ops_put_text(e, name);
    fp_enc_uint(e, value);
}

static void put_counts(struct fp_enc *e, const char *name, const struct histogram *g)
{
    size_t len = histogram_len(g);
    ops_put_text(e, name);
    fp_enc_array(e, len);
    for (size_t i = 0; i < len; i++) {
        fp_enc_uint(e, g->counts[i]);
    }
}

/* As in fp/1/ops/hub, names are in the order of their encoding; a name without max is a histogram. */
static void publish_times(struct hub *h)
{
    struct hub_ops *o = &h->ops;
    uint8_t buf[TIMES_BYTES];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_map(&e, 6);
    put_counts(&e, "batch", &o->batch);
    put_counts(&e, "answer_us", &o->answer_us);
    put_number(&e, "batch_max", histogram_take_max(&o->batch));
    put_counts(&e, "commit_us", &o->commit_us);
    put_number(&e, "answer_us_max", histogram_take_max(&o->answer_us));
    put_number(&e, "commit_us_max", histogram_take_max(&o->commit_us));
    ops_tell(h, "times", &e);
}

static void publish_disk(struct hub *h, unsigned percent)
{
    struct store_room room = {0};
    uint8_t buf[DISK_BYTES];
    struct fp_enc e;
    h->store.room(h->store.ctx, &room);
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_map(&e, 5);
    put_number(&e, "percent", percent);
    put_number(&e, "db_bytes", room.db_bytes);
    put_number(&e, "wal_bytes", room.wal_bytes);
    put_number(&e, "free_bytes", room.free_bytes);
    put_number(&e, "quota_bytes", room.quota_bytes);
    ops_tell(h, "disk", &e);
}

void ops_publish(struct hub *h)
{
    unsigned percent = h->store.percent_used(h->store.ctx);
    publish_times(h);
    publish_disk(h, percent);
    ops_alerts(h, percent);
    ops_conns(h);
}
