/*
 * transport_serial.h: struct fp_transport over a serial line, or over any descriptor (a pty, a socket pair) that the caller has opened.
 *
 * Shape       a line has no connection: open() stands at once, close() only forgets what has come, and the other end hears of neither
 * Errors      FP_ECONFIG: no path, or a speed that the system does not know. FP_EIO: it cannot be opened, or the line is gone.
 * Memory      path outlives the transport
 * Thread      one at a time per struct. No SIGPIPE on sockets; a pipe raises it.
 * Surprising  closing a line of its own waits until its driver has sent what it took (there is no flow control, so it does)
 */
#ifndef FIRMWARE_CLIENT_PORTS_TRANSPORT_SERIAL_H
#define FIRMWARE_CLIENT_PORTS_TRANSPORT_SERIAL_H

#include "firmware-client/include/fieldpost.h"

struct fp_serial {
    const char *path; /* NULL: fd is the caller's */
    uint32_t baud;
    int fd; /* -1: none */
    bool stands, socket;
    int why; /* errno of the last failure; 0: none, or the line has ended */
};

/* 8 data bits, no parity, no flow control, raw. baud 0: the speed stays as it is. */
enum fp_err fp_serial_init(struct fp_serial *s, const char *path, uint32_t baud, struct fp_transport *out);
/* A descriptor that is open and stays the caller's; it becomes non-blocking, and raw if it is a terminal. */
enum fp_err fp_serial_init_fd(struct fp_serial *s, int fd, struct fp_transport *out);
int fp_serial_fd(const struct fp_serial *s); /* -1: none is open */

#endif
