/* One token from a vendor that caretoken does not know: its endpoint is described by a file.
 *
 *     own-vendor acme.json
 *
 * reads the profile, lists what it asks for, as a page of settings would, takes the values from
 * environment variables such as ACME_CLIENT_ID, fetches a token and tells which header it is for.
 * In a checkout `make -C examples-c run` runs it against the sandbox.
 * How to write such a file: profiles/README.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caretoken.h"

/* Room for two names of a profile, which have at most 40 characters each. */
#define VARIABLE_SIZE 84

/* Prints the error and lets it go. One line says it all, and it is safe to log. */
static int complain(const caretoken_error *error) {
    fprintf(stderr, "%s\n", error->line.data);
    caretoken_error_free(error);
    return 0;
}

/* The environment variable of a setting: ACME_CLIENT_ID for client_id of acme. Returns its value. */
static const char *find(char *variable, const caretoken_profile *profile, const char *setting) {
    char *at;
    snprintf(variable, VARIABLE_SIZE, "%s_%s", profile->name.data, setting);
    for (at = variable; *at != '\0'; ++at) {
        if (*at >= 'a' && *at <= 'z') {
            *at = (char)(*at - 'a' + 'A');
        } else if (*at == '-') {
            *at = '_';
        }
    }
    return getenv(variable);
}

static void list_parameter(const caretoken_profile *profile, const caretoken_parameter *parameter) {
    char variable[VARIABLE_SIZE];
    const char *value = find(variable, profile, parameter->name.data);
    size_t i;
    printf("  %-14s %s%s, %s", parameter->name.data, parameter->kind.data,
           parameter->is_secret ? ", secret" : "", parameter->is_required ? "required" : "optional");
    for (i = 0; i < parameter->choices_len; ++i) {
        printf("%s%s", i == 0 ? ", one of " : " ", parameter->choices[i].data);
    }
    if (parameter->default_value.len > 0) {
        printf(", default %s", parameter->default_value.data);
    }
    printf(" (%s is %sset)\n", variable, value != NULL ? "" : "not ");
    if (parameter->about.len > 0) {
        printf("  %-14s %s\n", "", parameter->about.data);
    }
}

/* What a page of settings would show. */
static void list(const caretoken_profile *profile) {
    size_t i;
    printf("%s (%s)\n", profile->title.data, profile->name.data);
    for (i = 0; i < profile->documentation_len; ++i) {
        printf("%s\n", profile->documentation[i].data);
    }
    for (i = 0; i < profile->parameters_len; ++i) {
        list_parameter(profile, profile->parameters[i]);
    }
    if (profile->scopes != CARETOKEN_SCOPES_NONE) {
        printf("  %-14s %s\n", "scopes",
               profile->scopes == CARETOKEN_SCOPES_REQUIRED ? "required" : "optional");
    }
    if (profile->needs_client_certificate) {
        printf("  and a client certificate\n");
    }
}

/* Sets what has a value; what is missing is told when the client is made. */
static int set(caretoken_config *config, const char *name, const char *value) {
    const caretoken_error *error = NULL;
    if (value != NULL &&
        caretoken_config_set(config, name, value, strlen(value), &error) != CARETOKEN_OK) {
        return complain(error);
    }
    return 1;
}

static int configure(caretoken_config *config, const caretoken_profile *profile) {
    char variable[VARIABLE_SIZE];
    size_t i;
    for (i = 0; i < profile->parameters_len; ++i) {
        const char *name = profile->parameters[i]->name.data;
        if (!set(config, name, find(variable, profile, name))) {
            return 0;
        }
    }
    if (profile->scopes != CARETOKEN_SCOPES_NONE &&
        !set(config, "scopes", find(variable, profile, "scopes"))) {
        return 0;
    }
    return set(config, "client_cert_file", getenv("CARETOKEN_CLIENT_CERT_FILE")) &&
           set(config, "client_key_file", getenv("CARETOKEN_CLIENT_KEY_FILE")) &&
           set(config, "ca_file", getenv("CARETOKEN_CA_FILE"));
}

/* A client; NULL after a complaint. A program makes it once and shares it among its threads. */
static caretoken_client *make_client(const caretoken_profile *profile) {
    const caretoken_error *error = NULL;
    caretoken_config *config = NULL;
    caretoken_client *client = NULL;
    if (caretoken_config_from_profile(profile, &config, &error) != CARETOKEN_OK ||
        (configure(config, profile) &&
         caretoken_client_new(config, &client, &error) != CARETOKEN_OK)) {
        complain(error);
    }
    caretoken_config_free(config);
    return client;
}

int main(int argc, char **argv) {
    const caretoken_error *error = NULL;
    const caretoken_profile *profile = NULL;
    const caretoken_token *token = NULL;
    caretoken_client *client;
    int is_well = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: %s PROFILE.json\n", argv[0]);
        return EXIT_FAILURE;
    }
    if (caretoken_profile_load(argv[1], &profile, &error) != CARETOKEN_OK) {
        fprintf(stderr, "%s: ", argv[1]);
        complain(error);
        return EXIT_FAILURE;
    }
    list(profile);
    client = make_client(profile);
    caretoken_profile_free(profile); /* the client does not need it any more */

    if (client != NULL) {
        if (caretoken_client_token(client, CARETOKEN_DEFAULT_TIMEOUT, &token, &error) ==
            CARETOKEN_OK) {
            /* A program sends token->authorization.data in this header, and never prints it. */
            printf("got a token of %lu bytes for the header %s, good for %ld s\n",
                   (unsigned long)token->access_token.len, token->header.data,
                   (long)(caretoken_token_time_left_ms(token) / 1000));
            is_well = 1;
        } else {
            complain(error);
        }
    }
    caretoken_token_free(token);
    caretoken_client_free(client);
    return is_well ? EXIT_SUCCESS : EXIT_FAILURE;
}
