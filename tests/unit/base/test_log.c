/* Goal: every line leaves whole, in one write, in the form that was asked for, and no reader can make a writer wait.
 * Not here: what the program logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/log.h"

#define TIME_PATTERN "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z"

/* The logger is one per process, so each case logs in a child of its own whose stdout is the given descriptor.
 * The child's exit code is the body's. */
static pid_t start_child(int (*body)(void), int stdout_fd, int other_end)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (dup2(stdout_fd, STDOUT_FILENO) < 0) {
            _exit(120);
        }
        (void) close(other_end);
        _exit(body());
    }
    return pid;
}

static void end_child(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Runs the body with a pipe as its stdout and returns all that it wrote. */
static struct buffer run(int (*body)(void))
{
    int fds[2];
    struct buffer out = BUFFER_EMPTY;
    assert_int_equal(pipe(fds), 0);
    pid_t pid = start_child(body, fds[1], fds[0]);
    (void) close(fds[1]);
    for (ssize_t got = 1; got > 0;) {
        char *room = buffer_reserve(&out, 65536);
        assert_non_null(room);
        got = read(fds[0], room, 65536);
        assert_true(got >= 0);
        buffer_commit(&out, (size_t) got);
    }
    (void) close(fds[0]);
    end_child(pid);
    return out;
}

static void assert_matches(const char *text, const char *pattern)
{
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    int result = regexec(&regex, text, 0, NULL, 0);
    regfree(&regex);
    if (result != 0) {
        fail_msg("«%s» does not match «%s»", text, pattern);
    }
}

static int open_log(enum log_level level, enum log_format format)
{
    struct err err;
    struct log_settings settings = {.level = level, .format = format, .path = "stdout"};
    log_role("worker-1");
    return log_open(&settings, &err);
}

static int log_text_lines(void)
{
    if (open_log(LOG_LEVEL_INFO, LOG_FORMAT_TEXT) != 0) {
        return 1;
    }
    struct log_field field = {.name = "rows", .number = 5};
    log_debug("not seen");
    log_info("applied %d", 3);
    log_warn("two\nlines\r\x1B[31m\ttab");
    log_error("d\xC3\xA9j\xC3\xA0");
    log_fields(LOG_LEVEL_INFO, &field, 1, "with a field");
    return log_enabled(LOG_LEVEL_DEBUG) || !log_enabled(LOG_LEVEL_INFO);
}

static void test_text_lines(void **state)
{
    (void) state;
    BUFFER_AUTO out = run(log_text_lines);
    assert_matches(buffer_text(&out),
                   "^" TIME_PATTERN " INFO  worker-1: applied 3\n" TIME_PATTERN
                   " WARN  worker-1: two\\\\nlines\\\\x0d\\\\x1b\\[31m\ttab\n" TIME_PATTERN
                   " ERROR worker-1: d\xC3\xA9j\xC3\xA0\n" TIME_PATTERN " INFO  worker-1: with a field\n$");
}

static int log_each_line(void)
{
    if (open_log(LOG_LEVEL_INFO, LOG_FORMAT_TEXT) != 0) {
        return 1;
    }
    log_lines(LOG_LEVEL_WARN, "first\n\nthird");
    log_lines(LOG_LEVEL_INFO, "");
    log_lines(LOG_LEVEL_INFO, "fourth\n");
    return 0;
}

static void test_a_text_becomes_one_log_line_for_each_of_its_lines(void **state)
{
    (void) state;
    BUFFER_AUTO out = run(log_each_line);
    assert_matches(buffer_text(&out), "^[^\n]* WARN  worker-1: first\n[^\n]* WARN  worker-1: \n[^\n]* WARN  worker-1: "
                                      "third\n[^\n]* INFO  worker-1: fourth\n$");
}

static int log_json_lines(void)
{
    if (open_log(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON) != 0) {
        return 1;
    }
    struct log_field fields[] = {{.name = "path", .text = "a\"b\n"}, {.name = "rows", .number = -5}};
    struct err err;
    log_debug("say \"%s\"", "x");
    log_fields(LOG_LEVEL_WARN, fields, 2, "two fields");
    (void) err_set(&err, ERR_DATABASE, "refused");
    err_hint(&err, "look there");
    memcpy(err.sqlstate, "28P01", 6);
    log_err(LOG_LEVEL_ERROR, &err);
    return 0;
}

static void test_json_lines(void **state)
{
    (void) state;
    BUFFER_AUTO out = run(log_json_lines);
    assert_matches(
        buffer_text(&out),
        "^\\{\"ts\":\"" TIME_PATTERN
        "\",\"level\":\"debug\",\"pid\":[0-9]+,\"role\":\"worker-1\",\"msg\":\"say \\\\\"x\\\\\"\"\\}\n"
        "\\{[^\n]*\"level\":\"warn\"[^\n]*\"msg\":\"two fields\",\"path\":\"a\\\\\"b\\\\n\",\"rows\":-5\\}\n"
        "\\{[^\n]*\"level\":\"error\"[^\n]*\"msg\":\"refused; hint: look there\",\"error\":\"database\",\"sqlstate\":"
        "\"28P01\"\\}\n$");
}

/* A text of three-byte characters, so that a cut at any byte could split one. */
static void fill_with_euros(char *text, size_t size, size_t shift)
{
    memset(text, 'x', size);
    for (size_t i = shift; i + 3 < size; i += 3) {
        memcpy(text + i, "\xE2\x82\xAC", 3);
    }
    text[size - 1] = '\0';
}

static int log_long_lines(enum log_format format)
{
    char text[6000];
    if (open_log(LOG_LEVEL_INFO, format) != 0) {
        return 1;
    }
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_info("%s", text);
    memset(text, '"', sizeof(text) - 1);
    log_info("%s", text);
    memset(text, '\x01', sizeof(text) - 1);
    log_info("%s", text);
    for (size_t shift = 0; shift < 3; shift++) {
        fill_with_euros(text, sizeof(text), shift);
        log_info("%s", text);
    }
    struct log_field field = {.name = "target", .text = text};
    log_fields(LOG_LEVEL_INFO, &field, 1, "a long field");
    return 0;
}

static int log_long_text_lines(void)
{
    return log_long_lines(LOG_FORMAT_TEXT);
}

static int log_long_json_lines(void)
{
    return log_long_lines(LOG_FORMAT_JSON);
}

/* Hands each line to the check; returns how many there were. */
static size_t each_line(const struct buffer *out, void (*check)(const char *line, size_t length))
{
    size_t count = 0;
    for (size_t start = 0; start < out->length; count++) {
        const char *newline = memchr(out->data + start, '\n', out->length - start);
        assert_non_null(newline);
        size_t length = (size_t) (newline - out->data) + 1 - start;
        assert_true(length <= LOG_LINE_BYTES_MAX);
        check(out->data + start, length);
        start += length;
    }
    return count;
}

static void check_utf8(const char *line, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t step = utf8_length(line + i, length - i);
        assert_true(step > 0);
        i += step;
    }
    assert_null(memmem(line, length, "\xEF\xBF\xBD", 3));
}

