/* Whose certificates are trusted: SSL_CERT_FILE holds the sandbox's CA, ca_file another. */
#include "check.h"

static caretoken_client *trusting(const char *roots) {
    caretoken_config *config = sandbox_config("pattern");
    set(config, "roots", roots);
    return client_of(config);
}

int main(void) {
    const caretoken_token *token = NULL;
    caretoken_config *config = sandbox_config("pattern");
    caretoken_client *client = trusting("system");
    WORKS(caretoken_client_token(client, 10000, &token, &error));
    caretoken_token_free(token);
    caretoken_client_free(client);

    client = trusting("bundled");
    FAILS(caretoken_client_token(client, 10000, &token, &error), CARETOKEN_TLS, "");
    caretoken_client_free(client);

    /* The system's own TLS is not part of this library. */
    set(config, "tls", "system");
    FAILS(caretoken_client_new(config, &client, &error), CARETOKEN_INVALID_SETTING, "tls");
    caretoken_config_free(config);
    return 0;
}
