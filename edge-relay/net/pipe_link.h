/*
 * pipe_link.h: the trunk pipe on sockets: the options' transports, the loop's descriptors and timer, and the news of the network.
 *
 * Shape       pipe_link_open() where the option `relay` is set; then the loop drives it
 * Errors      each names the option or file, and why
 * Thread      the loop's
 */
#ifndef EDGE_RELAY_NET_PIPE_LINK_H
#define EDGE_RELAY_NET_PIPE_LINK_H

#include <stdio.h>

#include "edge-relay/net/config.h"
#include "edge-relay/net/loop.h"

struct pipe_link;

/* *out is NULL where the configuration has no relay. Connects to nothing before the loop runs. */
bool pipe_link_open(struct loop *loop, const struct config *c, struct pipe_link **out, char out_error[CONFIG_ERROR_MAX]);
/* Whether pipe_link_open() would find what it needs: the options, and the files that they name. Connects to nothing. */
bool pipe_link_check(const struct config *c, char out_error[CONFIG_ERROR_MAX]);
void pipe_link_close(struct pipe_link *l);
/* For /metrics: appends the pipe's lines; returns the length, cut off at cap. NULL: none. */
size_t pipe_link_metrics(const struct pipe_link *l, char *out, size_t cap);

#endif