static void check_text_line(const char *line, size_t length)
{
    check_utf8(line, length);
    assert_int_equal(line[length - 1], '\n');
}

static void check_json_line(const char *line, size_t length)
{
    check_utf8(line, length);
    assert_int_equal(line[0], '{');
    assert_memory_equal(line + length - 3, "\"}\n", 3);
}

static void test_long_text_lines_are_cut_whole(void **state)
{
    (void) state;
    BUFFER_AUTO out = run(log_long_text_lines);
    assert_int_equal(each_line(&out, check_text_line), 7);
    const char *newline = strchr(buffer_text(&out), '\n');
    assert_int_equal(newline - out.data + 1, LOG_LINE_BYTES_MAX);
    assert_memory_equal(newline - 4, "x...", 4);
}

static void test_long_json_lines_are_cut_whole(void **state)
{
    (void) state;
    BUFFER_AUTO out = run(log_long_json_lines);
    assert_int_equal(each_line(&out, check_json_line), 7);
    const char *newline = strchr(buffer_text(&out), '\n');
    assert_true(newline - out.data + 1 > LOG_LINE_BYTES_MAX / 4);
    assert_memory_equal(newline - 6, "x...\"}", 6);
}

/* Lines gathered for one flush; the socket keeps each write apart, so that the reader sees what one write held. */
static int flush_gathered_lines(void)
{
    struct buffer gathered = BUFFER_EMPTY;
    if (open_log(LOG_LEVEL_INFO, LOG_FORMAT_TEXT) != 0) {
        return 1;
    }
    for (int i = 0; i < 200; i++) {
        log_gather(&gathered, LOG_LEVEL_INFO, NULL, 0, "one of many gathered lines");
    }
    log_flush(&gathered);
    bool forgotten = gathered.length == 0;
    log_flush(&gathered);
    buffer_done(&gathered);
    return forgotten && log_dropped() == 0 ? 0 : 2;
}

static void check_nothing(const char *line, size_t length)
{
    (void) line;
    (void) length;
}

