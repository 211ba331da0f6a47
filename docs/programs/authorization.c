#include <caretoken.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Your request. */
static int send_request(const char *authorization, size_t length) {
    printf("sending a header of %zu bytes\n", length);
    return authorization[length] == '\0' ? 200 : 500;
}

/* The header goes straight into a buffer of yours, which is wiped after use. */
static int call(const caretoken_client *client) {
    char buffer[4096];
    size_t length = 0;
    const caretoken_error *error = NULL;
    if (caretoken_client_authorization(client, CARETOKEN_DEFAULT_TIMEOUT, buffer, sizeof buffer,
                                       &length, &error) != CARETOKEN_OK) {
        /* CARETOKEN_BUFFER_TOO_SMALL: length says what is needed. */
        fprintf(stderr, "%s\n", error->line.data);
        caretoken_error_free(error);
        return -1;
    }
    int status = send_request(buffer, length);
    caretoken_wipe(buffer, sizeof buffer);
    return status;
}

static int set(caretoken_config *config, const char *name, const char *variable) {
    const char *value = getenv(variable);
    return caretoken_config_set(config, name, value, value ? strlen(value) : 0, NULL);
}

int main(void) {
    caretoken_config *config = NULL;
    caretoken_client *client = NULL;
    if (caretoken_config_new("pattern", &config, NULL) || set(config, "base_url", "PATTERN_BASE_URL") ||
        set(config, "client_id", "PATTERN_CLIENT_ID") ||
        set(config, "client_secret", "PATTERN_CLIENT_SECRET") ||
        (getenv("CARETOKEN_CA_FILE") && set(config, "ca_file", "CARETOKEN_CA_FILE")) ||
        caretoken_client_new(config, &client, NULL)) {
        fputs("not configured\n", stderr);
        return EXIT_FAILURE;
    }
    caretoken_config_free(config);
    int status = call(client);
    caretoken_client_free(client);
    return status == 200 ? EXIT_SUCCESS : EXIT_FAILURE;
}
