#include <caretoken.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const caretoken_error *error) {
    fprintf(stderr, "%s\n", error->line.data);
    caretoken_error_free(error);
    return EXIT_FAILURE;
}

static caretoken_status set(caretoken_config *config, const char *name, const char *variable,
                            const caretoken_error **error) {
    const char *value = getenv(variable);
    return caretoken_config_set(config, name, value, value ? strlen(value) : 0, error);
}

int main(void) {
    caretoken_config *config = NULL;
    caretoken_client *client = NULL;
    const caretoken_error *error = NULL;

    if (caretoken_config_new("pattern", &config, &error) != CARETOKEN_OK ||
        set(config, "base_url", "PATTERN_BASE_URL", &error) != CARETOKEN_OK ||
        set(config, "client_id", "PATTERN_CLIENT_ID", &error) != CARETOKEN_OK ||
        set(config, "client_secret", "PATTERN_CLIENT_SECRET", &error) != CARETOKEN_OK ||
        (getenv("CARETOKEN_CA_FILE") &&
         set(config, "ca_file", "CARETOKEN_CA_FILE", &error) != CARETOKEN_OK) ||
        caretoken_client_new(config, &client, &error) != CARETOKEN_OK) {
        caretoken_config_free(config);
        return failed(error);
    }
    caretoken_config_free(config);

    /* Keep the client, and share it between threads. */
    const caretoken_token *token = NULL;
    if (caretoken_client_token(client, CARETOKEN_DEFAULT_TIMEOUT, &token, &error) != CARETOKEN_OK) {
        caretoken_client_free(client);
        return failed(error);
    }
    printf("a token of %zu bytes\n", token->access_token.len);
    /* Send token->authorization.data as the Authorization header; on a 401 call
       caretoken_client_reject. */
    caretoken_token_free(token);
    caretoken_client_free(client);
    return EXIT_SUCCESS;
}
