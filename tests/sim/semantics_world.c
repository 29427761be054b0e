#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/semantics.h"

static const char *const conv_names[SEM_CONVS] = {"kitchen", "cellar", "attic"};
static const char *const device_names[SEM_DEVICES] = {"anna-phone", "anna-pad", "ben-phone", "cleo-phone", "dan-phone"};

void sem_note(struct sem *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(s->notes[s->note_count++ % SEM_NOTES], sizeof(s->notes[0]), format, args);
    va_end(args);
}

void sem_fail(struct sem *s, const char *format, ...)
{
    va_list args;
    printf("seed %llu, operation %llu: ", (unsigned long long)s->seed, (unsigned long long)s->stats.ops);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    printf("\nthe last operations:\n");
    for (size_t i = s->note_count > SEM_NOTES ? s->note_count - SEM_NOTES : 0; i < s->note_count; i++) {
        printf("  %s\n", s->notes[i % SEM_NOTES]);
    }
    (void)fflush(stdout);
    exit(1);
}

static void *must_alloc(size_t count, size_t size)
{
    void *p = calloc(count, size);
    if (!p) {
        abort();
    }
    return p;
}

int sem_conv_of(const struct fp_id *id)
{
    for (int i = 0; i < SEM_CONVS; i++) {
        if (id->len == strlen(conv_names[i]) && memcmp(id->text, conv_names[i], id->len) == 0) {
            return i;
        }
    }
    return -1;
}

/* ------------------------------------------------------------------ the world */

static void open_conv(struct sem *s, int i)
{
    static const char *const members[] = {"ben", "dan", "cleo"};
    static const uint64_t roles[] = {FP_ROLE_MANAGER, FP_ROLE_MEMBER, FP_ROLE_MEMBER};
    struct sem_device *anna = &s->devices[0];
    struct sem_cmd *c = &anna->cmds[anna->next_n];
    struct kit_body b;

    struct fp_command cmd = kit_conv_new(&b, anna->next_n, conv_names[i], "house", members, roles, i == 0 ? 3 : 2);
    *c = (struct sem_cmd){.kind = FP_K_CONV_NEW, .composed_us = s->kit.mono.us, .conv = (uint8_t)i, .body_len = cmd.body.len};
    if (cmd.body.len > sizeof(c->body)) {
        sem_fail(s, "the first body is too long");
    }
    memcpy(c->body, cmd.body.p, cmd.body.len);
    anna->next_n++;
}

void sem_open(struct sem *s, uint64_t seed)
{
    *s = (struct sem){.seed = seed, .random = {.state = seed * 0x2545f4914f6cdd1dULL}, .hash = FP_HASH_START};
    kit_open(&s->kit);
    s->kit.config.cache_convs = 2; /* so that caches are emptied at times */
    s->kit.config.open_scopes = true;
    s->again = must_alloc(1, sizeof(struct fold));
    fold_begin(s->again, 1);
    for (int i = 0; i < SEM_CONVS; i++) {
        s->convs[i] = (struct sem_conv){.name = conv_names[i], .fold = must_alloc(1, sizeof(struct fold))};
        fold_begin(s->convs[i].fold, 1);
        memset(s->convs[i].roles, FP_ROLE_NONE, sizeof(s->convs[i].roles));
    }
    for (int d = 0; d < SEM_DEVICES; d++) {
        struct fp_id user = {0};
        (void)fp_id_parse(device_names[d], strcspn(device_names[d], "-"), &user);
        s->devices[d] = (struct sem_device){.name = device_names[d], .person = fold_person(&user), .next_n = 1, .online = true};
        s->devices[d].cmds = must_alloc(SEM_CMDS, sizeof(struct sem_cmd));
        for (int i = 0; i < SEM_CONVS; i++) {
            s->devices[d].views[i].fold = must_alloc(1, sizeof(struct fold));
            fold_begin(s->devices[d].views[i].fold, 1);
        }
    }
    sem_restart(s);
    for (int i = 0; i < SEM_CONVS; i++) {
        open_conv(s, i);
    }
    sem_turn(s);
    for (int i = 0; i < SEM_CONVS; i++) {
        if (s->convs[i].fold->head == 0) {
            sem_fail(s, "no conversation has begun");
        }
    }
}

void sem_close(struct sem *s)
{
    for (int d = 0; d < SEM_DEVICES; d++) {
        for (int i = 0; i < SEM_CONVS; i++) {
            free(s->devices[d].views[i].fold);
        }
        free(s->devices[d].cmds);
    }
    for (int i = 0; i < SEM_CONVS; i++) {
        free(s->convs[i].fold);
    }
    free(s->again);
    kit_close(&s->kit);
}

