/*
 * How commands fall into batches, and whether a batch has to be replayed, must not show: the same commands in the same order make the same
 * history. Random commands of several devices (good and bad ones, repeats, gaps) run one a batch, in random batches, and with a
 * store that fails now and then (where the devices send again); all three end alike.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/hub_kit.h"

#define SEEDS 300
#define COMMANDS 120
#define CONVS 3

static const char *const devices[] = {"anna-phone", "anna-pad", "ben-phone", "carl-phone", "dora-pad"};
static const char *const users[] = {"anna", "ben", "carl", "dora", "emil"};
static const char *const convs[CONVS] = {"kitchen", "cellar", "attic"};
#define DEVICES (sizeof(devices) / sizeof(devices[0]))
#define USERS (sizeof(users) / sizeof(users[0]))

static uint64_t next_random(uint64_t *s) /* xorshift: chance that can be replayed */
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static size_t pick(uint64_t *s, size_t count)
{
    return (size_t)(next_random(s) % count);
}

struct step {
    size_t device;
    struct kit_body body;
    struct fp_command command;
};

/* n is the device's next one in nine cases of ten; else a repeat of an earlier one or a gap. */
static uint64_t choose_n(uint64_t *s, uint64_t *next)
{
    size_t chance = pick(s, 20);
    if (chance == 0 && *next > 1) {
        return 1 + pick(s, (size_t)*next - 1);
    }
    if (chance == 1) {
        return *next + 1 + pick(s, 3);
    }
    return (*next)++;
}

static void choose(uint64_t *s, struct step *st, uint64_t *next_n)
{
    st->device = pick(s, DEVICES);
    uint64_t n = choose_n(s, &next_n[st->device]);
    const char *conv = convs[pick(s, CONVS)];
    const char *user = users[pick(s, USERS)];
    char text[16];
    (void)snprintf(text, sizeof(text), "m%u", (unsigned)pick(s, 1000));
    static const uint64_t roles[] = {FP_ROLE_MEMBER, FP_ROLE_MANAGER};
    static const char *const members[] = {"ben", "carl"};

    switch (pick(s, 10)) {
    case 0:
        st->command = kit_conv_new(&st->body, n, conv, pick(s, 2) ? "house" : "dm", members, roles, 2);
        return;
    case 1:
        st->command = kit_member(&st->body, n, FP_K_MEMBER_ADD, conv, user, (int)pick(s, 4), pick(s, 2) ? -1 : 1);
        return;
    case 2:
        st->command = kit_member(&st->body, n, FP_K_MEMBER_REMOVE, conv, user, -1, -1);
        return;
    case 3:
        st->command = kit_member(&st->body, n, FP_K_MEMBER_ROLE, conv, user, (int)pick(s, 4), -1);
        return;
    default:
        st->command = kit_msg(&st->body, n, conv, text);
        st->command.ref = pick(s, 5) == 0 ? pick(s, 12) : 0;
    }
}

static struct step *script(uint64_t seed)
{
    uint64_t s = seed * 0x9e3779b97f4a7c15ULL + 1;
    uint64_t next_n[DEVICES];
    struct step *steps = calloc(COMMANDS, sizeof(*steps));
    assert_non_null(steps);
    for (size_t i = 0; i < DEVICES; i++) {
        next_n[i] = 1;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        choose(&s, &steps[i], next_n);
    }
    return steps;
}

/* ------------------------------------------------------------------ what there is at the end */

struct digest {
    uint64_t hash;
    uint64_t expected_seq;
};

static bool digest_run(void *arg, const struct store_run *run)
{
    struct digest *d = arg;
    struct fp_bytes rest = run->events;
    struct fp_bytes one;
    while (fp_run_next(&rest, &one)) {
        assert_int_equal(fp_event_seq(one), d->expected_seq++);
        d->hash = fp_hash(d->hash, one.p, one.len);
    }
    return true;
}

static bool digest_member(void *arg, const struct store_member *m)
{
    struct digest *d = arg;
    uint64_t numbers[] = {m->role, m->joined, m->from, m->read_msgs}; /* a failed attempt may use up a change number */
    d->hash = fp_hash(d->hash, m->user.text, m->user.len);
    d->hash = fp_hash(d->hash, numbers, sizeof(numbers));
    return true;
}

