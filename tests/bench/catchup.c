#include "tests/bench/catchup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "fp/event.h"
#include "fp/reply.h"
#include "tests/bench/client.h"
#include "tests/bench/measure.h"
#include "tests/bench/wire.h"

#define PLAIN_MAX (4U << 20) /* an inflated page; the hub's is 64 KiB unless an option says more */
#define HOLE_NS (500 * NS_PER_MS)
#define GIVE_UP_NS (20 * NS_PER_S)
#define DECODE_EVERY 16
#define DEVICE "bench-returns"

struct fetch { /* one conversation */
    struct fp_id conv;
    uint64_t have, head;
    bool asked; /* pages are on the way */
};

struct catchup {
    struct loop loop;
    struct client *client;
    char up[FP_TOPIC_MAX];
    bool zlib;
    bool welcomed;
    uint64_t welcomed_ns;
    struct fetch *fetches;
    unsigned count;
    uint8_t *plain;
    uint64_t events, pages, wire_bytes, gets, holes;
    uint64_t progress_ns;
};

static struct fetch *find(struct catchup *c, const struct fp_id *conv)
{
    for (unsigned i = 0; i < c->count; i++) {
        if (fp_id_eq(&c->fetches[i].conv, conv)) {
            return &c->fetches[i];
        }
    }
    bench_die("%.*s was not asked for", (int)conv->len, conv->text);
}

static struct fp_bytes page_array(struct catchup *c, const struct fp_page *page)
{
    if (!page->zlib) {
        return page->content;
    }
    uLongf len = PLAIN_MAX;
    int code = uncompress(c->plain, &len, page->content.p, (uLong)page->content.len);
    if (code != Z_OK) {
        bench_die("a page cannot be inflated: %s", zError(code));
    }
    return fp_bytes_of(c->plain, len);
}

static void check_inside(struct fp_bytes one, const struct fetch *f)
{
    struct fp_event ev;
    struct fp_msg msg;
    const char *why = "";
    unsigned sender = 0;
    uint64_t index = 0;
    if (fp_event_decode(one, &ev) != FP_OK || !fp_id_eq(&ev.conv, &f->conv)) {
        bench_die("an event that cannot be read, or of another conversation");
    }
    if (ev.kind == FP_K_MSG && (fp_msg_decode(ev.body, &msg, &why) != FP_OK || !text_parse(msg.text, &sender, &index))) {
        bench_die("event %" PRIu64 " has not the text that was sent %s", ev.seq, why);
    }
}

static void on_page(struct catchup *c, const struct fp_page *page)
{
    struct fetch *f = find(c, &page->conv);
    struct fp_bytes run, one;
    size_t left = events_open(page_array(c, page), &run);

    while (left > 0 && fp_run_next(&run, &one)) {
        uint64_t seq = fp_event_seq(one);
        if (seq != f->have + 1) {
            bench_die("seq %" PRIu64 " after %" PRIu64 " in a page", seq, f->have);
        }
        if (seq % DECODE_EVERY == 0) {
            check_inside(one, f);
        }
        f->have = seq;
        c->events++;
        left--;
    }
    if (left > 0 || run.len > 0 || page->to != f->have) {
        bench_die("a page that is not what its head says: to %" PRIu64 ", events up to %" PRIu64, page->to, f->have);
    }
    f->asked = page->more;
    c->pages++;
}

static void on_welcome(struct catchup *c, struct fp_reply *r)
{
    struct fp_conv_head head;
    unsigned known = 0;
    while (fp_reply_head(r, &head)) {
        struct fetch *f = find(c, &head.conv);
        f->head = head.head;
        known++;
    }
    if (known != c->count) {
        bench_die("the welcome names %u conversations of %u", known, c->count);
    }
    c->welcomed = true;
    c->welcomed_ns = clock_ns();
}

