/* A client that insists on locked memory, under a limit: whatever it gives is locked. Takes tokens of
 * the vendor in its argument and keeps them all, until there is no memory for another. Prints how many
 * it got. */
#include "check.h"

#include <stdint.h>

/* Whether the kernel keeps the text in RAM, with its NUL. */
static int is_locked(caretoken_str text) {
    uintptr_t first = (uintptr_t)text.data, last = first + text.len;
    char line[512];
    int is_there = 0, is_locked = 0;
    FILE *maps = fopen("/proc/self/smaps", "r");
    CHECK(maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long start, end;
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
            is_there = start <= first && last < end;
        } else if (is_there && strncmp(line, "VmFlags:", 8) == 0) {
            is_locked = strstr(line, " lo") != NULL;
        }
    }
    fclose(maps);
    return is_locked;
}

int main(int count, char **arguments) {
    const char *vendor = count > 1 ? arguments[1] : "pattern";
    const char *holder = strcmp(vendor, "parchment") == 0 ? "user_id" : "client_id";
    caretoken_config *config = sandbox_config(vendor);
    caretoken_client *client = NULL;
    const caretoken_error *error = NULL;
    int tokens = 0;

    set(config, "require_locked_memory", "true");
    if (caretoken_client_new(config, &client, &error) == CARETOKEN_OK) {
        while (error == NULL) {
            const caretoken_token *token = NULL; /* never freed */
            const char *value = environment(vendor, holder);
            size_t i;
            if (caretoken_client_token(client, 20000, &token, &error) != CARETOKEN_OK) {
                break;
            }
            tokens += 1;
            CHECK(is_locked(token->authorization));
            CHECK(token->refresh_token.len == 0 || is_locked(token->refresh_token));
            for (i = 0; i < token->extras_len; ++i) {
                CHECK(token->extras[i].value.len == 0 || is_locked(token->extras[i].value));
            }
            /* Drops the cached token. */
            caretoken_client_set_credential(client, holder, value, strlen(value), &error);
        }
    }
    CHECK(error->status == CARETOKEN_INVALID_SETTING);
    CHECK(is_text(error->field, "require_locked_memory"));
    caretoken_error_free(error);
    printf("%d\n", tokens);
    return 0;
}