static void digest_conv(struct store_port *p, const char *name, struct digest *d)
{
    struct store_conv c;
    struct fp_id id = kit_id(name);
    bool found = false;
    assert_int_equal(p->load_conv(p->ctx, &id, &c, &found), FP_OK);
    if (!found) {
        return;
    }
    uint64_t numbers[] = {c.head, c.msgs, c.about_seq, c.at.ms};
    d->hash = fp_hash(d->hash, numbers, sizeof(numbers));
    d->expected_seq = 1;
    assert_int_equal(p->each_run(p->ctx, c.cid, 1, c.head, digest_run, d), FP_OK);
    assert_int_equal(d->expected_seq, c.head + 1);
    assert_int_equal(p->each_member(p->ctx, c.cid, digest_member, d), FP_OK);
}

static uint64_t digest(const struct kit *k)
{
    struct store_port p = mem_store_port(k->mem);
    struct digest d = {.hash = FP_HASH_START};
    for (size_t i = 0; i < CONVS; i++) {
        digest_conv(&p, convs[i], &d);
    }
    for (size_t i = 0; i < DEVICES; i++) {
        struct store_device dev = {0};
        struct fp_id id = kit_id(devices[i]);
        bool found = false;
        assert_int_equal(p.load_device(p.ctx, &id, &dev, &found), FP_OK);
        d.hash = fp_hash(d.hash, &dev.next_n, sizeof(dev.next_n));
    }
    return d.hash;
}

/* ------------------------------------------------------------------ the three ways */

static uint64_t one_a_batch(const struct step *steps)
{
    struct kit k;
    kit_open(&k);
    for (size_t i = 0; i < COMMANDS; i++) {
        kit_send(&k, devices[steps[i].device], &steps[i].command);
        kit_run(&k);
    }
    uint64_t hash = digest(&k);
    kit_close(&k);
    return hash;
}

static uint64_t in_random_batches(const struct step *steps, uint64_t seed)
{
    struct kit k;
    uint64_t s = seed + 77;
    kit_open(&k);
    for (size_t i = 0; i < COMMANDS; i++) {
        kit_send(&k, devices[steps[i].device], &steps[i].command);
        if (pick(&s, 8) == 0) {
            kit_run(&k);
        }
        if (pick(&s, 40) == 0) {
            kit_run(&k);
            kit_restart(&k);
        }
    }
    kit_run(&k);
    uint64_t hash = digest(&k);
    kit_close(&k);
    return hash;
}

/* One command a batch, and that again until the store takes it: a failed attempt must leave nothing behind. */
static uint64_t with_a_failing_store(const struct step *steps, uint64_t seed)
{
    static const enum fp_err errors[] = {FP_EIO, FP_EFULL, FP_EBUSY};
    struct kit k;
    uint64_t s = seed + 99;
    kit_open(&k);
    for (size_t i = 0; i < COMMANDS; i++) {
        uint64_t failed = 0;
        do {
            failed = k.fault.failed;
            kit_send(&k, devices[steps[i].device], &steps[i].command);
            fault_store_arm(&k.fault, 1 + pick(&s, 30), errors[pick(&s, 3)], pick(&s, 2) == 0);
            kit_run(&k);
            fault_store_disarm(&k.fault);
        } while (k.fault.failed != failed && pick(&s, 4) != 0);
        kit_send(&k, devices[steps[i].device], &steps[i].command);
        kit_run(&k);
    }
    uint64_t hash = digest(&k);
    kit_close(&k);
    return hash;
}

static void batches_do_not_show(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct step *steps = script(seed);
        uint64_t one = one_a_batch(steps);
        uint64_t many = in_random_batches(steps, seed);
        if (one != many) {
            print_error("seed %llu: batches show\n", (unsigned long long)seed);
            fail();
        }
        free(steps);
    }
}

static void failures_of_the_store_do_not_show(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct step *steps = script(seed);
        uint64_t good = one_a_batch(steps);
        uint64_t failing = with_a_failing_store(steps, seed);
        if (good != failing) {
            print_error("seed %llu: failures show\n", (unsigned long long)seed);
            fail();
        }
        free(steps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_do_not_show),
        cmocka_unit_test(failures_of_the_store_do_not_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