static void on_message(void *ctx, const char *topic, struct fp_bytes payload)
{
    struct catchup *c = ctx;
    struct fp_reply r;

    (void)topic;
    if (fp_reply_decode(payload, &r) != FP_OK) {
        bench_die("a reply that cannot be read (%zu bytes)", payload.len);
    }
    c->wire_bytes += payload.len;
    c->progress_ns = clock_ns();
    if (r.what == FP_REPLY_WELCOME) {
        on_welcome(c, &r);
    } else if (r.what == FP_REPLY_PAGE) {
        on_page(c, &r.as.page);
    } else if (r.what == FP_REPLY_NACK) {
        bench_die("refused: %s: %.*s", fp_err_name(r.as.nack.code), (int)r.as.nack.reason.len, (const char *)r.as.nack.reason.p);
    } else if (r.what == FP_REPLY_SNAPSHOT) {
        bench_die("a snapshot instead of pages: nothing has been removed from these conversations");
    }
}

static void ask(struct catchup *c, struct fetch *f)
{
    uint8_t buf[128];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof buf);
    enc_get(&e, &f->conv, f->have, c->zlib);
    (void)client_publish(c->client, c->up, fp_enc_bytes_of(&e));
    f->asked = true;
    c->gets++;
}

static void on_served(void *ctx)
{
    struct catchup *c = ctx;
    for (unsigned i = 0; c->welcomed && i < c->count; i++) {
        if (!c->fetches[i].asked && c->fetches[i].have < c->fetches[i].head) {
            ask(c, &c->fetches[i]);
        }
    }
}

static const struct client_ops returning_ops = {.message = on_message, .served = on_served};

/* The contract's rule: a hole that stays open for 500 ms is asked for. Counted, because it should not be needed. */
static void ask_for_holes(struct catchup *c)
{
    for (unsigned i = 0; i < c->count; i++) {
        if (c->fetches[i].have < c->fetches[i].head) {
            ask(c, &c->fetches[i]);
            c->holes++;
        }
    }
}

static bool is_complete(const struct catchup *c)
{
    for (unsigned i = 0; i < c->count; i++) {
        if (c->fetches[i].have < c->fetches[i].head) {
            return false;
        }
    }
    return c->welcomed;
}

static void connect_as(struct catchup *c, const char *user)
{
    char down[FP_TOPIC_MAX];
    struct fp_id device;
    (void)fp_id_parse(DEVICE, sizeof DEVICE - 1, &device); /* it is one */
    topic_of(FP_TOPIC_DEVICE_UP, &device, NULL, c->up);
    topic_of(FP_TOPIC_DEVICE_DOWN, &device, NULL, down);
    c->client = client_open(&c->loop, DEVICE, user, &returning_ops, c);
    if (c->client == NULL) {
        bench_die("no broker on 127.0.0.1:%d", c->loop.port);
    }
    client_subscribe(c->client, down, 1);
    loop_settle(&c->loop);
}

static void fetch_all(struct catchup *c)
{
    uint64_t start = clock_ns();
    uint64_t asked_ns = start;

    c->progress_ns = start;
    while (!is_complete(c)) {
        loop_step(&c->loop, clock_ns() + HOLE_NS / 5);
        uint64_t now = clock_ns();
        if (now - c->progress_ns > GIVE_UP_NS) {
            bench_die("nothing came for 20 s after %" PRIu64 " events", c->events);
        }
        if (c->welcomed && now - c->progress_ns > HOLE_NS && now - asked_ns > HOLE_NS) {
            asked_ns = now;
            ask_for_holes(c);
        }
    }
}

