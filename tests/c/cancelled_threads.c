/* Threads that are cancelled by pthread_cancel while they are in a call: the call ends first, and the
 * client stays usable. Pattern answers only after 100 ms. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

static sem_t begun;

/* Also a cancellation point, in the middle of a call. */
static void observe(void *unused, const caretoken_event *event) {
    struct timespec moment = {0, 1000};
    (void)unused;
    nanosleep(&moment, NULL);
    if (is_text(event->name, "fetch_started")) {
        sem_post(&begun);
    }
}

static caretoken_client *watched_client(void) {
    caretoken_config *config = sandbox_config("pattern");
    WORKS(caretoken_config_set_on_event(config, observe, NULL, &error));
    return client_of(config);
}

struct call {
    const caretoken_client *client;
    const caretoken_token *token;
    int has_returned, went_on;
};

static void *fetch(void *argument) {
    struct call *call = argument;
    WORKS(caretoken_client_token(call->client, 20000, &call->token, &error));
    call->has_returned = 1;
    pthread_testcancel();
    call->went_on = 1;
    return NULL;
}

/* One thread fetches, the others wait for its token. */
static void in_the_middle_of_a_fetch(void) {
    enum { THREADS = 4 };
    caretoken_client *client = watched_client();
    caretoken_stats stats;
    struct call calls[THREADS];
    pthread_t threads[THREADS];
    size_t i;
    memset(calls, 0, sizeof calls);
    for (i = 0; i < THREADS; ++i) {
        calls[i].client = client;
        CHECK(pthread_create(&threads[i], NULL, fetch, &calls[i]) == 0);
    }
    CHECK(sem_wait(&begun) == 0);
    for (i = 0; i < THREADS; ++i) {
        CHECK(pthread_cancel(threads[i]) == 0);
    }
    for (i = 0; i < THREADS; ++i) {
        void *result = NULL;
        CHECK(pthread_join(threads[i], &result) == 0);
        CHECK(result == PTHREAD_CANCELED && calls[i].has_returned && !calls[i].went_on);
        CHECK(calls[i].token->access_token.len > 0);
        CHECK(calls[i].token == calls[0].token);
    }
    WORKS(caretoken_client_stats(client, sizeof stats, &stats, &error));
    CHECK(stats.fetches == 1 && stats.failures == 0);

    /* The next one fetches as if nothing had happened. */
    WORKS(caretoken_client_reject(client, calls[0].token, NULL, &error));
    for (i = 0; i < THREADS; ++i) {
        caretoken_token_free(calls[i].token);
    }
    calls[0].token = NULL;
    WORKS(caretoken_client_token(client, 20000, &calls[0].token, &error));
    caretoken_token_free(calls[0].token);
    caretoken_client_free(client);
}

/* A thread that is to be cancelled from the start on: each call goes through, and nobody touches the
 * choice of a thread that has made one. */
static void *use_all(void *ended) {
    caretoken_client *client, *other;
    caretoken_config *config = NULL;
    const caretoken_report *report = NULL;
    const caretoken_token *token = NULL;
    const char *secret = environment("pattern", "client_secret");
    char buffer[4096];
    size_t length = 0;
    int before = -1;

    CHECK(pthread_cancel(pthread_self()) == 0);
    client = watched_client();
    WORKS(caretoken_client_authorization(client, 20000, buffer, sizeof buffer, &length, &error));
    WORKS(caretoken_client_token(client, 20000, &token, &error));
    WORKS(caretoken_client_reject(client, token, NULL, &error));
    caretoken_token_free(token);
    WORKS(caretoken_client_refresh_if_due(client, NULL, &error));
    WORKS(caretoken_client_set_credential(client, "client_secret", secret, strlen(secret), &error));
    WORKS(caretoken_client_cancel(client, &error));
    WORKS(caretoken_client_doctor(client, 20000, &report, &error));
    caretoken_report_free(report);
    WORKS(caretoken_client_sibling(client, &config, &error));
    caretoken_client_free(client);
    other = client_of(config);
    caretoken_client_free(other);
    FAILS(caretoken_client_token(NULL, 0, &token, &error), CARETOKEN_NULL_ARGUMENT, "client");

    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before) == 0);
    CHECK(before == PTHREAD_CANCEL_ENABLE);
    client = client_of(sandbox_config("pattern"));
    WORKS(caretoken_client_token(client, 20000, &token, &error));
    caretoken_token_free(token);
    caretoken_client_free(client);
    pthread_testcancel();
    *(int *)ended = 1;
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before) == 0);
    CHECK(before == PTHREAD_CANCEL_DISABLE);
    pthread_testcancel();
    *(int *)ended = 2;
    return NULL;
}

static void before_the_first_call(void) {
    pthread_t thread;
    void *result = NULL;
    int ended = 0;
    CHECK(pthread_create(&thread, NULL, use_all, &ended) == 0);
    CHECK(pthread_join(thread, &result) == 0);
    CHECK(result == PTHREAD_CANCELED && ended == 1);
}

int main(void) {
    CHECK(sem_init(&begun, 0, 0) == 0);
    in_the_middle_of_a_fetch();
    before_the_first_call();
    return 0;
}