static void test_flush_writes_whole_lines_of_at_most_a_pipes_atom(void **state)
{
    (void) state;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    pid_t pid = start_child(flush_gathered_lines, fds[1], fds[0]);
    (void) close(fds[1]);
    size_t lines = 0;
    size_t writes = 0;
    char packet[65536];
    for (ssize_t got; (got = read(fds[0], packet, sizeof(packet))) > 0; writes++) {
        assert_true(got <= LOG_LINE_BYTES_MAX);
        struct buffer one = {.data = packet, .length = (size_t) got};
        lines += each_line(&one, check_nothing);
    }
    (void) close(fds[0]);
    end_child(pid);
    assert_int_equal(lines, 200);
    assert_true(writes > 1 && writes < 20);
}

static int keep_errno(void)
{
    if (open_log(LOG_LEVEL_INFO, LOG_FORMAT_TEXT) != 0) {
        return 1;
    }
    errno = EXDEV;
    log_info("%s", "x");
    int after_line = errno;
    struct buffer gathered = BUFFER_EMPTY;
    log_gather(&gathered, LOG_LEVEL_INFO, NULL, 0, "x");
    errno = EXDEV;
    log_flush(&gathered);
    buffer_done(&gathered);
    return after_line == EXDEV && errno == EXDEV ? 0 : 2;
}

static void test_errno_is_kept(void **state)
{
    (void) state;
    BUFFER_AUTO out = run(keep_errno);
    assert_int_equal(each_line(&out, check_nothing), 2);
}

/* Descriptors by which parent and child of the next case take turns. */
static int to_child[2];
static int to_parent[2];

static int log_to_blocked_reader(void)
{
    char turn = 'x';
    if (open_log(LOG_LEVEL_INFO, LOG_FORMAT_TEXT) != 0) {
        return 1;
    }
    for (int i = 0; i < 5000; i++) {
        log_info("line %d that nobody reads for the time being, and that is no shorter than others", i);
    }
    uint64_t dropped = log_dropped();
    if (dropped == 0 || write(to_parent[1], &dropped, sizeof(dropped)) != sizeof(dropped) ||
        read(to_child[0], &turn, 1) != 1) {
        return 2;
    }
    log_info("after the blockade");
    return log_dropped() == dropped ? 0 : 3;
}

/* Nobody reads until the child has written more than a pipe holds: it must neither wait nor break a line. */
static void test_a_blocked_reader_costs_lines_and_no_time(void **state)
{
    (void) state;
    int fds[2];
    uint64_t dropped = 0;
    static char text[256 * 1024];
    size_t length = 0;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(pipe(to_child), 0);
    assert_int_equal(pipe(to_parent), 0);
    pid_t pid = start_child(log_to_blocked_reader, fds[1], fds[0]);
    (void) close(fds[1]);
    assert_int_equal(read(to_parent[0], &dropped, sizeof(dropped)), sizeof(dropped));
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    for (ssize_t got; (got = read(fds[0], text + length, sizeof(text) - length)) > 0;) {
        length += (size_t) got;
    }
    struct buffer before = {.data = text, .length = length};
    assert_int_equal(each_line(&before, check_nothing) + dropped, 5000);
    assert_int_equal(fcntl(fds[0], F_SETFL, 0), 0);
    assert_int_equal(write(to_child[1], "x", 1), 1);
    length = 0;
    for (ssize_t got; (got = read(fds[0], text + length, sizeof(text) - length)) > 0;) {
        length += (size_t) got;
    }
    text[length] = '\0';
    char pattern[300];
    (void) snprintf(pattern, sizeof(pattern),
                    "^[^\n]* WARN  worker-1: %llu log lines dropped, continuing\n[^\n]* INFO  worker-1: after the "
                    "blockade\n$",
                    (unsigned long long) dropped);
    assert_matches(text, pattern);
    end_child(pid);
    int *const all[] = {&fds[0], &to_child[0], &to_child[1], &to_parent[0], &to_parent[1]};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        (void) close(*all[i]);
    }
}

#define WRITERS          4
#define LINES_PER_WRITER 400

static int log_beside_others(void)
{
    if (open_log(LOG_LEVEL_INFO, LOG_FORMAT_TEXT) != 0) {
        return 1;
    }
    uint64_t dropped = 0;
    char text[3500];
    for (int i = 0; i < LINES_PER_WRITER; i++) {
        size_t length = (size_t) (i * 37 % 3400) + 1;
        memset(text, 'a' + getpid() % 26, length);
        text[length] = '\0';
        log_info("<%s>", text);
    }
    dropped = log_dropped();
    return write(to_parent[1], &dropped, sizeof(dropped)) == sizeof(dropped) ? 0 : 2;
}

/* Each line is of one letter between its brackets, or speaks of dropped lines. */
static void check_unmixed(const char *line, size_t length)
{
    const char *open = memchr(line, '<', length);
    assert_memory_equal(line + 24, " ", 1);
    if (open == NULL) {
        assert_non_null(memmem(line, length, "log lines dropped, continuing", 29));
        return;
    }
    const char *last = line + length - 2;
    assert_int_equal(*last, '>');
    for (const char *at = open + 1; at < last; at++) {
        assert_int_equal(*at, open[1]);
    }
}

