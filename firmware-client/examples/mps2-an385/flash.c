#include "firmware-client/examples/mps2-an385/flash.h"
#include "firmware-client/examples/mps2-an385/board.h"

enum { FLASH_BYTES = FLASH_SECTOR_BYTES * FLASH_SECTORS };
#define ERASED 0xffU

static struct {
    int file;
    uint32_t left; /* until the power goes; UINT32_MAX: it does not */
} flash;

static enum fp_err flash_read(void *ctx, uint32_t at, void *buf, size_t len)
{
    (void)ctx;
    return board_file_read(flash.file, at, buf, len) ? FP_OK : FP_EIO;
}

/* One piece to the file, or what of it the power lets through. */
static enum fp_err put(uint32_t at, const uint8_t *p, size_t len)
{
    size_t done = len < flash.left ? len : flash.left;
    bool ok = done == 0 || board_file_write(flash.file, at, p, done);
    if (flash.left != UINT32_MAX) {
        flash.left -= (uint32_t)done;
        if (flash.left == 0) {
            board_say("power cut\n");
            board_exit(BOARD_EXIT_CUT);
        }
    }
    return ok ? FP_OK : FP_EIO;
}

static enum fp_err put_all(uint32_t at, const uint8_t *p, size_t len)
{
    for (size_t done = 0; done < len;) {
        size_t piece = len - done < FLASH_PIECE ? len - done : FLASH_PIECE;
        enum fp_err err = put(at + (uint32_t)done, p + done, piece);
        if (err) {
            return err;
        }
        done += piece;
    }
    return FP_OK;
}

/* Real NOR flash would only clear bits; the log promises never to try, and is caught here if it does. */
static bool is_erased(uint32_t at, size_t len)
{
    uint8_t there[64];
    for (size_t done = 0; done < len;) {
        size_t piece = len - done < sizeof there ? len - done : sizeof there;
        if (!board_file_read(flash.file, at + (uint32_t)done, there, piece)) {
            return false;
        }
        for (size_t i = 0; i < piece; i++) {
            if (there[i] != ERASED) {
                return false;
            }
        }
        done += piece;
    }
    return true;
}

static enum fp_err flash_program(void *ctx, uint32_t at, const void *p, size_t len)
{
    (void)ctx;
    if (at % FLASH_PROGRAM_BYTES != 0 || len % FLASH_PROGRAM_BYTES != 0 || !is_erased(at, len)) {
        board_say("flash: not aligned, or not erased\n");
        return FP_EIO;
    }
    return put_all(at, p, len);
}

static enum fp_err fill(uint32_t at, uint32_t end)
{
    uint8_t erased[256];
    memset(erased, ERASED, sizeof erased);
    while (at < end) {
        uint32_t piece = end - at < sizeof erased ? end - at : (uint32_t)sizeof erased;
        enum fp_err err = put(at, erased, piece);
        if (err) {
            return err;
        }
        at += piece;
    }
    return FP_OK;
}

static enum fp_err flash_erase(void *ctx, uint32_t at)
{
    (void)ctx;
    return fill(at, at + FLASH_SECTOR_BYTES);
}

/* Each piece is in the host's file at once, which outlives the board; real flash has nothing to wait for either once program() is done. */
static enum fp_err flash_sync(void *ctx)
{
    (void)ctx;
    return FP_OK;
}

enum fp_err flash_open(const char *path, uint32_t cut_after, struct fp_storage *out)
{
    uint8_t last = 0;
    flash.left = UINT32_MAX;
    flash.file = board_file_open(path, false);
    if (flash.file < 0 || !board_file_read(flash.file, FLASH_BYTES - 1, &last, 1)) {
        flash.file = board_file_open(path, true);
        if (flash.file < 0 || fill(0, FLASH_BYTES) != FP_OK) {
            return FP_EIO;
        }
    }
    flash.left = cut_after > 0 ? cut_after : UINT32_MAX;
    *out = (struct fp_storage){.size = FLASH_BYTES,
                               .sector_bytes = FLASH_SECTOR_BYTES,
                               .program_bytes = FLASH_PROGRAM_BYTES,
                               .read = flash_read,
                               .program = flash_program,
                               .erase = flash_erase,
                               .sync = flash_sync};
    return FP_OK;
}
