/* What the POSIX ports do besides their suite: names and addresses, descriptors of the caller, clocks and waiting. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "firmware-client/ports/posix.h"
#include "firmware-client/ports/transport_serial.h"
#include "firmware-client/ports/transport_tcp.h"

static enum fp_err opened(struct fp_transport port, struct fp_tcp *tcp)
{
    for (int i = 0; i < 1000; i++) {
        enum fp_err err = port.open(port.ctx);
        if (err != FP_EAGAIN) {
            return err;
        }
        (void)fp_posix_wait(fp_tcp_fd(tcp), true, (struct fp_mono){.us = fp_posix_mono().us + 100000}, fp_posix_mono());
    }
    return FP_EAGAIN;
}

/* ------------------------------------------------------------------ TCP */

/* Names are looked up here while `made_up` is not NULL: the linker wraps these two, see transport.cmake. */
static struct addrinfo *made_up;
int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **out);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **out);
void __real_freeaddrinfo(struct addrinfo *list);
void __wrap_freeaddrinfo(struct addrinfo *list);

int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **out)
{
    *out = made_up;
    return made_up ? 0 : __real_getaddrinfo(host, port, hints, out);
}

void __wrap_freeaddrinfo(struct addrinfo *list)
{
    if (list != made_up) {
        __real_freeaddrinfo(list);
    }
}

struct listener {
    int fd;
    struct sockaddr_in at;
    struct addrinfo info;
};

static void start(struct listener *l, struct listener *next)
{
    socklen_t len = sizeof l->at;
    l->at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    l->info = (struct addrinfo){.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_addr = (struct sockaddr *)&l->at, .ai_addrlen = len,
                                .ai_next = next ? &next->info : NULL};
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(l->fd >= 0);
    assert_int_equal(bind(l->fd, (struct sockaddr *)&l->at, len), 0);
    assert_int_equal(getsockname(l->fd, (struct sockaddr *)&l->at, &len), 0);
}

static uint16_t peer_of(const struct fp_tcp *tcp)
{
    struct sockaddr_in at = {.sin_port = 0};
    socklen_t len = sizeof at;
    assert_int_equal(getpeername(fp_tcp_fd(tcp), (struct sockaddr *)&at, &len), 0);
    return at.sin_port;
}

static void every_address_of_a_name_is_tried(void **state)
{
    (void)state;
    struct listener deaf, deaf_too, good;
    struct fp_transport port;
    struct fp_tcp tcp;
    start(&good, NULL);
    start(&deaf_too, &good); /* bound, and nobody listens: refused */
    start(&deaf, &deaf_too);
    assert_int_equal(listen(good.fd, 8), 0);
    made_up = &deaf.info;
    assert_int_equal(fp_tcp_init(&tcp, "hub.example", "1", &port), FP_OK);
    assert_int_equal(fp_tcp_fd(&tcp), -1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(opened(port, &tcp), FP_OK);
        assert_string_equal(fp_tcp_error(&tcp), "");
        assert_int_equal(peer_of(&tcp), good.at.sin_port);
        port.close(port.ctx);
        assert_int_equal(fp_tcp_fd(&tcp), -1);
    }
    (void)close(good.fd); /* it was the first to be tried; the others are, too, before it gives up */
    assert_int_equal(opened(port, &tcp), FP_EIO);
    assert_int_equal(listen(deaf_too.fd, 8), 0);
    assert_int_equal(opened(port, &tcp), FP_OK);
    assert_int_equal(peer_of(&tcp), deaf_too.at.sin_port);
    port.close(port.ctx);
    made_up = NULL;
    (void)close(deaf.fd);
    (void)close(deaf_too.fd);
}

static void an_address_that_hangs_hides_no_other(void **state)
{
    (void)state;
    struct listener full, good;
    struct fp_transport port;
    struct fp_tcp tcp;
    int waiting[4]; /* more than its queue takes, so that it answers nobody any more */
    start(&good, NULL);
    start(&full, &good);
    assert_int_equal(listen(good.fd, 8), 0);
    assert_int_equal(listen(full.fd, 0), 0);
    for (int i = 0; i < 4; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(waiting[i], full.info.ai_addr, full.info.ai_addrlen);
    }
    made_up = &full.info;
    assert_int_equal(fp_tcp_init(&tcp, "hub.example", "1", &port), FP_OK);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(port.open(port.ctx), FP_EAGAIN);
    }
    port.close(port.ctx); /* who waits for it has lost patience */
    assert_int_equal(opened(port, &tcp), FP_OK);
    assert_int_equal(peer_of(&tcp), good.at.sin_port);
    port.close(port.ctx);
    made_up = NULL;
    for (int i = 0; i < 4; i++) {
        (void)close(waiting[i]);
    }
    (void)close(full.fd);
    (void)close(good.fd);
}

static void what_went_wrong_is_a_sentence(void **state)
{
    (void)state;
    struct fp_transport port;
    struct fp_tcp tcp;
    assert_int_equal(fp_tcp_init(&tcp, "", "1", &port), FP_ECONFIG);
    assert_int_equal(fp_tcp_init(&tcp, NULL, "1", &port), FP_ECONFIG);
    assert_int_equal(fp_tcp_init(&tcp, "127.0.0.1", "", &port), FP_ECONFIG);
    assert_int_equal(fp_tcp_init(&tcp, "127.0.0.1", "no-such-service", &port), FP_OK);
    assert_int_equal(opened(port, &tcp), FP_EIO);
    assert_non_null(strstr(fp_tcp_error(&tcp), "127.0.0.1 port no-such-service: the name is not known"));
    assert_int_equal(fp_tcp_init(&tcp, "127.0.0.1", "1", &port), FP_OK);
    assert_int_equal(opened(port, &tcp), FP_EIO);
    assert_non_null(strstr(fp_tcp_error(&tcp), "127.0.0.1 port 1: Connection refused"));
}

