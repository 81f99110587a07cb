/* Asking a supervisor for its status over its local socket, and showing it once or again and again.
 * Not here: the table (table.c), the answering side (supervise/status.c). */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/clock.h"
#include "digitalism/base/file.h"
#include "digitalism/base/local.h"
#include "digitalism/base/stop.h"
#include "digitalism/json.h"
#include "digitalism/probe.h"
#include "probe/table.h"

#define STATUS_BYTES_MAX ((size_t) 1024 * 1024)
#define CONNECT_PAUSE_MS 10 /* while more clients ask than the supervisor has answered */

struct question {
    uint16_t port;
    int64_t timeout_ms;
    int64_t deadline_ms;
    pid_t pid; /* of the supervisor, once connected */
};

static int fail_at_deadline(const struct question *question, struct err *err)
{
    return err_set(err, ERR_LISTEN, "the instance on port %u does not answer within %lld ms", question->port,
                   (long long) question->timeout_ms);
}

static int nobody_there(const struct question *question, int errno_value, struct err *err)
{
    if (errno_value != ECONNREFUSED) {
        return err_set_errno(err, ERR_LISTEN, errno_value, "cannot ask the instance on port %u", question->port);
    }
    (void) err_set(err, ERR_LISTEN, "no instance of digitalism serves port %u here", question->port);
    err_hint(err, "name the port of a running one with --port; one in a container is asked inside of it: docker exec "
                  "CONTAINER digitalism status");
    return -ERR_LISTEN;
}

/* Returns a connected descriptor, or a negative code. */
static int connect_local(const struct question *question, struct err *err)
{
    struct sockaddr_un address;
    socklen_t length = local_address(&address, question->port);
    FILE_FD_AUTO fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot make a local socket");
    }
    while (connect(fd, (const struct sockaddr *) &address, length) != 0) {
        if (errno != EAGAIN && errno != EINTR) {
            return nobody_there(question, errno, err);
        }
        if (clock_remaining_ms(question->deadline_ms) == 0) {
            return fail_at_deadline(question, err);
        }
        (void) poll(NULL, 0, CONNECT_PAUSE_MS);
    }
    int result = fd;
    fd = -1; /* NOLINT(clang-analyzer-deadcode.DeadStores): the cleanup reads it */
    return result;
}

/* Anybody can take an abstract name: what another user says there is not believed. */
static int check_owner(struct question *question, int fd, struct err *err)
{
    uid_t uid;
    if (!local_peer(fd, &uid, &question->pid)) {
        return err_set_errno(err, ERR_LISTEN, errno, "cannot tell who answers for port %u", question->port);
    }
    if (!local_may_ask(geteuid(), uid)) {
        (void) err_set(err, ERR_LISTEN, "the instance on port %u runs as user %u, its status is for that user and root",
                       question->port, (unsigned) uid);
        err_hint(err, "ask as that user, or as root");
        return -ERR_LISTEN;
    }
    return 0;
}

static int read_answer(const struct question *question, int fd, struct buffer *out, struct err *err)
{
    while (out->length < STATUS_BYTES_MAX) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int ready = poll(&poll_fd, 1, clock_poll_timeout(question->deadline_ms));
        if (ready == 0) {
            return fail_at_deadline(question, err);
        }
        char *room = buffer_reserve(out, 65536);
        if (room == NULL) {
            return err_set(err, ERR_INTERNAL, "no memory for the status");
        }
        ssize_t got = ready < 0 ? -1 : recv(fd, room, 65536, 0);
        if (got == 0) {
            return 0;
        }
        if (got > 0) {
            buffer_commit(out, (size_t) got);
        } else if (errno != EAGAIN && errno != EINTR) {
            return err_set_errno(err, ERR_LISTEN, errno, "cannot read the status of the instance on port %u",
                                 question->port);
        }
    }
    return err_set(err, ERR_LISTEN, "the instance on port %u answers with more than %zu bytes", question->port,
                   STATUS_BYTES_MAX);
}

