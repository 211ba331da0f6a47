/* A fetch from C: through the C ABI (WITH_CARETOKEN), or with libcurl and cJSON as a C program does
 * without it. Serves benches/fetch.rs: reads commands, prints a line for each.
 *   cold N, reconnect N, warm N   CPU nanoseconds in all, then the nanoseconds of each fetch
 *   threads ROW MS                fetches per second of two threads
 *   memory                        most resident memory so far, in KiB */
#define _GNU_SOURCE

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { THREADS = 2, MOST_FETCHES = 4096 };
enum row { COLD, RECONNECT, WARM };

struct party;
static struct party *party_new(enum row row);
static void party_free(struct party *party);
/* Makes sure that the next fetch is one. */
static void party_prepare(struct party *party);
/* Returns the length of the token. */
static size_t party_fetch(struct party *party);

static const char *setting(const char *name) {
    const char *value = getenv(name);
    if (value == NULL) {
        fprintf(stderr, "%s is not set\n", name);
        exit(EXIT_FAILURE);
    }
    return value;
}

#ifdef WITH_CARETOKEN
#include <caretoken.h>

struct party {
    caretoken_client *client;
    const caretoken_token *token;
};

static void check(caretoken_status status, const caretoken_error *error) {
    if (status == CARETOKEN_OK) return;
    fprintf(stderr, "%s\n", error ? error->message.data : "failed");
    exit(EXIT_FAILURE);
}

static void set(caretoken_config *config, const char *name, const char *value) {
    const caretoken_error *error = NULL;
    check(caretoken_config_set(config, name, value, strlen(value), &error), error);
}

static struct party *party_new(enum row row) {
    struct party *party = calloc(1, sizeof *party);
    caretoken_config *config = NULL;
    const caretoken_error *error = NULL;
    check(caretoken_config_new("pattern", &config, &error), error);
    set(config, "base_url", setting("FETCH_BASE_URL"));
    set(config, "client_id", setting("FETCH_USER"));
    set(config, "client_secret", setting("FETCH_PASSWORD"));
    set(config, "roots", "none");
    set(config, "ca_file", setting("FETCH_CA_FILE"));
    if (row == RECONNECT) set(config, "max_idle_ms", "0");
    check(caretoken_client_new(config, &party->client, &error), error);
    caretoken_config_free(config);
    return party;
}

static void party_free(struct party *party) {
    caretoken_token_free(party->token);
    caretoken_client_free(party->client);
    free(party);
}

/* Setting the id, even to the same, drops the cached token and nothing else. */
static void party_prepare(struct party *party) {
    const char *user = setting("FETCH_USER");
    const caretoken_error *error = NULL;
    check(caretoken_client_set_credential(party->client, "client_id", user, strlen(user), &error),
          error);
    caretoken_token_free(party->token);
    party->token = NULL;
}

static size_t party_fetch(struct party *party) {
    const caretoken_error *error = NULL;
    check(caretoken_client_token(party->client, 30000, &party->token, &error), error);
    return party->token->access_token.len;
}

#else
#include <cjson/cJSON.h>
#include <curl/curl.h>

struct party {
    CURL *curl;
    struct curl_slist *headers;
    char *answer;
    size_t length;
};

static size_t take(char *data, size_t size, size_t count, void *user_data) {
    struct party *party = user_data;
    char *grown = realloc(party->answer, party->length + size * count + 1);
    if (grown == NULL) return 0;
    memcpy(grown + party->length, data, size * count);
    party->length += size * count;
    grown[party->length] = '\0';
    party->answer = grown;
    return size * count;
}

