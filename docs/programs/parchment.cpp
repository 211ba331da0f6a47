#include <caretoken.hpp>
#include <cstdlib>
#include <iostream>

int main() {
    try {
        auto config = caretoken::config::create("parchment").value();
        config.set("base_url", std::getenv("PARCHMENT_BASE_URL")).value();
        config.set("partner_id", std::getenv("PARCHMENT_PARTNER_ID")).value();
        config.set("partner_secret", std::getenv("PARCHMENT_PARTNER_SECRET")).value();
        config.set("organization_id", std::getenv("PARCHMENT_ORGANIZATION_ID")).value();
        config.set("organization_secret", std::getenv("PARCHMENT_ORGANIZATION_SECRET")).value();
        config.set("user_id", std::getenv("PARCHMENT_USER_ID")).value();
        config.set("scopes", "create:patient read:patient delete:user").value();
        if (const char *ca_file = std::getenv("CARETOKEN_CA_FILE")) {
            config.set("ca_file", ca_file).value();
        }
        auto client = caretoken::client::create(config).value();

        auto token = client.token().value();
        // A scope that is not granted is no error at Parchment: look.
        for (std::string_view scope : token.missing_scopes()) {
            std::cout << "not granted: " << scope << '\n';
        }
        // Calls with the token also need the header x-organization-secret.
        std::cout << "a token of " << token.access_token().size() << " bytes\n";
    } catch (const caretoken::exception &e) {
        std::cerr << e.what() << '\n';
        return EXIT_FAILURE;
    }
}
