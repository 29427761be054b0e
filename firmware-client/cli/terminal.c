#include "firmware-client/cli/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void on_resize(int number)
{
    (void)number; /* it only has to end a wait */
}

bool terminal_open(struct terminal *t)
{
    *t = (struct terminal){0};
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &t->before) != 0) {
        return false;
    }
    struct termios raw = t->before;
    struct sigaction action = {0};
    raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL | INLCR | IGNCR | ISTRIP);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | IEXTEN | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) != 0) {
        return false;
    }
    action.sa_handler = on_resize;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGWINCH, &action, NULL);
    t->raw = true;
    (void)fputs("\x1b[?1049h", stdout);
    (void)fflush(stdout);
    return true;
}

void terminal_close(struct terminal *t)
{
    if (!t->raw) {
        return;
    }
    (void)fputs("\x1b[m\x1b[?25h\x1b[?1049l", stdout);
    (void)fflush(stdout);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &t->before);
    t->raw = false;
}

void terminal_size(int *out_rows, int *out_columns)
{
    struct winsize size = {0};
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0;
    *out_rows = known ? size.ws_row : 24;
    *out_columns = known ? size.ws_col : 80;
    *out_columns = *out_columns < 8 ? 8 : *out_columns;
}

int terminal_read(char *buf, size_t cap)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&in, 1, 0) <= 0) {
        return 0;
    }
    ssize_t got = read(STDIN_FILENO, buf, cap);
    if (got < 0) {
        return errno == EINTR || errno == EAGAIN ? 0 : -1;
    }
    return got > 0 ? (int)got : -1;
}
