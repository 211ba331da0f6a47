/* One token from each of the four vendors, and one call with it to the vendor's protected resource.
 *
 * caretoken fetches the tokens; libcurl is here only because the resource is somebody else's API.
 * In a checkout `make -C examples-c run` starts the sandbox that plays the vendors, and runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "caretoken.h"
#include "sandbox.h"

/* Prints the error and lets it go. One line says it all, and it is safe to log. */
static void complain(const caretoken_error *error) {
    fprintf(stderr, "%s\n", error->line.data);
    caretoken_error_free(error);
}

static int set(caretoken_config *config, const char *name, const char *value) {
    const caretoken_error *error = NULL;
    size_t length = value != NULL ? strlen(value) : 0;
    if (caretoken_config_set(config, name, value, length, &error) != CARETOKEN_OK) {
        complain(error);
        return 0;
    }
    return 1;
}

/* Everything that the vendor needs. */
static int configure(caretoken_config *config, const struct vendor *vendor) {
    const struct setting *setting;
    for (setting = vendor->settings; setting->name != NULL; ++setting) {
        if (!set(config, setting->name, getenv(setting->variable))) {
            fprintf(stderr, "(from the environment variable %s)\n", setting->variable);
            return 0;
        }
    }
    if (strcmp(vendor->name, "parchment") == 0 && !set(config, "scopes", PARCHMENT_SCOPES)) {
        return 0;
    }
    return set(config, "ca_file", getenv("CARETOKEN_CA_FILE"));
}

/* A client; NULL after a complaint. A program makes it once and shares it among its threads. */
static caretoken_client *make_client(const struct vendor *vendor) {
    const caretoken_error *error = NULL;
    caretoken_config *config = NULL;
    caretoken_client *client = NULL;

    if (caretoken_config_new(vendor->name, &config, &error) != CARETOKEN_OK) {
        complain(error);
    } else if (configure(config, vendor) &&
               caretoken_client_new(config, &client, &error) != CARETOKEN_OK) {
        complain(error);
    }
    caretoken_config_free(config);
    return client;
}

static size_t ignore(char *data, size_t size, size_t count, void *nobody) {
    (void)data;
    (void)nobody;
    return size * count;
}

/* Adds "name: value" to the headers. The line is wiped at once; libcurl keeps a copy of its own. */
static struct curl_slist *add_header(struct curl_slist *headers, const char *name,
                                     const char *value) {
    size_t size = strlen(name) + strlen(value) + 3;
    char *line = malloc(size);
    struct curl_slist *longer = NULL;
    if (line != NULL) {
        snprintf(line, size, "%s: %s", name, value);
        longer = curl_slist_append(headers, line);
        caretoken_wipe(line, size);
        free(line);
    }
    return longer != NULL ? longer : headers;
}

static void free_headers(struct curl_slist *headers) {
    struct curl_slist *header;
    for (header = headers; header != NULL; header = header->next) {
        caretoken_wipe(header->data, strlen(header->data));
    }
    curl_slist_free_all(headers);
}

/* The HTTP status of the vendor's protected resource; 0 if there was no answer. */
static long call_resource(const struct vendor *vendor, const caretoken_token *token) {
    const char *url = getenv(vendor->resource_variable);
    struct curl_slist *headers = add_header(NULL, token->header.data, token->authorization.data);
    CURL *curl = curl_easy_init();
    CURLcode code;
    long status = 0;

    if (strcmp(vendor->name, "parchment") == 0) {
        const char *secret = getenv("PARCHMENT_ORGANIZATION_SECRET");
        headers = add_header(headers, "x-organization-secret", secret != NULL ? secret : "");
    }
    if (curl == NULL || url == NULL) {
        fprintf(stderr, "%s: set %s\n", vendor->name, vendor->resource_variable);
    } else {
        curl_easy_setopt(curl, CURLOPT_URL, url);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("CARETOKEN_CA_FILE"));
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
        code = curl_easy_perform(curl);
        if (code == CURLE_OK) {
            curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        } else {
            fprintf(stderr, "%s: %s\n", vendor->name, curl_easy_strerror(code));
        }
    }
    curl_easy_cleanup(curl);
    free_headers(headers);
    return status;
}

static void print_row(const caretoken_token *token, long resource_status) {
    char scopes[32];
    char shape[32];
    int is_jwt = strchr(token->access_token.data, '.') != NULL;

    snprintf(shape, sizeof shape, "%s, %lu bytes", is_jwt ? "JWT" : "opaque",
             (unsigned long)token->access_token.len);
    snprintf(scopes, sizeof scopes, "%lu (%lu missing)", (unsigned long)token->scopes_len,
             (unsigned long)token->missing_scopes_len);
    printf("%-10s %-18s %8ld s  %-15s %-40s %8ld\n", token->vendor.data, shape,
           (long)(caretoken_token_time_left_ms(token) / 1000), scopes,
           token->request_id.len > 0 ? token->request_id.data : "-", resource_status);
}

/* Gets a token, uses it, and asks for another one if the API refuses it. */
static int visit(const struct vendor *vendor) {
    caretoken_client *client = make_client(vendor);
    const caretoken_error *error = NULL;
    const caretoken_token *token = NULL;
    long status = 0;
    int attempts;

    if (client == NULL) {
        return 0;
    }
    for (attempts = 0; attempts < 2 && status != 200; ++attempts) {
        if (caretoken_client_token(client, CARETOKEN_DEFAULT_TIMEOUT, &token, &error) !=
            CARETOKEN_OK) {
            complain(error);
            break;
        }
        status = call_resource(vendor, token);
        print_row(token, status);
        if (status == 401) {
            caretoken_client_reject(client, token, NULL, NULL);
        }
        caretoken_token_free(token);
    }
    caretoken_client_free(client);
    return status == 200;
}

int main(void) {
    size_t i;
    int all_well = 1;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    printf("caretoken %s from C\n", caretoken_version());
    printf("%-10s %-18s %10s  %-15s %-40s %8s\n", "vendor", "token", "expires in", "scopes",
           "request id", "resource");
    for (i = 0; i < sizeof vendors / sizeof *vendors; ++i) {
        all_well = visit(&vendors[i]) && all_well;
    }
    curl_global_cleanup();
    return all_well ? EXIT_SUCCESS : EXIT_FAILURE;
}
