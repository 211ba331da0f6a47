/* Lists the profiles that are compiled in, and those of the files that it is told: tests/capi.rs holds
 * the list against that of Rust. */
#include "check.h"

static void print_text(caretoken_str text) {
    CHECK(strlen(text.data) == text.len);
    printf("|%s", text.data);
}

static void print_profile(const caretoken_profile *profile) {
    size_t i, j;
    print_text(profile->name);
    print_text(profile->title);
    print_text(profile->header);
    for (i = 0; i < profile->documentation_len; ++i) {
        print_text(profile->documentation[i]);
    }
    printf("|%d|%d\n", (int)profile->scopes, profile->needs_client_certificate);
    for (i = 0; i < profile->parameters_len; ++i) {
        const caretoken_parameter *parameter = profile->parameters[i];
        print_text(parameter->name);
        print_text(parameter->about);
        print_text(parameter->kind);
        print_text(parameter->default_value);
        for (j = 0; j < parameter->choices_len; ++j) {
            print_text(parameter->choices[j]);
        }
        printf("|%d%d%d\n", parameter->is_secret, parameter->is_required, parameter->is_holder);
    }
    caretoken_profile_free(profile);
}

int main(int argc, char **argv) {
    size_t count = 0, i;
    int file;
    const caretoken_str *names = caretoken_profile_names(&count);
    const caretoken_profile *profile = NULL;
    for (i = 0; i < count; ++i) {
        WORKS(caretoken_profile_named(names[i].data, &profile, &error));
        print_profile(profile);
    }
    for (file = 1; file < argc; ++file) {
        WORKS(caretoken_profile_load(argv[file], &profile, &error));
        print_profile(profile);
    }
    return 0;
}
