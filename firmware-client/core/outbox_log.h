/*
 * outbox_log.h: sectors and records of the outbox's log; internal to outbox*.c.
 *
 * Shape       sector: magic, layout version and shape of the region, number, crc; then records: length of the body, type, 0xff, crc, body; each
 *             padded to program_bytes.
 *             The crc of a record covers the number of its sector, so that a record of the sector's earlier life is none.
 * Units       little endian
 */
#ifndef FIRMWARE_CLIENT_CORE_OUTBOX_LOG_H
#define FIRMWARE_CLIENT_CORE_OUTBOX_LOG_H

#include "firmware-client/core/outbox.h"

#define OUTBOX_NOWHERE UINT32_MAX
#define OUTBOX_HEADER_BYTES 16u
#define OUTBOX_RECORD_BYTES 8u
#define OUTBOX_COMMAND_BYTES 20u /* ticket, composed, error; then the command */
#define OUTBOX_STATE_BYTES 40u   /* epoch, first, its n, next, doubt */
#define OUTBOX_CURSOR_BYTES 18u  /* epoch, seq, two lengths; then the ids */
#define OUTBOX_CURSOR_MAX (OUTBOX_CURSOR_BYTES + 2u * FP_ID_MAX)

enum outbox_type { OUTBOX_COMMAND = 1, OUTBOX_CANCEL = 2, OUTBOX_STATE = 3, OUTBOX_CURSOR = 4 };

struct outbox_part { /* of a body: memory, or, if p is NULL, what stands on the storage */
    const uint8_t *p;
    uint32_t at;
    uint32_t len;
};

struct outbox_record {
    uint8_t type;
    uint32_t at;   /* of the record */
    uint32_t len;  /* of its body, which stands at at + OUTBOX_RECORD_BYTES */
    uint32_t next; /* where the next one begins */
};

void outbox_put64(uint8_t *p, uint64_t v);
uint64_t outbox_get64(const uint8_t *p);
void outbox_put32(uint8_t *p, uint32_t v);
uint32_t outbox_get32(const uint8_t *p);
uint32_t outbox_crc(uint32_t crc, const void *p, size_t len); /* begin with 0 */

uint32_t outbox_padded(const struct fp_outbox *o, uint32_t len);
uint32_t outbox_room(const struct fp_outbox *o);                   /* for records in an empty sector, beside the STATE that each has */
uint32_t outbox_number_at(const struct fp_outbox *o, uint32_t at); /* of the sector that holds `at` */

/* Erases the sector and writes its header; it becomes the one that is written. */
enum fp_err outbox_begin_sector(struct fp_outbox *o, uint32_t sector, uint32_t number);
/* Is this a sector of ours? FP_EVERSION: of a newer release. FP_ECONFIG: of a region of another shape. */
enum fp_err outbox_read_sector(const struct fp_outbox *o, uint32_t sector, bool *out_ours, uint32_t *out_number);
/* The record at `at`; *out_good is false where there is none. */
enum fp_err outbox_read_record(const struct fp_outbox *o, uint32_t at, uint32_t number, struct outbox_record *out, bool *out_good);
/* Is everything erased from `at` to the end of its sector? */
enum fp_err outbox_is_erased(const struct fp_outbox *o, uint32_t at, bool *out_erased);

/* Writes a record into the current sector, where it must fit. On an error the rest of the sector is given up. */
enum fp_err outbox_write(struct fp_outbox *o, uint8_t type, const struct outbox_part *parts, size_t count, uint32_t *out_at);
enum fp_err outbox_write_state(struct fp_outbox *o);
uint32_t outbox_oldest(const struct fp_outbox *o); /* the sector at the tail of the log */
/* Makes room for a record with a body of len bytes, and leaves `reserve` bytes. FP_EFULL: there is none. */
enum fp_err outbox_make_room(struct fp_outbox *o, uint32_t len, uint32_t reserve);

void outbox_forget_cursors(struct fp_outbox *o);
struct fp_cursor *outbox_cursor(const struct fp_outbox *o, const struct fp_id *conv, bool make); /* NULL: none, or no room for one */
enum fp_err outbox_sync(struct fp_outbox *o);                                                    /* if it fails, the rest of the sector is given up */
void outbox_sweep(struct fp_outbox *o); /* drops what is answered or cancelled at the front */
/* Index of the slot of a pending ticket. */
uint32_t outbox_index(const struct fp_outbox *o, uint64_t ticket);

#endif