static struct party *party_new(enum row row) {
    struct party *party = calloc(1, sizeof *party);
    char url[256];
    snprintf(url, sizeof url, "%s/api/auth/token", setting("FETCH_BASE_URL"));
    party->headers = curl_slist_append(NULL, "content-type: application/x-www-form-urlencoded");
    party->headers = curl_slist_append(party->headers, "accept: application/json");
    party->curl = curl_easy_init();
    curl_easy_setopt(party->curl, CURLOPT_URL, url);
    curl_easy_setopt(party->curl, CURLOPT_HTTPHEADER, party->headers);
    curl_easy_setopt(party->curl, CURLOPT_USERNAME, setting("FETCH_USER"));
    curl_easy_setopt(party->curl, CURLOPT_PASSWORD, setting("FETCH_PASSWORD"));
    curl_easy_setopt(party->curl, CURLOPT_POSTFIELDS, "grant_type=client_credentials");
    curl_easy_setopt(party->curl, CURLOPT_CAINFO, setting("FETCH_CA_FILE"));
    curl_easy_setopt(party->curl, CURLOPT_TIMEOUT_MS, 30000L);
    curl_easy_setopt(party->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(party->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(party->curl, CURLOPT_WRITEDATA, party);
    if (row == RECONNECT) curl_easy_setopt(party->curl, CURLOPT_FORBID_REUSE, 1L);
    return party;
}

static void party_free(struct party *party) {
    curl_easy_cleanup(party->curl);
    curl_slist_free_all(party->headers);
    free(party->answer);
    free(party);
}

static void party_prepare(struct party *party) { (void)party; }

static size_t party_fetch(struct party *party) {
    long status = 0;
    party->length = 0;
    CURLcode code = curl_easy_perform(party->curl);
    curl_easy_getinfo(party->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status != 200) {
        fprintf(stderr, "libcurl: %s, status %ld\n", curl_easy_strerror(code), status);
        exit(EXIT_FAILURE);
    }
    cJSON *json = cJSON_ParseWithLength(party->answer, party->length);
    const cJSON *expires = cJSON_GetObjectItemCaseSensitive(json, "expires_in");
    char *token =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "access_token"));
    size_t length = token != NULL && cJSON_IsNumber(expires) ? strlen(token) : 0;
    cJSON_Delete(json);
    return length;
}
#endif

static size_t token_length;

/* One fetch of a row; `kept` is what lives on between fetches. */
static void fetch(enum row row, struct party *kept) {
    struct party *party = row == COLD ? party_new(row) : kept;
    if (party_fetch(party) != token_length) {
        fprintf(stderr, "not the token that was expected\n");
        exit(EXIT_FAILURE);
    }
    if (row == COLD) party_free(party);
}

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long cpu(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void measure(enum row row, struct party *kept, int count) {
    static long long took[MOST_FETCHES];
    if (count > MOST_FETCHES) count = MOST_FETCHES;
    /* The first one warms the caches that other parties have used meanwhile. */
    if (kept) party_prepare(kept);
    fetch(row, kept);
    long long cpu_start = cpu();
    for (int i = 0; i < count; i++) {
        if (kept) party_prepare(kept);
        long long start = now();
        fetch(row, kept);
        took[i] = now() - start;
    }
    printf("%lld", cpu() - cpu_start);
    for (int i = 0; i < count; i++) printf(" %lld", took[i]);
    printf("\n");
}

static struct {
    enum row row;
    long long span;
    pthread_barrier_t start;
    atomic_llong fetches;
} race;

static void *run(void *unused) {
    struct party *kept = race.row == COLD ? NULL : party_new(race.row);
    long long count = 0;
    (void)unused;
    fetch(race.row, kept);
    pthread_barrier_wait(&race.start);
    for (long long end = now() + race.span; now() < end; count++) {
        if (kept) party_prepare(kept);
        fetch(race.row, kept);
    }
    atomic_fetch_add(&race.fetches, count);
    if (kept) party_free(kept);
    return NULL;
}

static void measure_threads(enum row row, int milliseconds) {
    pthread_t threads[THREADS];
    race.row = row;
    race.span = milliseconds * 1000000LL;
    atomic_store(&race.fetches, 0);
    pthread_barrier_init(&race.start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, run, NULL);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&race.start);
    printf("%.0f\n", (double)atomic_load(&race.fetches) * 1000 / milliseconds);
}

static enum row row_of(const char *name) {
    return strcmp(name, "cold") == 0 ? COLD : strcmp(name, "reconnect") == 0 ? RECONNECT : WARM;
}

int main(void) {
    char name[16], row[16];
    int number;
    struct party *reconnecting, *warm;
    struct rusage usage;
    token_length = (size_t)atoi(setting("FETCH_TOKEN_LENGTH"));
#ifndef WITH_CARETOKEN
    curl_global_init(CURL_GLOBAL_DEFAULT);
#endif
    reconnecting = party_new(RECONNECT);
    warm = party_new(WARM);
    while (scanf("%15s", name) == 1) {
        if (strcmp(name, "memory") == 0) {
            getrusage(RUSAGE_SELF, &usage);
            printf("%ld\n", usage.ru_maxrss);
        } else if (strcmp(name, "threads") == 0) {
            if (scanf("%15s %d", row, &number) != 2) return EXIT_FAILURE;
            measure_threads(row_of(row), number);
        } else {
            if (scanf("%d", &number) != 1) return EXIT_FAILURE;
            enum row wanted = row_of(name);
            measure(wanted, wanted == COLD ? NULL : wanted == WARM ? warm : reconnecting, number);
        }
        fflush(stdout);
    }
    party_free(reconnecting);
    party_free(warm);
    return 0;
}
