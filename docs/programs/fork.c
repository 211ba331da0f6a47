#include <caretoken.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int set(caretoken_config *config, const char *name, const char *variable) {
    const char *value = getenv(variable);
    return caretoken_config_set(config, name, value, value ? strlen(value) : 0, NULL);
}

int main(void) {
    caretoken_config *config = NULL;
    caretoken_client *client = NULL;
    const caretoken_token *token = NULL;
    const caretoken_error *error = NULL;

    if (caretoken_config_new("pattern", &config, NULL) || set(config, "base_url", "PATTERN_BASE_URL") ||
        set(config, "client_id", "PATTERN_CLIENT_ID") ||
        set(config, "client_secret", "PATTERN_CLIENT_SECRET") ||
        (getenv("CARETOKEN_CA_FILE") && set(config, "ca_file", "CARETOKEN_CA_FILE")) ||
        caretoken_client_new(config, &client, &error) ||
        caretoken_client_token(client, CARETOKEN_DEFAULT_TIMEOUT, &token, &error)) {
        fprintf(stderr, "%s\n", error ? error->line.data : "not configured");
        return EXIT_FAILURE;
    }
    caretoken_config_free(config);
    fflush(stdout);

    pid_t child = fork();
    if (child == 0) {
        /* The child has the client, the cached token and connections of its own. */
        const caretoken_token *again = NULL;
        caretoken_status status = caretoken_client_token(client, 0, &again, NULL);
        caretoken_token_free(again);
        caretoken_token_free(token);
        caretoken_client_free(client);
        return status == CARETOKEN_OK ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    int status = 1;
    waitpid(child, &status, 0);
    puts(status == 0 ? "the child used its parent's token" : "the child failed");
    caretoken_token_free(token);
    caretoken_client_free(client);
    return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
