/* A plug-in that uses caretoken: the host loads it, lets it work, and unloads it again. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>

enum { FETCHERS = 2, LOST = 2, FETCHES = 3 };

int plugin_work(void);

/* Each token is rejected, so that each round fetches over the network. Setting a credential anew
 * clears the memory of rejections. */
static void *fetch(void *argument) {
    const caretoken_client *client = argument;
    const char *secret = environment("pattern", "client_secret");
    int i;
    for (i = 0; i < FETCHES; ++i) {
        const caretoken_token *token = NULL;
        WORKS(caretoken_client_token(client, 20000, &token, &error));
        WORKS(caretoken_client_reject(client, token, NULL, &error));
        WORKS(caretoken_client_set_credential(client, "client_secret", secret, strlen(secret), &error));
        caretoken_token_free(token);
    }
    return NULL;
}

/* The lookup of this host hangs longer than the call may last. */
static void *get_lost(void *argument) {
    const caretoken_client *client = argument;
    const caretoken_token *token = NULL;
    const caretoken_error *error = NULL;
    CHECK(caretoken_client_token(client, 2, &token, &error) != CARETOKEN_OK && token == NULL);
    CHECK(is_text(error->phase, "resolve") ||
          is_text(error->phase, "wait"));
    caretoken_error_free(error);
    return NULL;
}

static caretoken_client *lost_client(void) {
    caretoken_config *config = NULL;
    WORKS(caretoken_config_new("pattern", &config, &error));
    set(config, "base_url", "https://hangs.invalid");
    set(config, "proxy", "off");
    set(config, "client_id", "fake");
    set(config, "client_secret", "fake");
    return client_of(config);
}

/* Not on the host's own thread: glibc keeps a library that has thread-local state in a living one. */
static void *work(void *unused) {
    caretoken_client *client = client_of(sandbox_config("pattern")), *lost[LOST];
    pthread_t threads[FETCHERS + LOST];
    size_t i;
    for (i = 0; i < LOST; ++i) {
        lost[i] = lost_client();
    }
    for (i = 0; i < FETCHERS + LOST; ++i) {
        void *(*job)(void *) = i < FETCHERS ? fetch : get_lost;
        CHECK(pthread_create(&threads[i], NULL, job, i < FETCHERS ? client : lost[i - FETCHERS]) == 0);
    }
    for (i = 0; i < FETCHERS + LOST; ++i) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    for (i = 0; i < LOST; ++i) {
        caretoken_client_free(lost[i]);
    }
    caretoken_client_free(client);
    return unused;
}

int plugin_work(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, work, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    return 1;
}
