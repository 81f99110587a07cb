/* A private PostgreSQL for a unit test: its own directory, a socket in it, no TCP port.
 * Not here: anything for the program itself; the integration tests have their own fixtures. */
#ifndef DIGITALISM_TEST_SERVER_H
#define DIGITALISM_TEST_SERVER_H

#include <assert.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct server {
    char directory[64];
    char binaries[128];
    pid_t pid; /* of postgres; 0: not running */
};

/* Runs a program of PostgreSQL's in a child, which dies with the test; PostgreSQL refuses to be run by root. */
static pid_t server_spawn(const struct server *server, const char *program, const char *const *arguments)
{
    pid_t pid = fork();
    assert(pid >= 0);
    if (pid != 0) {
        return pid;
    }
    if (geteuid() == 0) {
        const struct passwd *user = getpwnam("postgres");
        if (user == NULL || setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0) {
            _exit(126);
        }
    }
    (void) prctl(PR_SET_PDEATHSIG, SIGQUIT);
    char path[256];
    char log[128];
    (void) snprintf(path, sizeof(path), "%s/%s", server->binaries, program);
    (void) snprintf(log, sizeof(log), "%s/%s.log", server->directory, program);
    if (chdir("/") != 0 || freopen(log, "a", stdout) == NULL || freopen(log, "a", stderr) == NULL) {
        _exit(126);
    }
    /* By its whole path: PostgreSQL's programs look for each other beside their first argument. */
    const char *words[16] = {path};
    for (size_t i = 1; arguments[i] != NULL && i + 1 < sizeof(words) / sizeof(words[0]); i++) {
        words[i] = arguments[i];
    }
    /* execv takes its arguments without const and does not change them. */
    (void) execv(path, (char *const *) (uintptr_t) words);
    _exit(127);
}

static void server_start(struct server *server)
{
    const char *arguments[] = {"postgres",          "-D", NULL,        "-k", server->directory,    "-c",
                               "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=20", NULL};
    char data[128];
    (void) snprintf(data, sizeof(data), "%s/data", server->directory);
    arguments[2] = data;
    server->pid = server_spawn(server, "postgres", arguments);
}

/* Stops it with a signal: SIGINT ends it in order, SIGQUIT at once. */
static void server_stop(struct server *server, int signal_number)
{
    if (server->pid > 0) {
        assert(kill(server->pid, signal_number) == 0);
        assert(waitpid(server->pid, NULL, 0) == server->pid);
        server->pid = 0;
    }
}

static void server_find_binaries(struct server *server)
{
    glob_t found;
    assert(glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) == 0);
    const char *last = found.gl_pathv[found.gl_pathc - 1];
    (void) snprintf(server->binaries, sizeof(server->binaries), "%.*s", (int) (strrchr(last, '/') - last), last);
    globfree(&found);
}

static void server_new(struct server *server)
{
    *server = (struct server){.directory = "/tmp/digitalism-unit-XXXXXX"};
    server_find_binaries(server);
    assert(mkdtemp(server->directory) != NULL);
    const struct passwd *user = getpwnam("postgres");
    if (geteuid() == 0) {
        assert(user != NULL && chown(server->directory, user->pw_uid, user->pw_gid) == 0);
    }
    char data[128];
    (void) snprintf(data, sizeof(data), "%s/data", server->directory);
    const char *arguments[] = {"initdb", "-D", data,   "-A",         "trust", "-U",
                               "tester", "-E", "UTF8", "--locale=C", "-N",    NULL};
    int status = 0;
    pid_t pid = server_spawn(server, "initdb", arguments);
    assert(waitpid(pid, &status, 0) == pid && status == 0);
    server_start(server);
}

static void server_free(struct server *server)
{
    server_stop(server, SIGINT);
    char command[128];
    (void) snprintf(command, sizeof(command), "rm -rf '%s'", server->directory);
    assert(system(command) == 0);
}

#endif