/* The broker asks the store who may read what; nobody is connected any more. */
void sem_restart(struct sem *s)
{
    static const char *const people[FOLD_PEOPLE] = {"anna", "ben", "cleo", "dan"};
    struct store_port st = s->kit.fault.inner;

    kit_restart(&s->kit);
    s->stats.restarts++;
    for (int d = 0; d < SEM_DEVICES; d++) {
        s->devices[d].greeted = false;
    }
    for (int i = 0; i < SEM_CONVS; i++) {
        for (int p = 0; p < FOLD_PEOPLE; p++) {
            struct store_member m = {0};
            struct fp_id user = kit_id(people[p]);
            bool found = false;
            if (s->convs[i].cid > 0 && st.load_member(st.ctx, s->convs[i].cid, &user, &m, &found)) {
                sem_fail(s, "the store cannot be read");
            }
            s->convs[i].granted[p] = found && m.active;
        }
    }
}

/* ------------------------------------------------------------------ a turn */

struct fp_command sem_command(const struct sem_cmd *c, uint64_t n)
{
    return (struct fp_command){.kind = c->kind,
                               .n = n,
                               .conv = kit_id(conv_names[c->conv]),
                               .seen = c->seen,
                               .ref = c->ref,
                               .base = c->base,
                               .has_base = c->has_base,
                               .ttl_s = c->ttl,
                               .has_ttl = c->has_ttl,
                               .age_ms = c->age_ms,
                               .has_age = c->age_ms > 0,
                               .priority = FP_PRIORITY_NORMAL,
                               .body = fp_bytes_of(c->body, c->body_len)};
}

static void greet(struct sem *s, struct sem_device *d)
{
    uint8_t buf[256];
    struct fp_enc e;
    size_t count = 0;

    for (int i = 0; i < SEM_CONVS; i++) {
        count += d->views[i].in;
    }
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_map(&e, 2);
    fp_enc_uint(&e, FP_HELLO_PROTOCOL);
    fp_enc_uint(&e, 1);
    fp_enc_uint(&e, FP_HELLO_CURSORS);
    fp_enc_map(&e, count);
    static const int by_length[SEM_CONVS] = {2, 1, 0}; /* keys ascend */
    for (int k = 0; k < SEM_CONVS; k++) {
        int i = by_length[k];
        if (d->views[i].in) {
            fp_enc_text(&e, conv_names[i], strlen(conv_names[i]));
            fp_enc_uint(&e, d->views[i].fold->head);
        }
    }
    struct fp_command hello = {.kind = FP_K_HELLO, .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&e)};
    kit_send(&s->kit, d->name, &hello);
    d->greeted = true;
}

/* Everything that has no answer yet, from the first on, and the pages that are missing. */
static void send_all(struct sem *s, struct sem_device *d)
{
    struct kit_body b;

    if (!d->greeted) {
        greet(s, d);
    }
    for (uint64_t n = d->done + 1; n < d->next_n && n <= d->done + 20; n++) {
        d->cmds[n].age_ms = (s->kit.mono.us - d->cmds[n].composed_us) / 1000;
        struct fp_command c = sem_command(&d->cmds[n], n);
        kit_send(&s->kit, d->name, &c);
        s->sent++;
        s->sender = d;
    }
    for (int i = 0; i < SEM_CONVS; i++) {
        if (d->views[i].in && d->views[i].ask) {
            struct fp_command get = kit_get(&b, conv_names[i], d->views[i].fold->head, 0, 0, false);
            d->views[i].ask = false;
            kit_send(&s->kit, d->name, &get);
        }
    }
}

static void listen_to_hub(struct sem *s)
{
    sem_log(s);
    sem_tells(s);
    kit_clear(&s->kit);
}

void sem_turn(struct sem *s)
{
    struct kit *k = &s->kit;

    s->stats.turns++;
    s->sent = 0;
    for (int i = 0; i < SEM_CONVS; i++) {
        s->convs[i].before = s->convs[i].fold->head;
    }
    for (int d = 0; d < SEM_DEVICES; d++) {
        if (s->devices[d].online && !s->quiet) {
            send_all(s, &s->devices[d]);
        }
    }
    kit_run(k);
    s->faulty = k->fault.failed > 0;
    s->stats.failed += k->fault.failed;
    fault_store_disarm(&k->fault);
    k->fault.failed = 0;
    if (k->last || s->crash) {
        sem_log(s); /* what is committed counts, though nobody was told */
        sem_restart(s);
        s->crash = false;
        s->faulty = true;
        return;
    }
    listen_to_hub(s);
    for (int i = 0; i < 1000 && hub_wait_us(k->hub, k->mono) == 0; i++) {
        k->last = hub_turn(k->hub, NULL, 0, k->mono, k->wall);
        if (k->last) {
            sem_fail(s, "an idle turn ends with error %d", (int)k->last);
        }
        s->sent = 0;
        listen_to_hub(s);
    }
}
