/* Parent and child have the same process id, each in a PID namespace of its own, and the child is
 * forked while another thread of its parent fetches. */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

static caretoken_client *client;
static sem_t has_begun;
static sem_t may_go_on;
static bool is_child;

static void note(void *user_data, const caretoken_event *event) {
    (void)user_data;
    if (!is_child && is_text(event->name, "fetch_started")) {
        sem_post(&has_begun);
        while (sem_wait(&may_go_on) != 0) {
        }
    }
}

static void *fetch(void *unused) {
    const caretoken_token *token = NULL;
    (void)unused;
    CHECK(caretoken_client_token(client, 30000, &token, NULL) == CARETOKEN_CANCELLED);
    return NULL;
}

int main(void) {
    caretoken_config *config = sandbox_config("pattern");
    const caretoken_token *token = NULL;
    pthread_t thread;
    int status;
    pid_t child;

    CHECK(sem_init(&has_begun, 0, 0) == 0 && sem_init(&may_go_on, 0, 0) == 0);
    WORKS(caretoken_config_set_on_event(config, note, NULL, &error));
    client = client_of(config);
    CHECK(pthread_create(&thread, NULL, fetch, NULL) == 0);
    CHECK(sem_wait(&has_begun) == 0);

    CHECK(getpid() == 1);
    CHECK(unshare(CLONE_NEWPID) == 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(getpid() == 1);
        is_child = true;
        /* Who takes itself for its parent waits here for a thread that is not there. */
        WORKS(caretoken_client_token(client, 5000, &token, &error));
        caretoken_token_free(token);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    WORKS(caretoken_client_cancel(client, &error));
    CHECK(sem_post(&may_go_on) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    caretoken_client_free(client);
    return 0;
}