void catchup_run(int port, const char *user, unsigned convs, bool zlib)
{
    struct catchup c = {.zlib = zlib, .count = convs, .plain = bench_alloc(PLAIN_MAX, 1)};
    size_t room = (size_t)convs * (FP_ID_MAX + 4) + 64;
    uint8_t *buf = bench_alloc(room, 1);
    struct fp_enc e;

    c.fetches = bench_alloc(convs, sizeof c.fetches[0]);
    for (unsigned i = 0; i < convs; i++) {
        c.fetches[i] = (struct fetch){.conv = id_of("conv", i), .asked = true};
    }
    loop_open(&c.loop, port, 1);
    connect_as(&c, user);
    fp_enc_init(&e, buf, room);
    enc_hello_all(&e, convs, zlib);
    double cpu = cpu_self_s();
    uint64_t start = clock_ns();
    (void)client_publish(c.client, c.up, fp_enc_bytes_of(&e));
    fetch_all(&c);
    double seconds = (double)(clock_ns() - start) / 1e9;

    printf("{\"seconds\": %.6f, \"events\": %" PRIu64 ", \"events_per_s\": %.1f, \"pages\": %" PRIu64 ", \"wire_bytes\": %" PRIu64 ", ", seconds,
           c.events, (double)c.events / seconds, c.pages, c.wire_bytes);
    printf("\"gets\": %" PRIu64 ", \"holes\": %" PRIu64 ", \"welcome_ms\": %.3f, \"cpu_self\": %.3f}\n", c.gets, c.holes,
           (double)(c.welcomed_ns - start) / 1e6, (cpu_self_s() - cpu) / seconds);
    loop_close(&c.loop);
    free(c.fetches);
    free(c.plain);
    free(buf);
}

/* ------------------------------------------------------------------ restart */

struct knock {
    uint64_t welcome_ns;
};

static void on_first_word(void *ctx, const char *topic, struct fp_bytes payload)
{
    struct knock *k = ctx;
    struct fp_reply r;
    (void)topic;
    if (fp_reply_decode(payload, &r) != FP_OK || r.what != FP_REPLY_WELCOME) {
        bench_die("the first reply is not a welcome");
    }
    k->welcome_ns = clock_ns();
}

static const struct client_ops knock_ops = {.message = on_first_word};

static struct client *knock_until_open(struct loop *l, const char *user, struct knock *k)
{
    uint64_t end = clock_ns() + 60 * NS_PER_S;
    struct client *c = client_open(l, DEVICE, user, &knock_ops, k);
    while (c == NULL) {
        if (clock_ns() > end) {
            bench_die("no broker came up on 127.0.0.1:%d within 60 s", l->port);
        }
        loop_step(l, clock_ns() + NS_PER_MS / 2);
        c = client_open(l, DEVICE, user, &knock_ops, k);
    }
    while (!c->connected) {
        if (clock_ns() > end) {
            bench_die("a CONNACK did not come within 60 s");
        }
        loop_step(l, end);
    }
    return c;
}

void restart_run(int port, const char *user, bool hub)
{
    struct knock k = {0};
    struct loop loop;
    uint8_t buf[64];
    char up[FP_TOPIC_MAX], down[FP_TOPIC_MAX];
    struct fp_id device;
    struct fp_enc e;

    (void)fp_id_parse(DEVICE, sizeof DEVICE - 1, &device);
    topic_of(FP_TOPIC_DEVICE_UP, &device, NULL, up);
    topic_of(FP_TOPIC_DEVICE_DOWN, &device, NULL, down);
    loop_open(&loop, port, 1);
    struct client *c = knock_until_open(&loop, user, &k);
    uint64_t connack_ns = clock_ns();
    if (hub) {
        client_subscribe(c, down, 1);
        fp_enc_init(&e, buf, sizeof buf);
        enc_hello(&e);
        (void)client_publish(c, up, fp_enc_bytes_of(&e));
        uint64_t end = connack_ns + 60 * NS_PER_S;
        while (k.welcome_ns == 0) {
            if (clock_ns() > end) {
                bench_die("a welcome did not come within 60 s of the CONNACK");
            }
            loop_step(&loop, end);
        }
    }
    printf("{\"connack_ns\": %" PRIu64 ", \"welcome_ns\": %" PRIu64 "}\n", connack_ns, k.welcome_ns);
    loop_close(&loop);
}
