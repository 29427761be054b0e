/*
 * The storage has whatever the input says: six bytes (a seed, the shape of the region, what to mend, slots), then its bytes; what is missing is
 * erased. Mending puts right checksums, so that what stands behind them is reached: of the headers, of the records, or neither.
 * Whatever is found: nothing is read past its end, what is pending and readable has a good checksum, a newer layout and another shape are left
 * alone, and the outbox works from there on: it takes commands, keeps them over a restart and never gives a ticket twice.
 */
#include "tests/fuzz/fuzz.h"

#include "firmware-client/core/outbox_log.h"
#include "tests/support/cut_storage.h"

#define SLOTS 32
#define CURSORS 3
#define HEAD 6

struct box {
    struct cut_storage s;
    struct fp_outbox o;
    struct fp_slot slots[SLOTS];
    struct fp_cursor cursors[CURSORS];
    uint32_t slot_cap;
    struct sim_random r;
};

static enum fp_err start(struct box *b)
{
    return fp_outbox_open(&b->o, cut_storage_port(&b->s), b->slots, b->slot_cap, b->cursors, CURSORS);
}

static uint32_t pad(const struct cut_storage *s, uint32_t len)
{
    return (len + s->program_bytes - 1U) / s->program_bytes * s->program_bytes;
}

static void mend_records(struct cut_storage *s, uint8_t *sector)
{
    uint32_t at = pad(s, OUTBOX_HEADER_BYTES);
    while (at + OUTBOX_RECORD_BYTES <= s->sector_bytes) {
        uint8_t *record = sector + at;
        uint32_t len = (uint32_t)record[0] | (uint32_t)record[1] << 8;
        if (len > s->sector_bytes - at - OUTBOX_RECORD_BYTES) {
            return;
        }
        uint32_t crc = outbox_crc(outbox_crc(0, sector + 8, 4), record, 4); /* begins with the sector's number */
        outbox_put32(record + 4, outbox_crc(crc, record + OUTBOX_RECORD_BYTES, len));
        at += pad(s, OUTBOX_RECORD_BYTES + len);
    }
}

static void mend_header(const struct cut_storage *s, uint8_t *sector)
{
    uint8_t shape[12];
    outbox_put32(sector, 0x424f5046);
    outbox_put32(shape, s->size);
    outbox_put32(shape + 4, s->sector_bytes);
    outbox_put32(shape + 8, s->program_bytes);
    outbox_put32(sector + 4, outbox_crc(0, shape, sizeof(shape)) << 8 | FP_OUTBOX_VERSION);
    outbox_put32(sector + 12, outbox_crc(0, sector, 12));
}

static void load(struct box *b, const uint8_t *data, size_t size)
{
    static const uint32_t sector_bytes[] = {256, 512, 1024};
    memset(b, 0, sizeof(*b));
    b->r.state = data[0];
    cut_storage_init(&b->s, 3 + data[2] % 2, sector_bytes[data[1] % 3], (uint16_t)(1U << data[3] % 6));
    b->slot_cap = 1 + data[5] % SLOTS;
    size_t len = size - HEAD < b->s.size ? size - HEAD : b->s.size;
    memcpy(b->s.now, data + HEAD, len);
    for (uint8_t *sector = b->s.now; sector < b->s.now + b->s.size; sector += b->s.sector_bytes) {
        if ((data[4] & 1) != 0 && sector[0] != 0xff) {
            mend_header(&b->s, sector);
        }
        if ((data[4] & 2) != 0) {
            mend_records(&b->s, sector);
        }
    }
    memcpy(b->s.safe, b->s.now, b->s.size);
    cut_storage_reboot(&b->s, &b->r); /* nothing is lost, all is synced; what is not erased counts as programmed */
}

static void check(struct box *b)
{
    uint8_t exact[1024];
    size_t len = 0;
    struct fp_composed when;
    FUZZ_NEED(b->o.first > 0 && b->o.first <= b->o.next && b->o.next - b->o.first <= b->slot_cap);
    for (uint64_t t = b->o.first; t < b->o.next; t++) {
        const struct fp_slot *slot = fp_outbox_slot(&b->o, t);
        if (!slot) {
            continue;
        }
        enum fp_err err = fp_outbox_read(&b->o, t, exact, sizeof(exact), &len, &when);
        FUZZ_NEED(err == FP_OK || (err == FP_EUNKNOWN && slot->at == OUTBOX_NOWHERE));
        if (!err) {
            struct outbox_record r;
            bool good = false;
            FUZZ_NEED(outbox_read_record(&b->o, slot->at, outbox_number_at(&b->o, slot->at), &r, &good) == FP_OK && good && len <= b->s.sector_bytes);
        }
        uint64_t n = fp_outbox_n(&b->o, t);
        FUZZ_NEED(b->o.first_n > UINT64_MAX - SLOTS || fp_outbox_ticket(&b->o, n) == t);
    }
}

static void work(struct box *b)
{
    struct fp_id conv;
    struct fp_composed when = {0};
    uint64_t ticket = 0, last = b->o.next - 1;
    (void)fp_id_parse("conv", 4, &conv);
    for (int i = 0; i < 60; i++) {
        uint64_t any = b->o.first + sim_below(&b->r, b->o.next - b->o.first);
        enum fp_err err = fp_outbox_append(&b->o, when, fp_bytes_of("head", 4), fp_bytes_of("and rest", sim_below(&b->r, 9)), &ticket);
        FUZZ_NEED(err == FP_EFULL || err == FP_ETOOLARGE || (err == FP_OK && ticket == last + 1));
        last += err ? 0 : 1;
        err = i % 3 == 0 ? fp_outbox_cancel(&b->o, any) : fp_outbox_done(&b->o, any);
        FUZZ_NEED(err == FP_OK || err == FP_EUNKNOWN || err == FP_EFULL);
        err = i % 5 == 0 ? fp_outbox_set_cursor(&b->o, &conv, &conv, (uint64_t)i) : i % 5 == 1 ? fp_outbox_number(&b->o, 1 + (uint64_t)i, 7) : FP_OK;
        FUZZ_NEED(err == FP_OK || err == FP_EFULL || err == FP_ETOOLARGE);
        if (i % 7 == 0) {
            cut_storage_reboot(&b->s, &b->r);
            FUZZ_NEED(start(b) == FP_OK && b->o.next == last + 1);
        }
        check(b);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct box b;
    static uint8_t before[CUT_BYTES_MAX];
    if (size < HEAD) {
        return 0;
    }
    load(&b, data, size);
    memcpy(before, b.s.now, sizeof(before));
    enum fp_err err = start(&b);
    if (err) {
        FUZZ_NEED(err == FP_EVERSION || err == FP_ECONFIG);
        FUZZ_NEED(memcmp(before, b.s.now, sizeof(before)) == 0);
        return 0;
    }
    check(&b);
    if (b.o.next < UINT64_MAX - 1000 && b.o.number < UINT32_MAX - 1000) { /* more than anyone lives to write */
        work(&b);
    }
    return 0;
}