/* One line of JSON; a control character in it would reach the terminal. */
static int parse_answer(const struct question *question, const struct buffer *text, struct json_value **out,
                        struct err *err)
{
    bool is_clean = text->length > 0 && text->data[text->length - 1] == '\n';
    for (size_t i = 0; i + 1 < text->length; i++) {
        is_clean = is_clean && (unsigned char) text->data[i] >= 0x20 && text->data[i] != 0x7F;
    }
    struct json_value *value = NULL;
    if (is_clean && json_parse(&value, text->data, text->length, NULL) == 0 && json_is_object(value)) {
        *out = value;
        return 0;
    }
    json_free(value);
    return err_set(err, ERR_LISTEN, "the instance on port %u (pid %d) gave no whole status", question->port,
                   (int) question->pid);
}

/* On success the caller frees `*out`, and `text` holds what was said. */
static int ask(const struct probe_status *options, struct buffer *text, struct json_value **out, struct err *err)
{
    struct question question = {.port = (uint16_t) options->port,
                                .timeout_ms = options->timeout_ms,
                                .deadline_ms = clock_now_ms() + options->timeout_ms};
    FILE_FD_AUTO fd = connect_local(&question, err);
    if (fd < 0) {
        return fd;
    }
    int failure = check_owner(&question, fd, err);
    if (failure == 0) {
        failure = read_answer(&question, fd, text, err);
    }
    return failure == 0 ? parse_answer(&question, text, out, err) : failure;
}

/* On a terminal each picture is painted over the last one, without a blank moment between. */
static void paint_over(struct buffer *out, const struct buffer *text)
{
    buffer_append_text(out, "\033[H");
    for (size_t i = 0; i < text->length; i++) {
        if (text->data[i] == '\n') {
            buffer_append_text(out, "\033[K");
        }
        buffer_append_char(out, text->data[i]);
    }
    buffer_append_text(out, "\033[J");
}

static int print(const struct probe_status *options, const struct buffer *text, bool is_first, struct err *err)
{
    BUFFER_AUTO painted = BUFFER_EMPTY;
    const struct buffer *shown = text;
    bool is_terminal = isatty(STDOUT_FILENO) == 1;
    if (options->watch && is_terminal && !options->json) {
        buffer_append_text(&painted, is_first ? "\033[2J" : "");
        paint_over(&painted, text);
        shown = &painted;
    } else if (!is_first && !options->json) {
        buffer_append_char(&painted, '\n');
        buffer_append(&painted, text->data, text->length);
        shown = &painted;
    }
    if (buffer_failed(text) || buffer_failed(shown)) {
        return err_set(err, ERR_INTERNAL, "no memory for the status");
    }
    if (fputs(buffer_text(shown), stdout) < 0 || fflush(stdout) != 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot write the status");
    }
    return 0;
}

static int show(const struct probe_status *options, bool is_first, struct err *err)
{
    BUFFER_AUTO text = BUFFER_EMPTY;
    BUFFER_AUTO table = BUFFER_EMPTY;
    struct json_value *status = NULL;
    int failure = ask(options, &text, &status, err);
    if (failure < 0 && is_first) {
        return failure;
    }
    if (failure < 0 && options->json) {
        return 0; /* a line that is no status would break its reader */
    }
    if (failure < 0) {
        /* A watch goes on over a restart. */
        buffer_append_format(&table, "%s\n", err->message);
    } else if (!options->json) {
        table_print(&table, status);
    }
    json_free(status);
    return print(options, failure == 0 && options->json ? &text : &table, is_first, err);
}

int probe_status(const struct probe_status *options, struct err *err)
{
    if (options->port < 1 || options->port > UINT16_MAX) {
        (void) err_set(err, ERR_CONFIG, "port %lld cannot be asked", (long long) options->port);
        err_hint(err, "set PORT to the port that the service listens on");
        return -ERR_CONFIG;
    }
    int failure = show(options, true, err);
    while (failure == 0 && options->watch) {
        failure = stop_sleep(STOP_NONE, options->interval_ms, err);
        if (failure == 0) {
            failure = show(options, false, err);
        }
    }
    return failure;
}
