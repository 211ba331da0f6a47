/* What the C test programs share: checks that stop the program, and clients for the sandbox. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caretoken.h"

#define CHECK(claim)                                                             \
    do {                                                                         \
        if (!(claim)) {                                                          \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim); \
            exit(1);                                                             \
        }                                                                        \
    } while (0)

static inline int is_text(caretoken_str text, const char *expected) {
    return text.len == strlen(expected) && strcmp(text.data, expected) == 0;
}

static inline int has_text(caretoken_str text, const char *part) {
    return text.data != NULL && strlen(text.data) == text.len && strstr(text.data, part) != NULL;
}

static inline const char *line_of(const caretoken_error *error) {
    return error != NULL ? error->line.data : "there is no error";
}

/* Checks status and error of a call that must fail, and frees the error. */
static inline void check_failure(const char *file, int line, caretoken_status status,
                                 const caretoken_error *error, caretoken_status expected,
                                 const char *field) {
    if (status != expected || error == NULL || error->status != expected ||
        !is_text(error->field, field) ||
        !is_text(error->kind, caretoken_status_name(expected).data) || error->remedy.len == 0) {
        fprintf(stderr, "%s:%d: expected %s about '%s', got %s: %s\n", file, line,
                caretoken_status_name(expected).data, field, caretoken_status_name(status).data,
                line_of(error));
        exit(1);
    }
    caretoken_error_free(error);
}

/* FAILS(call(..., &error), status, field): the error pointer begins as rubbish on purpose. */
#define FAILS(call, expected, field)                                                    \
    do {                                                                                \
        const caretoken_error *error = (const caretoken_error *)&rubbish;               \
        caretoken_status status_of_call = (call);                                       \
        check_failure(__FILE__, __LINE__, status_of_call, error, (expected), (field));  \
    } while (0)

/* WORKS(call(..., &error)) */
#define WORKS(call)                                                                     \
    do {                                                                                \
        const caretoken_error *error = (const caretoken_error *)&rubbish;               \
        caretoken_status status_of_call = (call);                                       \
        if (status_of_call != CARETOKEN_OK || error != NULL) {                          \
            fprintf(stderr, "%s:%d: %s failed: %s\n", __FILE__, __LINE__, #call,        \
                    line_of(error));                                                    \
            exit(1);                                                                    \
        }                                                                               \
    } while (0)

static char rubbish;

static inline const char *environment(const char *vendor, const char *name) {
    char variable[80];
    size_t i;
    snprintf(variable, sizeof variable, "%s_%s", vendor, name);
    for (i = 0; variable[i] != '\0'; ++i) {
        if (variable[i] >= 'a' && variable[i] <= 'z') {
            variable[i] = (char)(variable[i] - 'a' + 'A');
        }
    }
    CHECK(getenv(variable) != NULL);
    return getenv(variable);
}

static inline int is_plain_http(const char *vendor) {
    return strncmp(environment(vendor, "base_url"), "http://", 7) == 0;
}

static inline void set(caretoken_config *config, const char *name, const char *value) {
    WORKS(caretoken_config_set(config, name, value, strlen(value), &error));
}

static const char *const credentials_of[][6] = {
    {"parchment", "partner_id", "partner_secret", "organization_id", "organization_secret", "user_id"},
    {"ehealth", "client_id", "client_secret", "refresh_token", NULL, NULL},
    {"edvak", "client_id", "client_secret", "username", "password", NULL},
    {"pattern", "client_id", "client_secret", NULL, NULL, NULL},
};

/* A complete config for a vendor of the sandbox. */
static inline caretoken_config *sandbox_config(const char *vendor) {
    caretoken_config *config = (caretoken_config *)&rubbish;
    size_t row, i;
    WORKS(caretoken_config_new(vendor, &config, &error));
    set(config, "base_url", environment(vendor, "base_url"));
    set(config, "plain_http_to_loopback", is_plain_http(vendor) ? "true" : "false");
    set(config, "ca_file", getenv("CARETOKEN_CA_FILE"));
    for (row = 0; row < 4; ++row) {
        if (strcmp(credentials_of[row][0], vendor) != 0) {
            continue;
        }
        for (i = 1; i < 6 && credentials_of[row][i] != NULL; ++i) {
            set(config, credentials_of[row][i], environment(vendor, credentials_of[row][i]));
        }
    }
    if (strcmp(vendor, "parchment") == 0) {
        set(config, "scopes", "create:patient read:patient");
    }
    return config;
}

static inline caretoken_client *client_of(caretoken_config *config) {
    caretoken_client *client = (caretoken_client *)&rubbish;
    WORKS(caretoken_client_new(config, &client, &error));
    caretoken_config_free(config);
    return client;
}

#endif