/* ------------------------------------------------------------------ a descriptor of the caller */

static void a_descriptor_of_the_caller_stays_open(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_DFL); /* it would end us */
    int ends[2];
    char byte = 0;
    size_t n = 0;
    struct fp_serial serial;
    struct fp_transport port;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(fp_serial_init_fd(&serial, ends[0], &port), FP_OK);
    assert_int_equal(fp_serial_fd(&serial), ends[0]);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(port.open(port.ctx), FP_OK);
        assert_int_equal(port.read(port.ctx, &byte, 1, &n), FP_EAGAIN); /* it has become non-blocking */
        assert_int_equal(port.write(port.ctx, "x", 1, &n), FP_OK);
        assert_int_equal(read(ends[1], &byte, 1), 1);
        assert_int_equal(write(ends[1], "y", 1), 1);
        assert_int_equal(port.read(port.ctx, &byte, 1, &n), FP_OK);
        port.close(port.ctx);
        assert_true(fcntl(ends[0], F_GETFD) >= 0);
    }
    assert_int_equal(port.open(port.ctx), FP_OK);
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(port.write(port.ctx, "x", 1, &n), FP_EIO);
    assert_int_equal(port.read(port.ctx, &byte, 1, &n), FP_EIO);
    port.close(port.ctx);
    assert_int_equal(close(ends[0]), 0);
}

static void a_speed_that_does_not_exist_is_no_configuration(void **state)
{
    (void)state;
    struct fp_serial serial;
    struct fp_transport port;
    assert_int_equal(fp_serial_init(&serial, "/dev/ttyS0", 115201, &port), FP_ECONFIG);
    assert_int_equal(fp_serial_init(&serial, "", 9600, &port), FP_ECONFIG);
    assert_int_equal(fp_serial_init_fd(&serial, -1, &port), FP_ECONFIG);
    assert_int_equal(fp_serial_init(&serial, "/dev/null", 9600, &port), FP_OK);
    assert_int_equal(port.open(port.ctx), FP_EIO); /* no terminal */
    assert_int_equal(serial.why, ENOTTY);
    assert_int_equal(fp_serial_fd(&serial), -1);
}

/* ------------------------------------------------------------------ clocks, chance, waiting */

static void the_clock_goes_on_and_never_back(void **state)
{
    (void)state;
    struct fp_mono last = fp_posix_mono();
    for (int i = 0; i < 10000; i++) {
        struct fp_mono now = fp_posix_mono();
        assert_true(now.us >= last.us);
        last = now;
    }
    assert_true(fp_posix_wall().ms > 1600000000000ULL);
}

static void chance_does_not_repeat(void **state)
{
    (void)state;
    struct fp_random random = fp_posix_random();
    uint32_t ones = 0, zeros = 0;
    for (int i = 0; i < 100; i++) {
        uint32_t n = random.next(random.ctx);
        ones |= n;
        zeros |= ~n;
    }
    assert_int_equal(ones, UINT32_MAX); /* each bit was 1 and was 0: fails once in 2^94 runs */
    assert_int_equal(zeros, UINT32_MAX);
    static unsigned char many[100000]; /* more than getrandom() gives at once when a signal comes */
    assert_int_equal(fp_posix_entropy(NULL, many, sizeof many), 0);
    size_t nothing = 0;
    for (size_t i = 0; i < sizeof many; i++) {
        nothing += many[i] == 0;
    }
    assert_in_range(nothing, 1, 1000);
}

static void it_waits_for_bytes_and_no_longer_than_asked(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct fp_mono now = fp_posix_mono(), soon = {.us = now.us + 20500}, never = {.us = UINT64_MAX};
    assert_false(fp_posix_wait(ends[0], false, soon, now));
    assert_true(fp_posix_mono().us >= soon.us);
    now = fp_posix_mono();
    assert_false(fp_posix_wait(-1, false, (struct fp_mono){.us = now.us + 1}, now));
    assert_true(fp_posix_mono().us > now.us);
    assert_false(fp_posix_wait(ends[0], false, now, fp_posix_mono())); /* it is late already */
    assert_true(fp_posix_wait(ends[0], true, never, fp_posix_mono()));
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_true(fp_posix_wait(ends[0], false, never, fp_posix_mono()));
    (void)close(ends[1]);
    assert_true(fp_posix_wait(ends[0], false, never, fp_posix_mono()));
    (void)close(ends[0]);
}

static void on_alarm(int number)
{
    (void)number;
}

static void a_signal_ends_the_waiting(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct sigaction before;
    const struct itimerval often = {.it_value.tv_usec = 20000, .it_interval.tv_usec = 20000}, off = {.it_value.tv_usec = 0};
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    struct fp_mono start = fp_posix_mono();
    assert_false(fp_posix_wait(-1, false, (struct fp_mono){.us = UINT64_MAX}, start));
    assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
    assert_true(fp_posix_mono().us - start.us < 5000000);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_address_of_a_name_is_tried),
        cmocka_unit_test(an_address_that_hangs_hides_no_other),
        cmocka_unit_test(what_went_wrong_is_a_sentence),
        cmocka_unit_test(a_descriptor_of_the_caller_stays_open),
        cmocka_unit_test(a_speed_that_does_not_exist_is_no_configuration),
        cmocka_unit_test(the_clock_goes_on_and_never_back),
        cmocka_unit_test(chance_does_not_repeat),
        cmocka_unit_test(it_waits_for_bytes_and_no_longer_than_asked),
        cmocka_unit_test(a_signal_ends_the_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
