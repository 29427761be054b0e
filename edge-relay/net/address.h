/*
 * address.h: addresses as the configuration writes them, and as the log tells them.
 */
#ifndef EDGE_RELAY_NET_ADDRESS_H
#define EDGE_RELAY_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct address {
    struct sockaddr_storage to;
    socklen_t len;
};

#define ADDRESS_TEXT_MAX 128

/* "host:port" or "[host]:port"; the port is a number of at most 65535. */
bool address_split(const char *text, char *out_host, size_t host_cap, char *out_port, size_t port_cap);
bool address_parse_numeric(const char *text, struct address *out);
/* A path that starts with a slash is a Unix socket; a name is looked up, which may take a while. NULL, or the reason. */
const char *address_resolve(const char *text, struct address *out);
/* "address:port"; empty for a Unix socket. */
void address_text(const struct address *a, char out[ADDRESS_TEXT_MAX]);
bool address_is_loopback(const struct address *a);

#endif
