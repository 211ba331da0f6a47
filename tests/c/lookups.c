/* Lookups that hang cost their process a few threads, and a forked child nothing; a process that can
 * start no more threads is told so.
 *
 * The program's own getaddrinfo and pthread_create take the place of the system's. */
#define _GNU_SOURCE
#include "check.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLS = 40, MOST_THREADS = 24 };

static volatile int hangs = 1, no_threads = 0, asked = 0;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    __atomic_add_fetch(&asked, 1, __ATOMIC_SEQ_CST);
    while (hangs) {
        pause();
    }
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, found);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument) {
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (no_threads) {
        return EAGAIN;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return real(thread, attributes, run, argument);
}

/* In a child: none of its parent's lookups is here, whatever they were doing. */
static void child(const caretoken_client *client) {
    const caretoken_token *token = NULL;
    alarm(20); /* a lock that is left held ends the child by a signal */
    hangs = 0;
    WORKS(caretoken_client_token(client, 10000, &token, &error));
    caretoken_token_free(token);
    _exit(0);
}

int main(void) {
    caretoken_client *client = client_of(sandbox_config("pattern"));
    const caretoken_token *token = NULL;
    int status = 0, i;
    pid_t pid;

    for (i = 0; i < CALLS; i++) {
        FAILS(caretoken_client_token(client, 5, &token, &error), CARETOKEN_TIMEOUT, "");
    }
    CHECK(asked > 0 && asked <= MOST_THREADS);

    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        child(client);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    caretoken_client_free(client);

    client = client_of(sandbox_config("pattern"));
    no_threads = 1;
    {
        const caretoken_error *error = NULL;
        CHECK(caretoken_client_token(client, 10000, &token, &error) == CARETOKEN_RESOLVE);
        CHECK(has_text(error->line, "this process can start no more threads"));
        CHECK(has_text(error->remedy, "ulimit -u"));
        caretoken_error_free(error);
    }
    no_threads = 0;
    hangs = 0;
    WORKS(caretoken_client_token(client, 10000, &token, &error));
    caretoken_token_free(token);
    caretoken_client_free(client);
    return 0;
}
