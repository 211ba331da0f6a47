/* A cached token through the C ABI, beside what a C program does without it: a mutex, a look at
 * time(), a strdup. Prints one line per measurement: name, threads, nanoseconds per call. */
#define _POSIX_C_SOURCE 200809L

#include <caretoken.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CALLS = 400000, MOST_THREADS = 2 };

static caretoken_client *client;

static struct {
    pthread_mutex_t lock;
    char *token;
    time_t expires;
} peer = {PTHREAD_MUTEX_INITIALIZER, NULL, 0};

static void die(const char *what, const caretoken_error *error) {
    fprintf(stderr, "%s: %s\n", what, error ? error->message.data : "failed");
    exit(EXIT_FAILURE);
}

static void *peer_strdup(void *unused) {
    (void)unused;
    for (int i = 0; i < CALLS; i++) {
        char *copy = NULL;
        pthread_mutex_lock(&peer.lock);
        if (time(NULL) < peer.expires) copy = strdup(peer.token);
        pthread_mutex_unlock(&peer.lock);
        if (copy == NULL) die("peer", NULL);
        free(copy);
    }
    return NULL;
}

static void *ours_handle(void *unused) {
    (void)unused;
    for (int i = 0; i < CALLS; i++) {
        const caretoken_token *token;
        if (caretoken_client_token(client, 10000, &token, NULL) != CARETOKEN_OK) die("handle", NULL);
        caretoken_token_free(token);
    }
    return NULL;
}

static void *ours_authorization(void *unused) {
    char buffer[4096];
    (void)unused;
    for (int i = 0; i < CALLS; i++) {
        size_t length;
        if (caretoken_client_authorization(client, 10000, buffer, sizeof buffer, &length, NULL) !=
            CARETOKEN_OK)
            die("authorization", NULL);
    }
    return NULL;
}

static void measure(const char *name, void *(*work)(void *), int threads) {
    pthread_t ids[MOST_THREADS];
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < threads; i++) pthread_create(&ids[i], NULL, work, NULL);
    for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &end);
    double ns = (double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec);
    printf("%s\t%d\t%.2f\n", name, threads, ns / CALLS);
}

static void set(caretoken_config *config, const char *name, const char *variable) {
    const caretoken_error *error = NULL;
    const char *value = getenv(variable);
    if (value == NULL) die(variable, NULL);
    if (caretoken_config_set(config, name, value, strlen(value), &error) != CARETOKEN_OK)
        die(name, error);
}

int main(int argc, char **argv) {
    const caretoken_error *error = NULL;
    caretoken_config *config = NULL;
    const caretoken_token *token = NULL;
    int rounds = argc > 1 ? atoi(argv[1]) : 1;

    if (caretoken_config_new("pattern", &config, &error) != CARETOKEN_OK) die("config", error);
    set(config, "base_url", "PATTERN_BASE_URL");
    set(config, "client_id", "PATTERN_CLIENT_ID");
    set(config, "client_secret", "PATTERN_CLIENT_SECRET");
    set(config, "ca_file", "CARETOKEN_CA_FILE");
    if (caretoken_client_new(config, &client, &error) != CARETOKEN_OK) die("client", error);
    caretoken_config_free(config);
    if (caretoken_client_token(client, 10000, &token, &error) != CARETOKEN_OK) die("token", error);
    peer.token = strdup(token->access_token.data);
    peer.expires = time(NULL) + 3600;
    caretoken_token_free(token);

    while (rounds-- > 0) {
        for (int threads = 1; threads <= MOST_THREADS; threads++) {
            measure("peer", peer_strdup, threads);
            measure("handle", ours_handle, threads);
            measure("authorization", ours_authorization, threads);
        }
    }
    free(peer.token);
    caretoken_client_free(client);
    return 0;
}
