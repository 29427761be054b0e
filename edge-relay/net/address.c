#include "edge-relay/net/address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

bool address_split(const char *text, char *out_host, size_t host_cap, char *out_port, size_t port_cap)
{
    const char *colon = strrchr(text, ':');
    const char *host = text;
    size_t host_len = colon == NULL ? 0 : (size_t)(colon - text);

    if (host_len == 0 || strlen(colon + 1) == 0 || strlen(colon + 1) > 5 || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        strtoul(colon + 1, NULL, 10) > 65535) {
        return false;
    }
    if (host[0] == '[') {
        if (host_len < 3 || host[host_len - 1] != ']') {
            return false;
        }
        host++;
        host_len -= 2;
    } else if (memchr(host, ':', host_len) != NULL) {
        return false; /* an IPv6 address without brackets */
    }
    if (host_len >= host_cap || strlen(colon + 1) >= port_cap || memchr(host, ' ', host_len) != NULL) {
        return false;
    }
    memcpy(out_host, host, host_len);
    out_host[host_len] = '\0';
    memcpy(out_port, colon + 1, strlen(colon + 1) + 1);
    return true;
}

static const char *look_up(const char *text, int flags, struct address *out)
{
    char host[256], port[8];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *found = NULL;

    if (!address_split(text, host, sizeof host, port, sizeof port)) {
        return "it is not HOST:PORT";
    }
    int err = getaddrinfo(host, port, &hints, &found);
    if (err != 0) {
        return gai_strerror(err);
    }
    memset(out, 0, sizeof *out);
    memcpy(&out->to, found->ai_addr, found->ai_addrlen);
    out->len = found->ai_addrlen;
    freeaddrinfo(found);
    return NULL;
}

bool address_parse_numeric(const char *text, struct address *out)
{
    return look_up(text, AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, out) == NULL;
}

const char *address_resolve(const char *text, struct address *out)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    if (text[0] != '/') {
        return look_up(text, AI_NUMERICSERV, out);
    }
    if (strlen(text) >= sizeof name.sun_path) {
        return "the path is too long";
    }
    memcpy(name.sun_path, text, strlen(text));
    memset(out, 0, sizeof *out);
    memcpy(&out->to, &name, sizeof name);
    out->len = sizeof name;
    return NULL;
}

void address_text(const struct address *a, char out[ADDRESS_TEXT_MAX])
{
    char host[80], port[8];

    out[0] = '\0';
    if (a->to.ss_family != AF_UNIX &&
        getnameinfo((const struct sockaddr *)&a->to, a->len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        (void)snprintf(out, ADDRESS_TEXT_MAX, a->to.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    }
}

bool address_is_loopback(const struct address *a)
{
    if (a->to.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a->to;
        return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
    }
    if (a->to.ss_family == AF_INET6) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)&a->to)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
    }
    return false;
}
