/*
 * netbuf.h: buffers between libmosquitto and its sockets, so that the load generator is not what is measured.
 *
 * Shape       libmosquitto reads one packet in three or four pieces, each a system call, writes each packet with one, and wakes a thread that
 *             we do not have with another. On two cores that costs as much as the broker's own work and takes the time of whatever the
 *             broker's plugin does on its second thread. netbuf.c therefore defines read(), write() and socketpair() for the whole
 *             program: an attached socket reads what is there at once and writes when it is flushed.
 * Invariants  N1 a socket that is not attached behaves as ever.
 *             N2 nothing is reordered: what is written leaves in order, at the latest with the next flush.
 * Thread      one
 */
#ifndef TESTS_BENCH_NETBUF_H
#define TESTS_BENCH_NETBUF_H

#include <stdbool.h>
#include <stddef.h>

void netbuf_attach(int fd);
void netbuf_detach(int fd);
/* Reads what is there, with one system call. The end of the connection shows in the next read(). */
void netbuf_fill(int fd);
bool netbuf_has_input(int fd); /* or the end, or an error, to be read */
/* True if nothing is left to write; an error shows in the next write(). */
bool netbuf_flush(int fd);

#endif