static void test_lines_of_several_processes_never_mix(void **state)
{
    (void) state;
    int fds[2];
    pid_t pids[WRITERS];
    BUFFER_AUTO out = BUFFER_EMPTY;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(pipe(to_parent), 0);
    for (size_t i = 0; i < WRITERS; i++) {
        pids[i] = start_child(log_beside_others, fds[1], fds[0]);
    }
    (void) close(fds[1]);
    for (ssize_t got = 1; got > 0;) {
        char *room = buffer_reserve(&out, 5000);
        got = read(fds[0], room, 5000);
        buffer_commit(&out, (size_t) got);
    }
    (void) close(fds[0]);
    uint64_t dropped_total = 0;
    for (size_t i = 0; i < WRITERS; i++) {
        uint64_t dropped = 0;
        assert_int_equal(read(to_parent[0], &dropped, sizeof(dropped)), sizeof(dropped));
        dropped_total += dropped;
        end_child(pids[i]);
    }
    (void) each_line(&out, check_unmixed);
    size_t counted = 0;
    for (size_t i = 0; i < out.length; i++) {
        counted += out.data[i] == '<';
    }
    assert_int_equal(counted + dropped_total, WRITERS * LINES_PER_WRITER);
    (void) close(to_parent[0]);
    (void) close(to_parent[1]);
}

static int log_before_open(void)
{
    if (dup2(STDOUT_FILENO, STDERR_FILENO) < 0) {
        return 1;
    }
    log_debug("not seen");
    log_info("early");
    return 0;
}

static void test_before_it_is_opened_the_log_is_text_on_stderr(void **state)
{
    (void) state;
    BUFFER_AUTO out = run(log_before_open);
    assert_matches(buffer_text(&out), "^" TIME_PATTERN " INFO  digitalism: early\n$");
}

static char log_directory[] = "/tmp/digitalism-log-XXXXXX";

static int log_to_file(void)
{
    struct err err;
    char path[64];
    (void) snprintf(path, sizeof(path), "%s/log", log_directory);
    struct log_settings settings = {.level = LOG_LEVEL_INFO, .format = LOG_FORMAT_TEXT, .path = path};
    if (log_open(&settings, &err) != 0) {
        return 1;
    }
    log_info("to the file");
    (void) snprintf(path, sizeof(path), "%s/missing/log", log_directory);
    if (log_open(&settings, &err) != -ERR_CONFIG ||
        strstr(err.message, "/missing/log: No such file or directory") == NULL) {
        return 2;
    }
    log_info("still to the file");
    return open_log(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
}

static void test_a_file_is_appended_to_and_kept_when_another_cannot_be_opened(void **state)
{
    (void) state;
    char path[64];
    char text[1000] = "";
    assert_non_null(mkdtemp(log_directory));
    (void) snprintf(path, sizeof(path), "%s/log", log_directory);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("before\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    BUFFER_AUTO out = run(log_to_file);
    assert_string_equal(buffer_text(&out), "");
    file = fopen(path, "re");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    assert_matches(text, "^before\n[^\n]* digitalism: to the file\n[^\n]* digitalism: still to the file\n$");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(log_directory), 0);
}

static int name_long_role(void)
{
    if (open_log(LOG_LEVEL_INFO, LOG_FORMAT_TEXT) != 0) {
        return 1;
    }
    log_role("a-role-of-more-than-thirty-one-bytes");
    log_info("x");
    return 0;
}

static void test_role_is_cut(void **state)
{
    (void) state;
    BUFFER_AUTO out = run(name_long_role);
    assert_matches(buffer_text(&out), "INFO  a-role-of-more-than-thirty-one-: x\n$");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_lines),
        cmocka_unit_test(test_json_lines),
        cmocka_unit_test(test_a_text_becomes_one_log_line_for_each_of_its_lines),
        cmocka_unit_test(test_long_text_lines_are_cut_whole),
        cmocka_unit_test(test_long_json_lines_are_cut_whole),
        cmocka_unit_test(test_flush_writes_whole_lines_of_at_most_a_pipes_atom),
        cmocka_unit_test(test_errno_is_kept),
        cmocka_unit_test(test_a_blocked_reader_costs_lines_and_no_time),
        cmocka_unit_test(test_lines_of_several_processes_never_mix),
        cmocka_unit_test(test_before_it_is_opened_the_log_is_text_on_stderr),
        cmocka_unit_test(test_a_file_is_appended_to_and_kept_when_another_cannot_be_opened),
        cmocka_unit_test(test_role_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
