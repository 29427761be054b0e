#include "firmware-client/cli/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "firmware-client/cli/wire_tls.h"
#include "firmware-client/ports/posix.h"
#include "firmware-client/ports/storage_file.h"
#include "firmware-client/ports/transport_tcp.h"

#define OUTBOX_BYTES (16U * 1024U * 1024U)
#define SECTOR_BYTES 65536U /* no command is longer than this less 64 */
#define WAIT_MS_MAX 60000   /* a longer sleep is begun anew */

struct wire {
    struct fp_storage_file file;
    struct fp_storage storage;
    struct fp_tcp tcp;
    struct wire_tls *tls; /* NULL: plain */
    struct fp_transport transport;
    char port[8];
};

static enum fp_err open_storage(struct wire *w, const char *path, struct str *why)
{
    enum fp_err err = fp_storage_file_open(&w->file, path, OUTBOX_BYTES, SECTOR_BYTES, &w->storage);
    if (err && err != FP_EBUSY) {
        str_format(why, "%s: the outbox cannot be opened", path);
        if (err == FP_EIO) {
            str_format(why, ": %s", strerror(errno));
        }
    }
    return err;
}

static enum fp_err open_transport(struct wire *w, const struct settings *s, struct str *why)
{
    (void)snprintf(w->port, sizeof w->port, "%u", (unsigned)s->port);
    enum fp_err err = fp_tcp_init(&w->tcp, settings_get(s, SET_HOST), w->port, &w->transport);
    if (err) {
        str_text(why, "the hub's host or port is missing");
        return err;
    }
    return s->tls ? wire_tls_open(&w->tls, s, &w->transport, why) : FP_OK;
}

enum fp_err wire_open(struct wire **out, const struct settings *s, const char *outbox_path, struct str *why)
{
    struct wire *w = keep_memory(calloc(1, sizeof *w));
    w->file.fd = -1;
    *out = NULL;
    enum fp_err err = open_transport(w, s, why);
    err = err ? err : open_storage(w, outbox_path, why);
    if (err) {
        wire_tls_close(w->tls);
        free(w);
        return err;
    }
    *out = w;
    return FP_OK;
}

void wire_close(struct wire *w)
{
    if (!w) {
        return;
    }
    w->transport.close(w->transport.ctx);
    wire_tls_close(w->tls);
    fp_storage_file_close(&w->file);
    free(w);
}

struct fp_transport wire_transport(struct wire *w)
{
    return w->transport;
}

struct fp_storage wire_storage(struct wire *w)
{
    return w->storage;
}

struct fp_random wire_random(struct wire *w)
{
    (void)w;
    return fp_posix_random();
}

const char *wire_error(const struct wire *w)
{
    const char *tls = w->tls ? wire_tls_error(w->tls) : "";
    return *tls ? tls : fp_tcp_error(&w->tcp);
}

void wire_wait(struct wire *w, bool wants_write, int extra_fd, uint64_t ms)
{
    int fd = w ? fp_tcp_fd(&w->tcp) : -1;
    bool connecting = fd >= 0 && !w->tcp.stands;
    struct pollfd fds[2] = {
        {.fd = fd,
         .events = (short)(connecting    ? POLLOUT
                           : wants_write ? POLLIN | POLLOUT
                                         : POLLIN)},
        {.fd = extra_fd, .events = POLLIN},
    };
    (void)poll(fds, 2, ms > WAIT_MS_MAX ? WAIT_MS_MAX : (int)ms); /* whatever it says, the caller looks at everything */
}
