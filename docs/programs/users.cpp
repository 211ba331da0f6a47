#include <caretoken.hpp>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>

// A client for each acting user, on one set of connections.
class clients_of_users {
   public:
    explicit clients_of_users(caretoken::client first) : first_(std::move(first)) {}

    // The client of this user, made at the first call. Throws if the id cannot be used.
    std::shared_ptr<const caretoken::client> of(const std::string &user_id) {
        const std::lock_guard lock(mutex_); // never held while a token is fetched
        auto &client = by_user_[user_id];
        if (!client) {
            auto config = first_.sibling().value();
            config.set("user_id", user_id).value();
            client = std::make_shared<caretoken::client>(
                caretoken::client::create(config).value());
        }
        return client;
    }

    // Call it when the user leaves: the token is wiped when its last holder is gone.
    void forget(const std::string &user_id) {
        const std::lock_guard lock(mutex_);
        by_user_.erase(user_id);
    }

   private:
    caretoken::client first_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<caretoken::client>> by_user_;
};

int main() {
    try {
        auto config = caretoken::config::create("parchment").value();
        config.set("base_url", std::getenv("PARCHMENT_BASE_URL")).value();
        config.set("partner_id", std::getenv("PARCHMENT_PARTNER_ID")).value();
        config.set("partner_secret", std::getenv("PARCHMENT_PARTNER_SECRET")).value();
        config.set("organization_id", std::getenv("PARCHMENT_ORGANIZATION_ID")).value();
        config.set("organization_secret", std::getenv("PARCHMENT_ORGANIZATION_SECRET")).value();
        config.set("user_id", std::getenv("PARCHMENT_USER_ID")).value();
        config.set("scopes", "read:patient").value();
        if (const char *ca_file = std::getenv("CARETOKEN_CA_FILE")) {
            config.set("ca_file", ca_file).value();
        }
        clients_of_users users(caretoken::client::create(config).value());

        const std::string user_id = std::getenv("PARCHMENT_USER_ID");
        auto first = users.of(user_id)->token().value();   // fetched
        auto second = users.of(user_id)->token().value();  // the cached one
        std::cout << (first.access_token() == second.access_token() ? "one token\n" : "two tokens\n");
        users.forget(user_id);
    } catch (const caretoken::exception &e) {
        std::cerr << e.what() << '\n';
        return EXIT_FAILURE;
    }
}
