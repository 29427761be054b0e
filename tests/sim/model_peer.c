#include "tests/sim/model_peer.h"

struct model model;

/* ------------------------------------------------------------------ storage */

static enum fp_err flash_read(void *ctx, uint32_t at, void *buf, size_t len)
{
    (void)ctx;
    memcpy(buf, model.flash + at, len);
    return FP_OK;
}

static enum fp_err flash_program(void *ctx, uint32_t at, const void *p, size_t len)
{
    (void)ctx;
    for (size_t i = 0; i < len; i++) {
        if (model.flash[at + i] != 0xff) {
            model_fail("programs what is not erased, at %u", at);
        }
    }
    memcpy(model.flash + at, p, len);
    return FP_OK;
}

static enum fp_err flash_erase(void *ctx, uint32_t at)
{
    (void)ctx;
    memset(model.flash + at, 0xff, MODEL_SECTOR);
    return FP_OK;
}

static enum fp_err flash_sync(void *ctx)
{
    (void)ctx;
    memcpy(model.safe, model.flash, MODEL_FLASH);
    return FP_OK;
}

/* ------------------------------------------------------------------ transport */

static enum fp_err pipe_open(void *ctx)
{
    (void)ctx;
    if (model.refuse) {
        return FP_EIO;
    }
    if (!model.open) {
        model.open = true;
        model.broken = false;
        model.to_client_len = 0;
        model.to_peer_len = 0;
        model.reader = (struct fp_mqtt_reader){0};
        for (size_t i = 0; i < MODEL_NS; i++) {
            model.ns[i].here = false;
        }
    }
    return FP_OK;
}

static enum fp_err pipe_read(void *ctx, void *buf, size_t cap, size_t *out_len)
{
    (void)ctx;
    if (model.to_client_len == 0) {
        return model.broken || !model.open ? FP_EIO : FP_EAGAIN;
    }
    size_t n = model.to_client_len < cap ? model.to_client_len : cap;
    memcpy(buf, model.to_client, n);
    model.to_client_len -= n;
    memmove(model.to_client, model.to_client + n, model.to_client_len);
    *out_len = n;
    return FP_OK;
}

static enum fp_err pipe_write(void *ctx, const void *p, size_t len, size_t *out_len)
{
    (void)ctx;
    if (model.broken || !model.open) {
        return FP_EIO;
    }
    if (len > MODEL_PIPE - model.to_peer_len) {
        model_fail("writes more than anybody reads");
    }
    memcpy(model.to_peer + model.to_peer_len, p, len);
    model.to_peer_len += len;
    *out_len = len;
    return FP_OK;
}

static void pipe_close(void *ctx)
{
    (void)ctx;
    model.open = false;
}

/* ------------------------------------------------------------------ the client */

static uint32_t no_random(void *ctx)
{
    (void)ctx;
    return 0x55555555; /* jitter is no part of the model */
}

void model_open(void)
{
    const char *why = "";
    struct fp_client_config config = {
        .user = "anna",
        .device = "anna-phone",
        .want = FP_WANT_EVENTS | FP_WANT_RECEIPTS,
        .memory = model.memory,
        .memory_bytes = sizeof(model.memory),
        .rx_bytes = 1024,
        .tx_bytes = 512,
        .reorder_bytes = 512,
        .convs = 2,
        .tracked = 4,
        .entries = 4,
        .transport = {.open = pipe_open, .read = pipe_read, .write = pipe_write, .close = pipe_close},
        .storage = {.size = MODEL_FLASH,
                    .sector_bytes = MODEL_SECTOR,
                    .program_bytes = 1,
                    .read = flash_read,
                    .program = flash_program,
                    .erase = flash_erase,
                    .sync = flash_sync},
        .random = {.next = no_random},
        .notify = model_notify,
    };
    if (fp_client_memory(&config) > sizeof(model.memory)) {
        model_fail("the client needs %zu bytes", fp_client_memory(&config));
    }
    enum fp_err err = fp_client_open(&config, model.now, &model.c, &why);
    if (err) {
        model_fail("does not open: %s", why);
    }
}

void model_settle(void)
{
    for (int i = 0; i < 200; i++) {
        model.due = fp_client_poll(model.c, model.now);
        bool more = model_run_peer();
        if (!more && model.to_client_len == 0 && model.due.us > model.now.us) {
            return;
        }
    }
    model_fail("the client never comes to rest (link %d)", (int)fp_client_link(model.c));
}

bool model_online(void)
{
    fp_client_wake(model.c);
    for (int i = 0; i < 20; i++) {
        model_settle();
        if (fp_client_link(model.c) == FP_LINK_ONLINE) {
            return true;
        }
        model.now.us = model.due.us > model.now.us + 60000000 ? model.now.us + 1000000 : model.due.us;
    }
    return false;
}

void model_start(void)
{
    memset(&model, 0, sizeof(model));
    memset(model.flash, 0xff, sizeof(model.flash));
    memset(model.safe, 0xff, sizeof(model.safe));
    model.now.us = 1000000;
    model.next_n = 1;
    model.head = 1;
    for (size_t i = 0; i < MODEL_NS; i++) {
        model.ns[i].cmd = MODEL_CMDS;
    }
    model_open();
    fp_client_connect(model.c);
    if (!model_online()) {
        model_fail("does not come online");
    }
}
