/* A process forks while eight threads use the client: its children can use it too. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 8, CHILDREN = 40 };

static const caretoken_client *shared;
static volatile int over;

/* All ask; the first also rejects what it gets, so that there is always somebody who fetches and
 * somebody who waits. Setting a credential anew clears the memory of rejections. */
static void *use(void *argument) {
    int number = *(int *)argument;
    const char *secret = environment("pattern", "client_secret");
    while (!over) {
        const caretoken_token *token = NULL;
        WORKS(caretoken_client_token(shared, 10000, &token, &error));
        if (number == 0) {
            WORKS(caretoken_client_reject(shared, token, NULL, &error));
            WORKS(caretoken_client_set_credential(shared, "client_secret", secret, strlen(secret),
                                                  &error));
        }
        caretoken_token_free(token);
    }
    return NULL;
}

/* In a child: the other threads are gone, whatever they held. */
static void child(caretoken_client *own) {
    char buffer[4096];
    size_t length = 0;
    const caretoken_token *token = NULL;

    alarm(20); /* a lock that is left held ends the child by a signal */
    WORKS(caretoken_client_authorization(own, 10000, buffer, sizeof buffer, &length, &error));
    CHECK(length > strlen("Bearer "));
    WORKS(caretoken_client_token(own, 10000, &token, &error));
    /* Over a connection of its own: its parent's must not be touched. */
    WORKS(caretoken_client_reject(own, token, NULL, &error));
    caretoken_token_free(token);
    WORKS(caretoken_client_token(own, 10000, &token, &error));
    caretoken_token_free(token);
    WORKS(caretoken_client_cancel(own, &error));
    caretoken_client_free(own);
    _exit(0);
}

int main(void) {
    pthread_t threads[THREADS];
    int numbers[THREADS];
    caretoken_client *client = client_of(sandbox_config("pattern"));
    /* This one is only read while its process forks. */
    caretoken_client *quiet = client_of(sandbox_config("edvak"));
    const caretoken_token *token = NULL;
    WORKS(caretoken_client_token(quiet, 10000, &token, &error));
    caretoken_token_free(token);

    shared = client;
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&threads[i], NULL, use, &numbers[i]) == 0);
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = 0;
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            child(i % 2 == 0 ? quiet : client);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    over = 1;
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    caretoken_client_free(client);
    caretoken_client_free(quiet);
    return 0;
}
